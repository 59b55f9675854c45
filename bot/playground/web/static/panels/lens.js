// The privacy lens: who can read this, and why; and the whole room at a glance.

import { button, h, icon, word } from "../common/dom.js";

const kind = (thing) => thing?.split("@")[0]; // a row stands for both platforms, which differ only in what an export holds

const can = (yes) => [icon(yes ? "eye" : "shut"), word(yes ? "page-can" : "page-cannot")];

export function lens(panel) {
  const one = h("div", { class: "one" });
  const room = h("div", { class: "whole", tabindex: "0", role: "region", label: "page-lens-room" });
  panel.append(one, h("h3", { word: "page-lens-room" }), h("p", { class: "hint", word: "page-lens-room-about" }), room);
  let privacy = { readers: [], things: {}, room: [] };
  let here = new Set();
  let looked = { thing: null, push: "" };

  function look(thing, push = "") {
    looked = { thing, push };
    drawOne();
    drawRoom();
  }

  function drawOne() {
    const thing = privacy.things[looked.thing];
    if (!thing) return one.replaceChildren(h("h2", { word: "page-lens" }), h("p", { class: "hint", word: "page-lens-about" }));
    one.replaceChildren(
      h("h2", {}, word("page-lens"), " ", h("span", { class: "thing" }, thing.says)),
      h("ul", { class: "readers" }, privacy.readers.map(({ id, says }) => {
        const { can: yes, why } = thing.reads[id];
        return h("li", { class: yes ? "yes" : "no" },
          h("strong", {}, says), h("span", { class: "mark" }, can(yes)), h("p", {}, why));
      })),
      ...(looked.push ? [h("p", { class: "hint" }, word("page-lens-push"), " ", h("q", {}, looked.push))] : []),
    );
  }

  function drawRoom() {
    const head = h("tr", {}, h("th", { scope: "col", word: "page-lens-thing" }),
      privacy.readers.map(({ says }) => h("th", { scope: "col", class: "reader" }, h("span", {}, says))));
    const rows = privacy.room.filter((id) => privacy.things[id]).map((id) => {
      const { says, reads } = privacy.things[id];
      const name = button({ class: "quiet", "aria-pressed": String(kind(id) === kind(looked.thing)), onclick: () => look(id) }, says,
        here.has(kind(id)) ? word("page-lens-here", { class: "here" }) : null);
      return h("tr", {}, h("th", { scope: "row" }, name),
        privacy.readers.map((reader) => h("td", { class: reads[reader.id].can ? "yes" : "no" }, h("span", { class: "mark" }, can(reads[reader.id].can)))));
    });
    const focused = room.contains(document.activeElement) && document.activeElement !== room;
    room.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, rows)));
    if (focused) (room.querySelector("[aria-pressed=true]") ?? room).focus();
  }

  const update = (state, changed) => {
    if (changed("messages")) {
      const now = new Set(state.messages.filter((each) => !each.gone).map((each) => kind(each.thing)));
      const same = now.size === here.size && [...now].every((each) => here.has(each));
      here = now;
      if (!same && !changed("privacy")) drawRoom();
    }
    if (changed("privacy")) {
      privacy = state.privacy;
      drawOne();
      drawRoom();
    }
  };
  return { look, update };
}

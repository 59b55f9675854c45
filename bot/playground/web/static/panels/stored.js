// What is on the disk, byte for byte, and what the running programme makes of it.

import { h, keyed, word } from "../common/dom.js";

const SHORT = 44;
const LONG = new Set(["sealed", "end"]);

function value(column, what) {
  if (what === null || what === undefined) return "–";
  if (LONG.has(column)) {
    return h("details", { class: "sealed" }, h("summary", {}, h("code", {}, `${what.slice(0, SHORT)}… `), word("page-stored-all")), h("code", {}, what));
  }
  return h("code", {}, typeof what === "object" ? JSON.stringify(what) : String(what));
}

const record = ({ key, ...columns }) => h("li", { class: "record" },
  h("dl", {}, Object.entries(columns).map(([column, what]) => [h("dt", {}, column), h("dd", {}, value(column, what))])));

export function stored(panel) {
  const none = h("p", { class: "empty" });
  const ofAsking = ({ kind }) => ["support", "doorstep"].includes(kind);
  const list = h("ul", { class: "records" });
  const files = h("ul", { class: "records" });
  panel.append(h("h2", { word: "page-stored" }), h("p", { class: "hint", word: "page-disk-about" }), files,
    h("h3", { word: "page-held" }), h("p", { class: "hint", word: "page-stored-about" }), none, list);
  const rows = keyed(list, record);
  const disk = keyed(files, record);
  return (state, changed) => {
    if (changed("disk")) disk(state.disk.map((each) => ({ key: each.name, ...each })));
    if (!changed("stored")) return;
    none.hidden = state.stored.some(ofAsking);
    none.replaceChildren(word(state.stored.length ? "page-stored-peers" : "page-stored-none"));
    rows(state.stored.map((each) => ({ key: each.id, ...each })));
  };
}

// Everybody's chat, side by side; on a phone one at a time, with marks for what is new in the others.

import { avatar, button, h, word } from "../common/dom.js";
import { pane } from "./pane.js";

export function room(faces, panes, play) {
  const shown = new Map(); // name → pane and the button that brings it to the front
  let front = null; // whoever was touched last: their news are read as they come

  const own = {
    ...play,
    isFront: (name) => name === front,
    touched,
    marked: (name, count) => {
      const mark = shown.get(name)?.mark;
      mark?.replaceChildren(...(count ? [String(count), word("page-new", { class: "unseen" })].flatMap((each) => [each, " "]) : []));
    },
  };

  function add(person) {
    const made = pane(person, own);
    const mark = h("span", { class: "unread" });
    const face = button({ onclick: () => bring(person.name) }, avatar(person.name), person.name, mark);
    shown.set(person.name, { ...made, face, mark, skin: person.platform });
  }

  function touched(name) {
    if (name === front) return;
    front = name;
    for (const [each, { node, face }] of shown) {
      node.classList.toggle("front", each === name);
      face.setAttribute("aria-current", String(each === name));
    }
  }

  function bring(name) {
    touched(name);
    const { node, read } = shown.get(name);
    node.scrollIntoView({ inline: "nearest", block: "nearest" });
    read();
  }

  function cast(people) {
    const before = front;
    front = null;
    shown.clear();
    people.forEach(add);
    panes.replaceChildren(...[...shown.values()].map((each) => each.node));
    faces.replaceChildren(...[...shown.values()].map((each) => each.face));
    if (people.length) bring(shown.has(before) ? before : people[0].name);
  }

  const standing = (people) => people.length === shown.size && people.every((each) => shown.get(each.name)?.skin === each.platform);

  return (state, changed, whole) => {
    const recast = changed("people") && !standing(state.people);
    if (recast) cast(state.people);
    if (!recast && !changed("messages")) return;
    for (const each of shown.values()) each.update(state, recast || whole);
  };
}

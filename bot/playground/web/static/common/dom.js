// Elements from a few words of code. Text is only ever text: nothing here reads markup.

import { carry } from "./words.js";

let count = 0;

export const fresh = (name) => `${name}-${++count}`;

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (["word", "label", "hint"].includes(name)) carry(node, name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

export const word = (key, props = {}) => h("span", { word: key, ...props });
export const button = (props, ...children) => h("button", { type: "button", ...props }, ...children);
export const avatar = (name) => h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1));

// Drawings stand in the page itself; each is used many times.
export const icon = (name) => document.getElementById(`icon-${name}`).content.firstElementChild.cloneNode(true);

// One list, many updates: an entry is drawn again only when its own JSON has changed.
export function keyed(parent, draw) {
  const kept = new Map();
  return (items) => {
    const wanted = new Map(items.map((item) => [item.key, JSON.stringify(item)]));
    for (const [key, { node }] of kept) {
      if (!wanted.has(key)) { node.remove(); kept.delete(key); }
    }
    items.forEach((item, place) => {
      const json = wanted.get(item.key);
      const old = kept.get(item.key);
      if (old?.json !== json) {
        const node = draw(item);
        old ? old.node.replaceWith(node) : parent.append(node);
        kept.set(item.key, { json, node });
      }
      const { node } = kept.get(item.key);
      if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
    });
  };
}

// Elements from a few words of code. Text is only ever text: nothing here reads markup.

import { carry } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
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

const PATHS = {
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  shut: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM3 14 13 2",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${name}`);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

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

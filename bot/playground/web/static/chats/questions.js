// The questions both platforms ask, as controls of this page; what a platform calls them is known in its own module.

import { fresh, h, word } from "../common/dom.js";

const tick = (type, number, name, { value, text }, ticked) => h("label", { class: "tick" },
  h("input", { type, name, value, "data-question": number, checked: ticked.includes(value) }), h("span", {}, text));

const asked = (label, optional) => [label, optional ? word("page-optional", { class: "optional" }) : null];

function group(label, optional, style, ...children) {
  return h("fieldset", { class: style }, h("legend", {}, asked(label, optional)), ...children);
}

function labelled(label, optional, control) {
  control.id = fresh("answer");
  return h("div", { class: "asked" }, h("label", { for: control.id }, asked(label, optional)), control);
}

// options: [{value, text}], or groups of them: [{label, options}]
export function ticks(number, { label, optional, many, options, ticked, compact }) {
  const name = fresh("ticks");
  const row = (option) => tick(many ? "checkbox" : "radio", number, name, option, ticked);
  const rows = options.map((each) => (each.options
    ? h("div", { role: "group", "aria-label": each.label }, h("p", { class: "ends" }, each.label), each.options.map(row))
    : row(each)));
  return group(label, optional, compact ? "many" : "few", h("div", { class: "ticks" }, rows));
}

export function list(number, { label, optional, options, ticked }) {
  const row = ({ value, text }) => h("option", { value, selected: ticked.includes(value) }, text);
  const rows = options.map((each) => (each.options ? h("optgroup", { label: each.label }, each.options.map(row)) : row(each)));
  const none = h("option", { value: "", word: "page-choose" });
  return labelled(label, optional, h("select", { "data-question": number }, none, rows));
}

export function people(number, { label, optional, options, ticked }) {
  const strangers = ticked.filter((id) => !options.some(({ value }) => value === id)).map((id) => ({ value: id, text: id }));
  const name = fresh("people");
  return group(label, optional, "chips",
    h("div", { class: "ticks" }, [...options, ...strangers].map((each) => tick("checkbox", number, name, each, ticked))));
}

export function text(number, { label, optional, written, longest }) {
  const box = h("textarea", { rows: 3, maxlength: longest, "data-question": number });
  box.value = written;
  return labelled(label, optional, box);
}

// What was answered to this question: values, in the order shown.
export function given(root, number) {
  return [...root.querySelectorAll(`[data-question="${number}"]`)]
    .filter((control) => !["radio", "checkbox"].includes(control.type) || control.checked)
    .map((control) => control.value)
    .filter((value) => value !== "");
}

// A piece nobody taught this page to draw, shown so that it is missed by nobody.
export const strange = (what) => h("p", { class: "strange" }, word("page-not-drawn"), ` ${what}`);

// Properties beyond those `known` may change what is read.
export function strangers(piece, known, kind = piece.type) {
  return Object.keys(piece).filter((key) => !known.split(" ").includes(key)).map((key) => strange(`${kind}.${key}`));
}

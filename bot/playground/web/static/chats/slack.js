// Block Kit, as far as our own cards use it; see adapters/slack/cards.py.

import { button, h } from "../common/dom.js";
import { given, list, people, strange, strangers, text, ticks } from "./questions.js";

const INPUTS = {
  radio_buttons: "type action_id options initial_option",
  checkboxes: "type action_id options initial_options",
  static_select: "type action_id options option_groups initial_option",
  multi_static_select: "type action_id options option_groups initial_options",
  multi_users_select: "type action_id initial_users",
  plain_text_input: "type action_id multiline max_length initial_value",
};
const KNOWN = {
  header: "type text block_id",
  section: "type text block_id",
  rich_text: "type elements block_id",
  input: "type block_id optional label element",
  actions: "type elements block_id",
  button: "type action_id text value style url",
};
// What a bot sends, and the workspace that Slack adds to a view.
const BODIES = "type text blocks title submit callback_id private_metadata response_type replace_original team_id";

// `who` says: whom one can pick, what a press does, what a link does.
export function draw(body, who) {
  let buttons = 0;
  const root = h("div", { class: "card" }, strangers(body, BODIES, "view"));
  body.blocks.forEach((block, place) => {
    const make = BLOCKS[block.type];
    if (!make) return root.append(strange(block.type));
    root.append(...make(block, place, who, () => buttons++), ...strangers(block, KNOWN[block.type]));
  });
  return root;
}

// state.values, as Slack sends it.
export function inputs(body, root) {
  const values = {};
  body.blocks.forEach((block, place) => {
    if (block.type !== "input" || !(block.element.type in INPUTS)) return;
    const { element } = block;
    values[block.block_id] = { [element.action_id]: { type: element.type, ...answer(element, given(root, place)) } };
  });
  return values;
}

function answer(element, values) {
  const chosen = flat(element).filter((option) => values.includes(option.value));
  switch (element.type) {
    case "radio_buttons":
    case "static_select": return { selected_option: chosen[0] ?? null };
    case "multi_users_select": return { selected_users: values };
    case "plain_text_input": return { value: values[0] ?? null };
    default: return { selected_options: chosen };
  }
}

// Only the plainest text is ours; markup, or emoji names read as pictures, would say something else.
export function plain(object) {
  if (object?.type !== "plain_text") return [strange(object?.type ?? "text")];
  return [object.text, ...strangers(object, "type text emoji", "text"), ...(object.emoji ? [strange("text.emoji")] : [])];
}

const BLOCKS = {
  header: (block) => [h("h3", {}, plain(block.text))],
  section: (block) => (block.text ? [h("p", {}, plain(block.text))] : []),
  rich_text: (block) => block.elements.map(quote),
  input: (block, place, who) => question(block, place, who),
  actions: (block, place, who, number) => [h("div", { class: "actions" }, block.elements.map((each) => press(each, number(), who)))],
};

function quote(element) {
  if (element.type !== "rich_text_quote") return strange(element.type);
  return h("blockquote", {}, element.elements.map((each) => (each.type === "text"
    ? [each.text, ...strangers(each, "type text", "rich_text")]
    : strange(each.type))).flat(), strangers(element, "type elements"));
}

function press(element, number, who) {
  if (element.type !== "button") return strange(element.type);
  const act = element.url ? () => who.link() : () => who.press(number, element.text.text);
  return [button({ class: `press ${element.style ?? ""}`, onclick: act }, plain(element.text)), ...strangers(element, KNOWN.button)];
}

const option = ({ text: label, value }) => ({ value, text: label.text });
const flat = ({ options, option_groups: groups }) => options ?? (groups ?? []).flatMap((each) => each.options);
const options = (element) => element.options?.map(option)
  ?? (element.option_groups ?? []).map((each) => ({ label: each.label.text, options: each.options.map(option) }));

function question(block, place, who) {
  const { element } = block;
  if (!(element.type in INPUTS)) return [strange(element.type)];
  const initial = element.initial_options ?? [element.initial_option].filter(Boolean);
  const asks = { label: block.label.text, optional: block.optional, options: options(element), ticked: initial.map(({ value }) => value) };
  const made = {
    radio_buttons: () => ticks(place, asks),
    checkboxes: () => ticks(place, { ...asks, many: true }),
    static_select: () => list(place, asks),
    multi_static_select: () => ticks(place, { ...asks, many: true, compact: true }),
    multi_users_select: () => people(place, { ...asks, options: who.people, ticked: element.initial_users ?? [] }),
    plain_text_input: () => text(place, { ...asks, written: element.initial_value ?? "", longest: element.max_length }),
  }[element.type]();
  const odd = [block.label, ...flat(element).map((each) => each.text)].flatMap(plain);
  return [made, ...strangers(element, INPUTS[element.type]), ...flat(element).flatMap((each) => strangers(each, "text value", "option")),
    ...odd.filter((each) => typeof each !== "string")];
}

// Adaptive Cards 1.5, as far as our own cards use them; see adapters/teams/cards.py.

import { button, h } from "../common/dom.js";
import { given, list, people, strange, strangers, text, ticks } from "./questions.js";

const ADAPTIVE = "application/vnd.microsoft.card.adaptive";
const KNOWN = {
  TextBlock: "type text style size weight wrap",
  RichTextBlock: "type inlines spacing",
  TextRun: "type text",
  Container: "type style items",
  "Input.Text": "type id label isMultiline maxLength value",
  "Input.ChoiceSet": "type id label isMultiSelect style wrap choices choices.data value",
  "Action.Execute": "type title verb data associatedInputs fallback style",
  "Action.OpenUrl": "type title url",
};
const CARD = "type version fallbackText body actions";
const STYLES = { positive: "primary", destructive: "danger" };

const cards = (body) => (body.attachments ?? []).filter((each) => each.contentType === ADAPTIVE).map((each) => each.content);
const questions = (card) => card.body.filter((each) => each.type.startsWith("Input."));

// `who` says: whom one can pick, what a press does, what a link does.
export function draw(body, who) {
  const root = h("div", { class: "card" }, strangers(body, "type text summary attachments", "message"));
  if (body.text) root.append(h("p", {}, body.text));
  for (const each of body.attachments ?? []) {
    if (each.contentType !== ADAPTIVE) root.append(strange(each.contentType));
  }
  for (const card of cards(body)) root.append(...adaptive(card, who));
  return root;
}

// What Teams adds to the data of the pressed button: strings, several joined by commas, nothing where nothing was given.
export function inputs(body, root) {
  const found = cards(body).flatMap(questions).map((each) => [each.id, given(root, each.id).join(",")]);
  return Object.fromEntries(found.filter(([, value]) => value !== ""));
}

function adaptive(card, who) {
  const actions = (card.actions ?? []).map((each, number) => act(each, number, who));
  return [
    ...card.body.flatMap((each) => element(each, who)),
    ...(actions.length ? [h("div", { class: "actions" }, actions.flat())] : []),
    ...strangers(card, CARD),
  ];
}

function element(each, who) {
  const make = ELEMENTS[each.type];
  return make ? [...[make(each, who)].flat(), ...strangers(each, KNOWN[each.type])] : [strange(each.type)];
}

const ELEMENTS = {
  TextBlock: (each) => [
    h(each.style === "heading" ? "h3" : "p", {}, unmarked(each.text)),
    each.wrap ? [] : [strange("TextBlock.wrap")], // Teams would cut it at the end of the line
  ].flat(),
  RichTextBlock: (each) => h("p", {}, each.inlines.flatMap((run) => (run.type === "TextRun"
    ? [run.text, ...strangers(run, KNOWN.TextRun)]
    : [strange(run.type ?? typeof run)]))),
  Container: (each, who) => (each.style === "emphasis"
    ? h("blockquote", {}, each.items.flatMap((item) => element(item, who)))
    : strange(`Container.${each.style}`)),
  "Input.Text": (each) => text(each.id, { label: each.label, written: each.value ?? "", longest: each.maxLength }),
  "Input.ChoiceSet": (each, who) => choices(each, who),
};

function choices(each, who) {
  const asks = {
    label: each.label,
    many: each.isMultiSelect,
    options: each.choices.map(({ title, value }) => ({ text: title, value })),
    ticked: each.value ? each.value.split(",") : [],
  };
  const odd = each.choices.flatMap((choice) => strangers(choice, "title value", "Input.Choice"));
  if (each["choices.data"]) return [people(each.id, { ...asks, options: who.people }), ...odd];
  if (each.style === "compact" && !each.isMultiSelect) return [list(each.id, asks), ...odd];
  return [ticks(each.id, { ...asks, compact: each.style === "compact" }), ...odd];
}

function act(each, number, who) {
  if (!["Action.Execute", "Action.OpenUrl"].includes(each.type)) return [strange(each.type)];
  const pressed = each.type === "Action.OpenUrl" ? () => who.link() : () => who.press(number, each.title);
  return [button({ class: `press ${STYLES[each.style] ?? ""}`, onclick: pressed }, each.title), ...strangers(each, KNOWN[each.type])];
}

// The one element that reads Markdown: our backslashes go, and a mark without one would not be shown as it is written.
function unmarked(marked) {
  const bare = marked.replace(/\\[\\`*_[\]()#~<>|!&]/g, "");
  return [marked.replace(/\\([\\`*_[\]()#~<>|!&])/g, "$1"), ...(/[\\`*_[\]#~<>|]/.test(bare) ? [strange("Markdown")] : [])];
}

// What the programme did, step by step: what came in, what was decided, what went out.

import { copy } from "./ask.js";
import { button, h, word } from "./dom.js";

const pretty = (body) => JSON.stringify(body, null, 2);

function step(entry) {
  const body = h("pre", { tabindex: "0" });
  const open = (event) => { if (event.target.open) body.textContent = pretty(entry.body); };
  return h("li", { class: `step step-${entry.step}` },
    h("details", { ontoggle: open },
      h("summary", {}, h("span", { class: "number" }, entry.n), word(`page-step-${entry.step}`, { class: "pill" }), h("span", { class: "title" }, entry.title)),
      h("div", { class: "opened" }, button({ class: "quiet", word: "page-copy", onclick: () => copy(pretty(entry)) }), body)));
}

export function inspector(panel) {
  const list = h("ol", { class: "steps" });
  const none = h("p", { class: "empty", word: "page-trace-none" });
  let trace = [];
  panel.append(h("h2", { word: "page-inspector" }), h("p", { class: "hint", word: "page-inspector-about" }),
    button({ class: "press", word: "page-copy-all", onclick: () => copy(pretty(trace)) }), none, list);
  return (state, changed) => {
    if (!changed("trace")) return;
    const known = trace.length <= state.trace.length && trace.every((each, place) => each.n === state.trace[place].n
      && each.title === state.trace[place].title);
    if (!known) list.replaceChildren();
    list.append(...state.trace.slice(known ? trace.length : 0).map(step));
    trace = state.trace;
    none.hidden = trace.length > 0;
  };
}

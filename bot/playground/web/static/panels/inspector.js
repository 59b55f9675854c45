// What the programme did, step by step: what came in, what was decided, what went out.

import { copy } from "../common/ask.js";
import { button, h, word } from "../common/dom.js";

const pretty = (body) => JSON.stringify(body, null, 2);

function step(entry) {
  const body = h("pre", { tabindex: "0" });
  const open = (event) => { if (event.target.open) body.textContent = pretty(entry.body); };
  return h("li", { class: `step step-${entry.step}` },
    h("details", { ontoggle: open },
      h("summary", {}, h("span", { class: "number" }, entry.n), word(`page-step-${entry.step}`, { class: "pill" }), h("span", { class: "title" }, entry.title, entry.times ? ` × ${entry.times}` : "")),
      h("div", { class: "opened" }, button({ class: "quiet", word: "page-copy", onclick: () => copy(pretty(entry)) }), body)));
}

export function inspector(panel) {
  const list = h("ol", { class: "steps" });
  const none = h("p", { class: "empty", word: "page-trace-none" });
  const drawn = new Map(); // by number: how often it was, and where it stands
  let trace = [];
  panel.append(h("h2", { word: "page-inspector" }), h("p", { class: "hint", word: "page-inspector-about" }),
    button({ class: "press", word: "page-copy-all", onclick: () => copy(pretty(trace)) }), none, list);

  function draw(entry) {
    const old = drawn.get(entry.n);
    if (old?.times === entry.times && old?.title === entry.title) return;
    const node = step(entry);
    old ? old.node.replaceWith(node) : list.append(node);
    drawn.set(entry.n, { node, times: entry.times, title: entry.title });
  }

  return (state, changed, whole) => {
    if (!changed("trace")) return;
    trace = state.trace;
    const oldest = trace[0]?.n ?? Infinity;
    for (const [n, { node }] of drawn) if (whole || n < oldest) { node.remove(); drawn.delete(n); }
    trace.forEach(draw);
    none.hidden = trace.length > 0;
  };
}

// A clock one can push.

import { button, h, keyed, word } from "../common/dom.js";

const PUSHES = ["10m", "1h", "24h", "72h"];
const at = (id) => document.getElementById(id);

export function clock(play) {
  const push = (by) => play.deed({ deed: "push", by });
  at("pushes").append(...PUSHES.map((by) => button({ word: `page-push-${by}`, onclick: () => push(by) })));
  at("next").addEventListener("click", () => push("next"));
  const rows = keyed(at("coming-list"), ({ when, in: span, what }) => h("li", {}, h("strong", {}, when), ` · ${span}`, h("br"), what));
  const coming = at("coming");
  coming.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    coming.open = false;
    coming.firstElementChild.focus();
  });
  coming.addEventListener("focusout", (event) => { if (!coming.contains(event.relatedTarget)) coming.open = false; });

  return (state, changed) => {
    if (changed("now")) {
      at("now").dateTime = state.now.iso;
      at("now").textContent = state.now.says;
    }
    if (changed("next")) {
      const { next } = state;
      at("next").disabled = !next;
      at("next").replaceChildren(...(next
        ? [h("span", {}, word("page-next"), ` · ${next.when} (${next.in})`), h("strong", {}, next.what)]
        : [word("page-next-none")]));
    }
    if (changed("coming")) {
      coming.hidden = state.coming.length === 0;
      at("coming-count").textContent = String(state.coming.length);
      rows(state.coming.map((each, place) => ({ key: `${each.at} ${each.what} ${place}`, ...each })));
    }
  };
}

// Tabs as a keyboard expects them: one stop, arrows move, Home and End jump.

import { button, fresh, h } from "./dom.js";

// `tabs` is [{name, word, panel}]. Returns choose(name); a name that is not there leaves none chosen.
export function tabs(list, all, chosen) {
  for (const each of all) {
    each.panel.id ||= fresh("panel");
    each.tab = button({ role: "tab", word: each.word, id: fresh("tab"), "aria-controls": each.panel.id });
    each.panel.setAttribute("role", "tabpanel");
    each.panel.setAttribute("aria-labelledby", each.tab.id);
    each.tab.addEventListener("click", () => chosen(each.name, each.tab.getAttribute("aria-selected") === "true"));
  }
  list.append(...all.map((each) => each.tab));
  list.addEventListener("keydown", (event) => {
    const here = all.findIndex((each) => each.tab === document.activeElement);
    const steps = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 };
    if (here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const { tab } = all[(steps[event.key] + all.length) % all.length];
    tab.focus();
  });
  list.addEventListener("focusin", (event) => {
    for (const each of all) each.tab.tabIndex = each.tab === event.target ? 0 : -1;
  });
  return (name) => {
    const known = all.some((each) => each.name === name);
    all.forEach((each, place) => {
      each.tab.setAttribute("aria-selected", String(each.name === name));
      each.tab.tabIndex = each.name === name || (!known && place === 0) ? 0 : -1;
      each.panel.hidden = each.name !== name;
    });
  };
}

export const tablist = (label) => h("div", { role: "tablist", class: "tabs", label });

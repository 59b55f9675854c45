// What can go wrong between the bot and the world, on purpose.

import { button, fresh, h, word } from "../common/dom.js";

const PLATFORMS = ["slack", "teams"];
const KINDS = ["none", "slow", "busy", "down"];

export function faults(panel, play) {
  const radios = {};
  const choose = (platform) => {
    const name = fresh("fault");
    radios[platform] = Object.fromEntries(KINDS.map((is) => [is, h("input", {
      type: "radio", name, onchange: () => play.deed({ deed: "fault", platform, is }),
    })]));
    return h("fieldset", {}, h("legend", { word: `page-${platform}` }),
      KINDS.map((is) => h("label", { class: "tick" }, radios[platform][is], word(`page-fault-${is}`))));
  };
  const twice = h("input", { type: "checkbox", onchange: () => play.deed({ deed: "twice", on: twice.checked }) });
  panel.append(
    h("h2", { word: "page-faults" }), h("p", { class: "hint", word: "page-faults-about" }),
    ...PLATFORMS.map(choose),
    h("label", { class: "tick" }, twice, word("page-twice")),
    h("p", { class: "actions" }, button({ class: "press", word: "page-restart", onclick: () => play.deed({ deed: "restart" }) })),
    h("p", { class: "hint", word: "page-restart-about" }),
  );
  return (state, changed) => {
    if (!changed("faults")) return;
    for (const platform of PLATFORMS) radios[platform][state.faults[platform]].checked = true;
    twice.checked = state.faults.twice;
  };
}

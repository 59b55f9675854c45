// The dialogues the programme is tested by, told on this stage.

import { button, h, keyed, word } from "../common/dom.js";

const title = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");

export function stories(panel, play) {
  const now = h("section", { class: "story", hidden: true });
  const list = h("ul", { class: "tales" });
  panel.append(h("h2", { word: "page-stories" }), now, h("p", { class: "hint", word: "page-stories-about" }), list);
  const name = h("h3", {});
  const says = h("p", { class: "says", role: "status" });
  const lines = h("ol", { class: "lines", tabindex: "0", label: "page-story-lines" });
  const acts = Object.fromEntries(["step", "play", "stop"].map((act) => [act,
    button({ class: act === "step" ? "press primary" : "press", word: `page-story-${act}`, onclick: () => play.deed({ deed: `story-${act}` }) })]));
  now.append(name, h("div", { class: "actions" }, Object.values(acts)), says, lines);
  const rows = keyed(lines, ({ text, state }) => h("li", { class: state, "aria-current": state === "next" ? "step" : null },
    word(`page-line-${state}`, { class: "pill" }), h("code", {}, text)));
  const tales = keyed(list, ({ key, about }) => h("li", {},
    button({ onclick: () => open(key) }, h("strong", {}, title(key)), h("span", {}, about))));

  async function open(key) {
    if (now.hidden && !(await play.afresh())) return;
    await play.deed({ deed: "story", name: key });
    panel.scrollTop = 0;
  }

  function tell(story) {
    now.hidden = !story;
    if (!story) return;
    name.textContent = title(story.name);
    says.textContent = story.says ?? "";
    const over = !story.lines.some((each) => each.state === "next");
    acts.step.disabled = story.playing || over;
    acts.play.disabled = story.playing || over;
    rows(story.lines.map((each, place) => ({ key: place, ...each })));
    const next = lines.querySelector(".failed, .next");
    if (next) lines.scrollTop = next.offsetTop - lines.clientHeight / 2;
  }

  return (state, changed) => {
    if (changed("stories")) tales(state.stories.map(({ name: key, about }) => ({ key, about })));
    if (changed("story")) tell(state.story);
  };
}

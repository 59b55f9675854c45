// Puts the pieces on the page and tells them what changed.

import { copy, note, sure } from "./common/ask.js";
import { clock } from "./panels/clock.js";
import { fresh, h } from "./common/dom.js";
import { faults } from "./panels/faults.js";
import { inspector } from "./panels/inspector.js";
import { lens } from "./panels/lens.js";
import { room } from "./chats/room.js";
import { stored } from "./panels/stored.js";
import { stories } from "./panels/stories.js";
import { follow, tell } from "./common/stream.js";
import { tabs } from "./common/tabs.js";
import { theme } from "./common/theme.js";
import { learn, say } from "./common/words.js";

const at = (id) => document.getElementById(id);
let state = null;

// ---------------------------------------------------------------- what whoever plays can do

let working = 0;

async function deed(what) {
  document.body.classList.toggle("working", ++working > 0);
  try {
    const why = await tell(what);
    if (why !== null) note(say(why || "page-not-now"));
  } catch {
    note(say("page-lost"));
  } finally {
    document.body.classList.toggle("working", --working > 0);
  }
}

async function copyChat() {
  try {
    const answer = await fetch("/chat");
    if (!answer.ok) return note(say("page-not-now"));
    await copy(await answer.text());
  } catch {
    note(say("page-lost"));
  }
}

const skins = () => Object.fromEntries(state.people.map((each) => [each.name, each.platform]));

const begun = () => state.messages.length > 0 || state.trace.length > 0;

// Whether what happened so far may go; asked only where there is something to lose.
const afresh = async () => !begun() || sure("page-reset-sure");

async function reset(changed = {}) {
  if (!(await afresh())) return false;
  await deed({ deed: "reset", skins: changed });
  return true;
}

const play = {
  deed,
  afresh,
  link: () => note(say("page-link")),
  look: (message) => {
    open("lens");
    views.lens.look(message.thing, message.push);
    at("drawer").querySelector("[role=tabpanel]:not([hidden])").focus();
  },
  reskin: async (name, select) => {
    const now = skins()[name];
    if (!(await reset({ [name]: select.value }))) select.value = now;
  },
};

// ---------------------------------------------------------------- the drawer

const PANELS = ["lens", "stored", "stories", "faults", "inspector"];
const panels = Object.fromEntries(PANELS.map((name) => [name, h("section", { class: `panel ${name}`, id: fresh("panel"), tabindex: "-1" })]));
at("drawer").append(...Object.values(panels));

const choose = tabs(at("behind"), PANELS.map((name) => ({ name, word: `page-tab-${name}`, panel: panels[name] })), (name, shut) => open(shut ? null : name));

function open(name) {
  choose(name);
  at("drawer").hidden = name === null;
  document.body.classList.toggle("looking", name !== null);
}

function shut() {
  const tab = at("behind").querySelector("[aria-selected=true]");
  open(null);
  tab?.focus();
}

open(null);
at("drawer-close").addEventListener("click", shut);
at("drawer").addEventListener("keydown", (event) => { if (event.key === "Escape") shut(); });

// ---------------------------------------------------------------- the pieces

const views = {
  lens: lens(panels.lens),
  others: [
    room(at("faces"), at("panes"), play),
    clock(play),
    stored(panels.stored),
    stories(panels.stories, play),
    faults(panels.faults, play),
    inspector(panels.inspector),
    languages,
  ],
};

const LANGUAGE = "peersupport-language";

function remembered() {
  try { return localStorage.getItem(LANGUAGE); } catch { return null; }
}

function languages(now, changed) {
  if (!changed("languages")) return;
  at("language").replaceChildren(...now.languages.map(({ code, says }) => h("option", { value: code, lang: code }, says)));
  at("language").value = document.documentElement.lang;
}

at("language").addEventListener("change", async ({ target }) => {
  await learn(target.value);
  try { localStorage.setItem(LANGUAGE, target.value); } catch { /* then it is asked for again next time */ }
});
at("copy-chat").addEventListener("click", copyChat);
at("reset").addEventListener("click", () => reset());
theme(at("theme"));

const served = document.documentElement.lang;
await learn(remembered() ?? served).catch(() => learn(served)); // a language may have left since it was chosen
follow((now, changed, whole) => {
  state = now;
  document.body.classList.toggle("begun", begun());
  for (const update of [views.lens.update, ...views.others]) {
    try {
      update(now, changed, whole);
    } catch (reason) { // one piece that cannot be drawn is no reason to stop, and none to be silent
      console.error(reason);
      note(say("page-refused-stumbled"));
    }
  }
}, (why) => { at("lost").textContent = why && say(why); });

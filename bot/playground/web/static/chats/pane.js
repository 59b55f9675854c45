// One person's chat, as their platform shows it.

import { avatar, button, fresh, h, icon, word } from "../common/dom.js";
import { drop, keep } from "../common/drafts.js";
import { strange } from "./questions.js";
import * as slack from "./slack.js";
import { tablist, tabs } from "../common/tabs.js";
import * as teams from "./teams.js";

const DRAWN = { slack, teams };
const HINTS = { clinician: "page-first" };
const KINDS = ["card", "aside", "form", "home"];
const COMMANDS = { slack: "/peersupport", teams: "peersupport" };

// `play` says what the page can do: deed, link, look, reskin, touched.
export function pane(person, play) {
  const { name, platform } = person;
  const log = h("div", { class: "log", role: "log", label: "page-messages", tabindex: "0" });
  const home = h("div", { class: "home" });
  const over = h("div", { class: "over", hidden: true });
  const line = h("input", { type: "text", autocomplete: "off", label: "page-write", hint: `page-write-${platform}` });
  const composer = h("form", { class: "composer", onsubmit: write }, line, h("button", { word: "page-send" }));
  const title = fresh("person");
  let turn = () => {}; // to one of the tabs, where there are any
  const unread = h("span", { class: "unread" });
  const behind = h("div", { class: "behind-form" }, log, composer);
  const chat = h("div", { class: "chat" }, behind, over);
  const node = h("section", { class: `pane ${platform}`, "aria-labelledby": title }, header(), ...middle());
  const kept = new Map(); // id of a message → what stands for it on this screen
  let people = [];
  let count = 0;

  keep(composer, `line-${name}`, platform);
  node.addEventListener("pointerdown", read);
  node.addEventListener("focusin", read);

  function header() {
    const skin = h("select", { label: "page-skin", onchange: () => play.reskin(name, skin) },
      ["slack", "teams"].map((each) => h("option", { value: each, word: `page-${each}`, selected: each === platform })));
    return h("header", { class: "who" }, avatar(name),
      h("div", { class: "names" }, h("h2", { id: title }, name), word(`page-part-${person.part}`, { class: "part" }), unread),
      skin, h("p", { title: person.says }, person.says));
  }

  function middle() {
    if (platform !== "slack") return [chat];
    const list = tablist("page-views");
    const choose = tabs(list, [
      { name: "messages", word: "page-messages", panel: chat },
      { name: "home", word: "page-home", panel: home },
    ], (view) => {
      choose(view);
      if (view === "home") play.deed({ deed: "home", who: name });
    });
    choose("messages");
    turn = choose;
    return [list, chat, home];
  }

  function write(event) {
    event.preventDefault();
    const text = line.value.trim();
    if (!text) return;
    line.value = "";
    drop(`line-${name}`);
    play.deed({ deed: "type", who: name, text });
  }

  function read() {
    play.touched(name);
    mark(0);
  }

  function mark(number) {
    count = number;
    unread.replaceChildren(...(count ? [String(count), " ", word("page-new")] : []));
    play.marked(name, count);
  }

  // ---------------------------------------------------------------- messages

  const who = (message, card) => ({
    people,
    link: play.link,
    press: (number, says) => wait(card(), () => play.deed({
      deed: "press", who: name, message: message.id, button: number, says, inputs: DRAWN[platform].inputs(message.body, card()),
    })),
  });

  async function wait(card, deed) {
    if (card.getAttribute("aria-busy") === "true") return;
    card.setAttribute("aria-busy", "true");
    await deed();
    card.setAttribute("aria-busy", "false");
  }

  // A card that this page cannot draw is a box in its place, and no reason to draw nothing else.
  function drawn(message) {
    if (message.kind === "said") return h("p", { class: "card" }, message.body.text);
    try {
      if (!KINDS.includes(message.kind)) return h("div", { class: "card" }, strange(message.kind));
      const card = DRAWN[platform].draw(message.body, who(message, () => card));
      keep(card, `${name}-${message.id}`, JSON.stringify(message.body));
      return card;
    } catch (reason) {
      return h("div", { class: "card" }, strange(reason.message));
    }
  }

  const readers = (message) => (message.thing
    ? button({ class: "quiet", onclick: () => play.look(message) }, icon("eye"), word("page-who-can-read"))
    : null);

  function article(message, card) {
    const said = message.kind === "said";
    const from = said ? h("strong", {}, name) : h("strong", { word: "page-bot" });
    const node = h("article", { class: `message message-${message.kind}`, tabindex: "-1" },
      said ? avatar(name) : h("img", { class: "avatar", src: "/page/icon.svg", alt: "", width: 32, height: 32 }),
      h("div", { class: "by" }, from, h("span", { class: "at" }, message.at), message.edited ? word("page-edited", { class: "at" }) : null),
      message.kind === "aside" ? h("p", { class: "only" }, icon("eye"), word("page-only-you")) : null,
      card,
      h("div", { class: "foot" },
        readers(message),
        message.kind === "aside" ? button({ class: "quiet", word: "page-dismiss", onclick: () => { node.remove(); line.focus(); } }) : null));
    return node;
  }

  // Only what changed is drawn again, and a card only when its own body did: what is ticked elsewhere stays ticked.
  function show(message, quietly) {
    const json = JSON.stringify(message);
    const old = kept.get(message.id);
    if (old?.json === json) return null;
    const body = JSON.stringify(message.body);
    const same = old?.body === body;
    const card = same ? old.card : drawn(message);
    const node = article(message, card);
    const focused = old?.node.contains(document.activeElement);
    if (old) old.node.replaceWith(node);
    else log.insertBefore(node, after(message.order));
    kept.set(message.id, { json, body, card, node, order: message.order });
    if (focused) node.focus({ preventScroll: true });
    if (old && !same && !quietly) node.classList.add("flash");
    return { node, fresh: !old };
  }

  function after(order) {
    return [...kept.values()].filter((each) => each.order > order).sort((a, b) => a.order - b.order)[0]?.node ?? null;
  }

  function forget(ids) {
    for (const [id, { node }] of kept) {
      if (ids.has(id)) continue;
      const focused = node.contains(document.activeElement);
      node.remove();
      kept.delete(id);
      drop(`${name}-${id}`);
      if (focused) line.focus({ preventScroll: true });
    }
  }

  // ---------------------------------------------------------------- a form on top, and the page behind the Home tab

  let form = { id: null, json: "" };

  function overlay(message) {
    const json = message ? JSON.stringify(message.body) : "";
    if (form.id === (message?.id ?? null) && form.json === json) return;
    if (form.id !== null && form.id !== message?.id) drop(`${name}-${form.id}`);
    const had = form.id !== null && over.contains(document.activeElement);
    form = { id: message?.id ?? null, json };
    over.hidden = !message;
    behind.inert = Boolean(message);
    over.replaceChildren(...(message ? [sheet(message)] : []));
    if (message && play.isFront(name)) over.querySelector("h3").focus();
    else if (had) line.focus({ preventScroll: true });
  }

  function sheet(message) {
    const { body, id } = message;
    const title = fresh("form");
    const card = drawn(message);
    const close = () => play.deed({ deed: "close", who: name, message: id });
    const send = () => wait(card, () => play.deed({ deed: "send", who: name, message: id, inputs: slack.inputs(body, card) }));
    return h("div", {
      class: "sheet", role: "dialog", "aria-modal": "false", "aria-labelledby": title,
      onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } },
    },
    h("header", {}, h("h3", { id: title, tabindex: "-1" }, slack.plain(body.title)), button({ class: "close", label: "page-close", onclick: close }, "×")),
    h("div", { class: "asks", tabindex: "0", role: "group", "aria-labelledby": title }, card),
    h("footer", {},
      readers(message),
      button({ class: "press", word: body.submit ? "page-cancel" : "page-close", onclick: close }),
      body.submit ? button({ class: "press primary", onclick: send }, slack.plain(body.submit)) : null));
  }

  let front = "";

  function page(message) {
    const json = message ? JSON.stringify(message.body) : "none";
    if (front === json) return;
    front = json;
    home.replaceChildren(...(message ? [drawn(message), h("div", { class: "foot" }, readers(message))] : [h("p", { class: "empty", word: "page-home-empty" })]));
  }

  // ---------------------------------------------------------------- what changed

  const empty = h("div", { class: "empty" }, HINTS[person.part]
    ? [word(HINTS[person.part]), button({ class: "press", onclick: () => play.deed({ deed: "type", who: name, text: COMMANDS[platform] }) }, COMMANDS[platform])]
    : word("page-quiet"));

  function update(state, whole) {
    people = state.people.filter((each) => each.ids[platform]).map((each) => ({ text: each.name, value: each.ids[platform] }));
    const mine = state.messages.filter((each) => each.who === name && !each.gone).sort((a, b) => a.order - b.order);
    const listed = mine.filter((each) => !["form", "home"].includes(each.kind));
    const low = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    forget(new Set(listed.map((each) => each.id)));
    const news = listed.map((message) => show(message, whole)).filter(Boolean);
    listed.length ? empty.remove() : log.append(empty);
    overlay(mine.findLast((each) => each.kind === "form"));
    const standing = mine.findLast((each) => each.kind === "home");
    page(standing);
    if (whole && !standing) turn("messages"); // a fresh start: nobody has opened the Home tab yet
    const first = news.find((each) => each.fresh);
    if (first && !whole) log.scrollTop = first.node.offsetTop - 12; // its top, where it is taller than the chat
    else if (low || whole) log.scrollTop = log.scrollHeight;
    if (news.length && !whole && !play.isFront(name)) mark(count + news.length);
  }

  return { node, read, update };
}

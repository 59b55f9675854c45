// The state comes from the server and only from there; deeds go to it.

const PATIENCE = 1500; // a short stumble of the line is not worth a word
const AGAIN = 3000;

// What is drawn while somebody holds a button down would take the press away with the button: it waits until they let go.
let holds = false;
const held = [];

document.addEventListener("pointerdown", ({ target }) => { holds = target.closest?.("button") != null; }, true);
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => setTimeout(() => { // after the click that belongs to it
    holds = false;
    held.splice(0).forEach((draw) => draw());
  }), true);
}

const calmly = (draw) => (holds ? held.push(draw) : draw());

// `seen(state, changed, whole)` hears of every change, and whether all of it is news; `lost(why)` of a line that broke or
// was refused, as a key of the words, and of "" once it is there.
export function follow(seen, lost) {
  let state = null;
  let worry = 0;
  let full = false;
  const connect = () => {
    const source = new EventSource("/events");
    source.addEventListener("open", () => { clearTimeout(worry); worry = 0; if (!full) lost(""); });
    source.addEventListener("full", () => { // this browser keeps no more lines open to one address: wait for another to close
      full = true;
      source.close();
      lost("page-full");
      setTimeout(connect, AGAIN);
    });
    source.addEventListener("error", () => {
      worry ||= setTimeout(() => lost("page-lost"), PATIENCE);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN); // it gives up where an answer was no stream
    });
    source.addEventListener("state", (event) => {
      const now = state = JSON.parse(event.data);
      full = false;
      lost("");
      calmly(() => seen(now, () => true, true));
    });
    source.addEventListener("patch", (event) => {
      if (state === null) return;
      const patch = JSON.parse(event.data);
      state = patched(state, patch);
      const now = state;
      calmly(() => seen(now, (key) => key in patch, false));
    });
  };
  connect();
}

const TRACED = 2000; // steps that are kept, as by the server

const renewed = (known, news, key) => (news ? [...new Map([...known, ...news].map((each) => [each[key], each])).values()] : known);

function patched(state, patch) {
  const messages = renewed(state.messages, patch.messages, "id");
  return { ...state, ...patch, messages, trace: renewed(state.trace, patch.trace, "n").slice(-TRACED) };
}

const meta = document.querySelector("meta[name=token]");
const send = (deed) => fetch("/do", {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Playground-Token": meta.content },
  body: JSON.stringify(deed),
});

// Do it. Null, or why not, as a key of the words.
export async function tell(deed) {
  let answer = await send(deed);
  if (answer.status === 403) {
    // a playground that was started again has another token, and this page may be older than it
    const page = await (await fetch("/")).text();
    meta.content = /name="token" content="([^"]*)"/.exec(page)?.[1] ?? meta.content;
    answer = await send(deed);
  }
  if (answer.ok) return null;
  return (await answer.json().catch(() => ({}))).says ?? "";
}

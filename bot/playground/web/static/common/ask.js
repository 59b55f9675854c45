// Small words with whoever plays: a note that passes, a question, something to copy.

import { say } from "./words.js";

const LONG = 8000;
const at = (id) => document.getElementById(id);
let fading = 0;

export function note(text) {
  const place = at("note");
  clearTimeout(fading);
  place.textContent = text;
  fading = setTimeout(() => { place.textContent = ""; }, LONG);
}

function open(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

for (const answer of document.querySelectorAll("dialog [data-answer]")) {
  answer.addEventListener("click", () => answer.closest("dialog").close(answer.dataset.answer));
}

export function sure(key) {
  at("confirm-says").textContent = say(key);
  return open(at("confirm"));
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(say("page-copied"));
  } catch {
    at("by-hand-text").value = text;
    const shut = open(at("by-hand"));
    at("by-hand-text").select();
    await shut;
  }
}

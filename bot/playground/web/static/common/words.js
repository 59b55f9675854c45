// What the page itself says. Elements carry the key of their words, so another language can be spelt in place:
// nothing is drawn again, and nothing a person has ticked is lost.

let words = {};

export const say = (key) => words[key] ?? key;

export async function learn(language) {
  const answer = await fetch(`/words?lang=${encodeURIComponent(language)}`);
  if (!answer.ok) throw new Error(language);
  words = await answer.json();
  document.documentElement.lang = language;
  spell(document);
}

const SPELT = {
  word: (node, text) => { node.textContent = text; },
  label: (node, text) => node.setAttribute("aria-label", text),
  hint: (node, text) => node.setAttribute("placeholder", text),
};

function spell(root) {
  for (const [name, put] of Object.entries(SPELT)) {
    for (const node of root.querySelectorAll(`[data-${name}]`)) put(node, say(node.dataset[name]));
  }
}

export function carry(node, name, key) {
  node.dataset[name] = key;
  SPELT[name](node, say(key));
}

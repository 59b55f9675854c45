// What is filled in and not sent yet outlives a reload of the page, in this tab alone.

const KEY = "peersupport-draft";
const TICKED = ["checkbox", "radio"];

const controls = (root) => [...root.querySelectorAll("input, select, textarea")];
const read = (control) => (TICKED.includes(control.type) ? control.checked : control.value);

function write(control, value) {
  if (value === undefined) return;
  if (TICKED.includes(control.type)) control.checked = value;
  else control.value = value;
}

function stored(id) {
  try { return JSON.parse(sessionStorage.getItem(`${KEY}-${id}`)); } catch { return null; }
}

export function drop(id) {
  try { sessionStorage.removeItem(`${KEY}-${id}`); } catch { /* nothing can be kept here, and nothing was */ }
}

// Fill the controls below `root` with what was left in them, as long as they ask the same, and keep what is filled in.
export function keep(root, id, asks) {
  const draft = stored(id);
  if (draft?.asks === asks) controls(root).forEach((control, n) => write(control, draft.values[n]));
  root.addEventListener("input", () => {
    const values = controls(root).map(read);
    try { sessionStorage.setItem(`${KEY}-${id}`, JSON.stringify({ asks, values })); } catch { /* then a reload empties it */ }
  });
}

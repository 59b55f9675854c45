// Light, dark, or as the computer has it. Runs before the first paint: nobody is dazzled at night.

const KEY = "peersupport-theme";

function remembered() {
  try { return localStorage.getItem(KEY) ?? "auto"; } catch { return "auto"; }
}

function put(theme) {
  document.documentElement.dataset.theme = theme;
}

put(remembered());

export function theme(select) {
  select.value = remembered();
  select.addEventListener("change", () => {
    put(select.value);
    try { localStorage.setItem(KEY, select.value); } catch { /* a browser that keeps nothing still shows it */ }
  });
}

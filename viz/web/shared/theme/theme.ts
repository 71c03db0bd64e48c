/** Which theme a page shows, and the tokens as values for what is not drawn by CSS (canvas, charts, antd). */

export type Theme = "light" | "dark";
export type ThemeChoice = Theme | "system";

const STORE_KEY = "tallyhouse.theme";
const listeners = new Set<() => void>();
const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

/** What the person chose; "system" until they choose. */
export function themeChoice(): ThemeChoice {
  const stored = window.localStorage.getItem(STORE_KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

/** The theme in force. */
export function currentTheme(): Theme {
  const choice = themeChoice();
  if (choice !== "system") return choice;
  return systemIsDark.matches ? "dark" : "light";
}

function apply(): void {
  document.documentElement.dataset["theme"] = currentTheme();
  for (const listener of listeners) listener();
}

/** Remembers the choice on this machine and applies it at once. */
export function chooseTheme(choice: ThemeChoice): void {
  if (choice === "system") window.localStorage.removeItem(STORE_KEY);
  else window.localStorage.setItem(STORE_KEY, choice);
  apply();
}

/** Calls `listener` after each change of theme; returns a function that stops it. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Sets data-theme and follows the system from now on. Call once, first thing in a page's script. */
export function startTheme(): void {
  systemIsDark.addEventListener("change", apply);
  apply();
}

/** The value of a token of tokens.css in the theme in force: `token("--accent")`. Empty text when unknown. */
export function token(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

import { effect, signal } from "@preact/signals";
import { remember, remembered } from "./preferences.js";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>(remembered("theme", THEMES) ?? "system");

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  remember("theme", chosen);
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

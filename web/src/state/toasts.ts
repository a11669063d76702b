import { signal } from "@preact/signals";
import { explain } from "./problems.js";

export const toasts = signal<{ id: number; text: string }[]>([]);
let made = 0;

/** Says something for some seconds, to eyes and to screen readers. */
export function toast(text: string): void {
  const id = ++made;
  toasts.value = [...toasts.value.slice(-2), { id, text }];
  setTimeout(() => (toasts.value = toasts.value.filter((x) => x.id !== id)), 5000);
}

/** Does it, and says so when it cannot be done. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    toast(explain(error));
    return undefined;
  }
}

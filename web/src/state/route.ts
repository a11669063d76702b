import { effect, signal } from "@preact/signals";

/** Where one is: the fragment of the address, as the server knows one page only. */
export type Route = { page: "chats"; chat?: number } | { page: "friends" } | { page: "me" };

export const route = signal<Route>(parse(location.hash));

/** The chat that stays open beside the other pages, where there is room for two. */
export const lastChat = signal<number | undefined>(undefined);

effect(() => {
  if (route.value.page === "chats") lastChat.value = route.value.chat;
});

const room = matchMedia("(min-width: 721px)");

/** Whether a list and a chat are shown side by side. */
export const wide = signal(room.matches);

room.addEventListener("change", () => (wide.value = room.matches));

addEventListener("hashchange", () => (route.value = parse(location.hash)));

export function parse(hash: string): Route {
  const [, page, id] = hash.split("/");
  if (page === "friends" || page === "me") return { page };
  const chat = Number(id);
  return page === "chats" && Number.isSafeInteger(chat) && chat > 0 ? { page: "chats", chat } : { page: "chats" };
}

export function hrefOf(r: Route): string {
  return r.page === "chats" && r.chat ? `#/chats/${r.chat}` : `#/${r.page}`;
}

export function go(r: Route): void {
  location.hash = hrefOf(r);
}

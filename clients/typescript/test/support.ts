import { Api, Client, MemoryStore, type Timing } from "../src/index.js";
import type { Store } from "../src/store.js";
import { FakeServer } from "./server.js";

/** Times that make a test quick. */
export const QUICK: Partial<Timing> = { open: 100, steady: 60_000, probe: 20, probeMost: 40, wait: 1 };

export async function connect(server: FakeServer, user: number, store: Store = new MemoryStore(), timing = QUICK): Promise<Client> {
  const api = new Api({ base: "http://doran", token: "t", fetch: server.fetch(user) });
  const client = new Client({ api, self: user, store, timing, webSocket: server.socket(user) });
  await client.start();
  return client;
}

/** Waits for what can be observed. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 4000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still not so: ${what}`);
    await new Promise((r) => setTimeout(r, 1));
  }
}

/** Waits until the client stands at the end of its inbox. */
export async function caughtUp(client: Client, server: FakeServer): Promise<void> {
  await until("caught up", () => client.status.phase === "live" && client.status.cursor === server.batch(client.self, "").cursor);
}

/** All of a chat's history, loaded page by page, as one would by scrolling up. */
export async function scrollUp(client: Client, chatID: number) {
  const timeline = client.view.timeline(chatID);
  while (timeline.hasMore(client.view.chats.get(chatID))) await client.loadOlder(chatID);
  return timeline.messages;
}

// The signed-in user, and what of them is shown. `tick` moves whenever something of it may look different.
import { Api, Client, MemoryStore, noChanges, openIndexedDB, unread, type Ephemeral, type Friend, type HeldChat, type Message, type Status, type User } from "doran-client";
import { batch, computed, signal } from "@preact/signals";
import { t } from "./i18n.js";
import { forgetPush, renewPush } from "./push.js";
import { go } from "./route.js";
import { forgetSession, loadSession, saveSession, type Session } from "./sessions.js";
import { toast } from "./toasts.js";

/** undefined until it is known whether somebody is signed in; null for nobody. */
export const client = signal<Client | null | undefined>(undefined);
export const self = signal<User | null>(null);
export const tick = signal(0);
export const status = signal<Status>({ phase: "connecting", transport: null, cursor: "", heard: 0 });
/** The last message that somebody else sent just now. */
export const arrived = signal<Message | null>(null);
export const friends = signal<Friend[]>([]);
export const blocks = signal<User[]>([]);
/** Until when (milliseconds since 1970) who types in which chat. */
export const typing = signal<ReadonlyMap<number, ReadonlyMap<number, number>>>(new Map());

const TYPING_SHOWN = 6000;
const sessions = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("doran-session");

/** How many messages wait to be read in chats that are not muted. */
export const unreadTotal = computed(() => {
  tick.value;
  return chatsShown().reduce((n, chat) => n + (chat.muted ? 0 : unread(chat)), 0);
});

/** Opens who was signed in, from what is held; it needs no network. */
export async function openSession(): Promise<void> {
  const session = await loadSession();
  if (session) await enter(session);
  else client.value = null;
  if (sessions) sessions.onmessage = (event) => (event.data === "pause" ? client.value?.close() : void followSession());
}

/** Signs in, here and in every tab. */
export async function signIn(session: Session): Promise<void> {
  await saveSession(session);
  await enter(session);
  sessions?.postMessage("changed");
}

/**
 * A new password gives a new token and ends every earlier one, so no tab may stand on the old one meanwhile: it would take
 * its end for the end of the session.
 */
export async function changePassword(before: string, after: string): Promise<void> {
  const c = client.value;
  const user = self.value;
  if (!c || !user) return;
  sessions?.postMessage("pause");
  c.close();
  try {
    const { token } = await c.api.changePassword(before, after);
    await saveSession({ user, token });
  } finally {
    await followSession();
    sessions?.postMessage("changed");
  }
}

export async function signOut(): Promise<void> {
  const c = client.value;
  if (!c) return;
  await c.api.logout().catch(() => {}); // without a network the token lasts until it is ended from another device
  await c.end();
}

export function chatsShown(): HeldChat[] {
  return client.value?.view.sorted() ?? [];
}

export async function loadFriends(): Promise<void> {
  const c = client.value;
  if (!c) return;
  const [f, b] = await Promise.all([c.api.friends(c.self), c.api.blocks(c.self)]);
  batch(() => {
    friends.value = f;
    blocks.value = b;
  });
}

async function followSession(): Promise<void> {
  const session = await loadSession();
  if (session?.token === client.value?.api.token && !client.value?.closed) return;
  client.value?.close();
  if (session) await enter(session);
}

async function enter({ user, token }: Session): Promise<void> {
  const store = await openIndexedDB(`doran-${user.id}`).catch(() => new MemoryStore());
  const c = new Client({ api: new Api({ token }), self: user.id, store });
  c.listen({
    changed: (changes) => {
      const last = changes.arrived.at(-1);
      if (last) arrived.value = last;
      for (const m of changes.arrived) stopTyping(m.chat_id, m.sender_id);
      show();
    },
    passing,
    status: heard,
    ended: () => void left(token),
  });
  await c.start();
  c.view.apply({ ...noChanges(), users: [user] });
  batch(() => {
    self.value = user;
    status.value = c.status;
    client.value = c;
    tick.value++;
  });
  void navigator.storage?.persist?.();
  void renewPush(c).catch(() => {}); // without a network, next time
}

async function left(token: string): Promise<void> {
  await forgetSession(token);
  void forgetPush().catch(() => {});
  batch(() => {
    client.value = null;
    self.value = null;
    friends.value = [];
    blocks.value = [];
    typing.value = new Map();
  });
  go({ page: "chats" });
  toast(t("signedOut"));
}

let shown = true;

/** Many changes make one picture. Not by animation frame: a hidden tab has none, and its title counts too. */
function show(): void {
  if (!shown) return;
  shown = false;
  setTimeout(() => {
    shown = true;
    tick.value++;
  }, 0);
}

function heard(s: Status): void {
  const back = s.phase === "live" && status.value.phase !== "live";
  status.value = s;
  if (back) void loadFriends().catch(() => {}); // who is online is told only while one listens
}

function passing(event: Ephemeral): void {
  if (event.type === "presence") {
    const { user_id, online } = event.data;
    friends.value = friends.value.map((f) => (f.id === user_id ? { ...f, online } : f));
  } else if (event.type === "typing") {
    setTyping(event.chat_id, event.data.user_id, Date.now() + TYPING_SHOWN);
    setTimeout(() => endTyping(event.chat_id, event.data.user_id), TYPING_SHOWN + 50);
  }
}

function setTyping(chatID: number, userID: number, until: number): void {
  const next = new Map(typing.value);
  next.set(chatID, new Map(next.get(chatID)).set(userID, until));
  typing.value = next;
}

function endTyping(chatID: number, userID: number): void {
  const until = typing.value.get(chatID)?.get(userID);
  if (until !== undefined && until <= Date.now()) stopTyping(chatID, userID);
}

function stopTyping(chatID: number, userID: number): void {
  const users = new Map(typing.value.get(chatID));
  if (!users.delete(userID)) return;
  typing.value = new Map(typing.value).set(chatID, users);
}

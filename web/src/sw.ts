// The service worker. It keeps the page's own files, so that the page opens without a network, and tells of messages when a push wakes it. It
// never touches the API. It stands alone: what it shared with the page would need a second file.
interface Wake extends Event {
  waitUntil(work: Promise<unknown>): void;
  respondWith(answer: Promise<Response>): void;
  request: Request;
  notification: { close(): void; data: string };
}
type Window = { focused: boolean; focus(): Promise<unknown>; navigate(url: string): Promise<unknown> };
declare const self: {
  addEventListener(type: string, listener: (event: Wake) => void): void;
  skipWaiting(): Promise<void>;
  location: Location;
  clients: { claim(): Promise<void>; matchAll(q: object): Promise<Window[]>; openWindow(url: string): Promise<unknown> };
  registration: { showNotification(title: string, options: object): Promise<void> };
};

const CACHE = "doran";
const PATIENCE = 3000;
const KEPT = /^\/(assets\/|icon|manifest\.json$)/;

self.addEventListener("install", (event) => event.waitUntil(fetchPage().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === "/") event.respondWith(page());
  else if (KEPT.test(url.pathname)) event.respondWith(keptFile(event.request));
});

/** The newest page where there is a network, the one that is kept where there is none. */
async function page(): Promise<Response> {
  const kept = await caches.match("/");
  if (!kept) return fetchPage();
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept.clone()), PATIENCE));
  return Promise.race([fetchPage().catch(() => kept), late]);
}

/** Fetches the page and keeps it with all its files, and no others. */
async function fetchPage(): Promise<Response> {
  const response = await fetch("/", { cache: "no-cache" });
  if (!response.ok) throw new Error(`the page is not to be had: ${response.status}`);
  const html = await response.clone().text();
  const files = ["/", ...[...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((m) => m[1] as string)];
  const cache = await caches.open(CACHE);
  const missing = files.slice(1).map(async (f) => (await cache.match(f)) ?? cache.add(f));
  await Promise.all(missing);
  await cache.put("/", response.clone());
  for (const request of await cache.keys()) {
    if (!files.includes(new URL(request.url).pathname)) await cache.delete(request);
  }
  return response;
}

/** Files with a hash in their name never change; the icons do with the page. */
async function keptFile(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

// A push carries nothing: who and what is asked of the server, with this browser's own session.

interface Session {
  user: { id: number };
  token: string;
}
interface Chat {
  id: number;
  title: string;
  kind: string;
  muted: boolean;
  unread_count: number;
  users: { id: number; username: string | null }[];
  last_message: { content: string; sender_id: number; created_at: string } | null;
}

self.addEventListener("push", (event) => event.waitUntil(notify()));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openAt(event.notification.data));
});

async function notify(): Promise<void> {
  const windows = await self.clients.matchAll({ type: "window" });
  if (windows.some((w) => w.focused)) return;
  const session = await read<Session>("doran", "session", "current");
  const chat = session && (await newestUnread(session).catch(() => undefined));
  const words = { icon: "/icon-192.png", badge: "/icon-192.png", tag: chat ? `chat-${chat.id}` : "doran", data: chat ? `/#/chats/${chat.id}` : "/" };
  if (!chat?.last_message) return self.registration.showNotification("Doran", words);
  const sender = chat.users.find((u) => u.id === chat.last_message?.sender_id)?.username;
  const title = chat.title || sender || "Doran";
  const body = sender && title !== sender ? `${sender}: ${chat.last_message.content}` : chat.last_message.content;
  return self.registration.showNotification(title, { ...words, body });
}

/** Polls, which tells the server that the push has arrived, and looks for what waits. The cursor stays: what it brings is the page's to apply. */
async function newestUnread(session: Session): Promise<Chat | undefined> {
  const headers = { Authorization: `Bearer ${session.token}` };
  const cursor = await read<{ value: string }>(`doran-${session.user.id}`, "meta", "cursor");
  if (cursor) await fetch(`/realtime/poll?${new URLSearchParams({ after: cursor.value, wait: "0" })}`, { headers });
  const response = await fetch(`/accounts/${session.user.id}/chats/?limit=20`, { headers });
  if (!response.ok) return undefined;
  const { chats } = (await response.json()) as { chats: Chat[] };
  return chats.find((c) => c.unread_count > 0 && !c.muted);
}

async function openAt(url: string): Promise<void> {
  const [window] = await self.clients.matchAll({ type: "window" });
  if (!window) return void (await self.clients.openWindow(url));
  await window.focus();
  await window.navigate(url);
}

/** One record of a database that the page has made; undefined where it has not. */
function read<T>(database: string, store: string, key: string): Promise<T | undefined> {
  return new Promise((resolve) => {
    const open = indexedDB.open(database);
    open.onupgradeneeded = () => open.transaction?.abort(); // it was not there, and stays so
    open.onerror = () => resolve(undefined);
    open.onsuccess = () => {
      const get = open.result.transaction(store).objectStore(store).get(key);
      get.onsuccess = () => resolve(get.result as T | undefined);
      get.onerror = () => resolve(undefined);
      open.result.close();
    };
  });
}
export {};

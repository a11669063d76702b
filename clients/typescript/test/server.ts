// A server in memory that keeps the contract of inboxes, and breaks everything that the contract allows to break.
import type { Batch, Chat, Friend, KeptEvent, Member, Message, User } from "../src/index.js";
import { TOMBSTONE } from "../src/index.js";

const AT = "2026-11-23T07:00:00.000Z";
type FakeChat = { id: number; version: number; title: string; members: Map<number, { first: number; read: number }>; messages: Message[] };
type Entry = KeptEvent & { to: number };

export class FakeServer {
  readonly chats = new Map<number, FakeChat>();
  readonly calls: string[] = [];
  epoch = 1;
  /** Calls fail as long as this says so. */
  down = false;
  sockets: "open" | "refused" = "open";
  readonly open = new Set<FakeSocket>();
  /** What an answer waits for after it was made. */
  onTheWay: (url: URL) => Promise<void> = () => Promise.resolve();
  #inbox: Entry[] = [];
  #trimmed = 0;
  #ids = 0;
  #waiting = new Set<() => void>();

  user(id: number): User {
    return { id, username: `user${id}`, created_at: AT };
  }

  create(users: number[], title = ""): number {
    const id = this.chats.size + 1;
    const members = new Map(users.map((u) => [u, { first: 1, read: 0 }]));
    this.chats.set(id, { id, version: 0, title, members, messages: [] });
    this.#tell(id, (chat) => ({ type: "chat.created", data: this.info(chat) }));
    return id;
  }

  send(chatID: number, sender: number, content: string, client_id: string | null = null): Message {
    const chat = this.chat(chatID);
    const seq = chat.messages.length + 1;
    const m: Message = {
      id: ++this.#ids, chat_id: chatID, seq, version: chat.version + 1, sender_id: sender, content, client_id, created_at: AT, edited_at: null, deleted: false,
    };
    chat.messages.push(m);
    const member = chat.members.get(sender);
    if (member) member.read = seq;
    this.#tell(chatID, () => ({ type: "message.created", data: m }));
    return m;
  }

  change(chatID: number, seq: number, content: string | null): Message {
    const m = this.chat(chatID).messages[seq - 1] as Message;
    Object.assign(m, content === null ? { deleted: true, content: TOMBSTONE } : { content, edited_at: AT }, { version: this.chat(chatID).version + 1 });
    this.#tell(chatID, () => ({ type: content === null ? "message.deleted" : "message.edited", data: m }));
    return m;
  }

  title(chatID: number, title: string): void {
    this.chat(chatID).title = title;
    this.#tell(chatID, (chat) => ({ type: "chat.updated", data: this.info(chat) }));
  }

  add(chatID: number, user: number): void {
    const chat = this.chat(chatID);
    chat.members.set(user, { first: chat.messages.length + 1, read: chat.messages.length });
    this.#tell(chatID, (c, to) => (to === user ? { type: "chat.created", data: this.info(c) } : { type: "member.added", data: this.#who(user) }));
  }

  remove(chatID: number, user: number): void {
    const chat = this.chat(chatID);
    this.#tell(chatID, () => ({ type: "member.removed", data: this.#who(user) }));
    chat.members.delete(user);
  }

  read(chatID: number, user: number, seq: number): void {
    const chat = this.chat(chatID);
    const member = chat.members.get(user);
    if (!member || seq <= member.read) return;
    member.read = seq;
    const last_message_id = (chat.messages[seq - 1] as Message).id;
    for (const to of chat.members.keys()) {
      const data = { user_id: user, last_message_id, seq };
      this.#inbox.push({ id: "", to, type: "message.read", chat_id: chatID, version: chat.version, at: AT, data });
    }
    this.#wake();
  }

  /** The inbox forgets all but the last n entries. */
  trim(n: number): void {
    this.#trimmed = Math.max(this.#trimmed, this.#inbox.length - n);
  }

  /** Every socket ends with this code. */
  cut(code: number): void {
    for (const s of [...this.open]) s.end(code);
  }

  chat(id: number): FakeChat {
    return this.chats.get(id) as FakeChat;
  }

  /** The chat as a member sees it. */
  seen(chat: FakeChat, user: number): Chat {
    const member = chat.members.get(user) as { first: number; read: number };
    const last = chat.messages.at(-1);
    const visible = last && last.seq >= member.first ? last : null;
    const read = chat.messages[member.read - 1];
    return {
      ...this.info(chat), first_seq: member.first, last_message: visible && show(visible, user), last_read_message_id: read?.id ?? null,
      unread_count: Math.max(0, chat.messages.length - member.read), muted: false,
    };
  }

  info(chat: FakeChat) {
    const users = [...chat.members.keys()].slice(0, 5).map((u) => this.user(u));
    return { id: chat.id, kind: "group" as const, title: chat.title, owner_id: 1, member_count: chat.members.size, users, created_at: AT, version: chat.version };
  }

  /** What follows a cursor of this user. */
  batch(user: number, after: string, limit = 100): Batch {
    const now = this.#cursor(user, this.#inbox.length);
    if (after === "") return { after: now, events: [], cursor: now };
    const [owner, epoch, at] = after.split(".").map(Number) as [number, number, number];
    if (owner !== user) throw new Error("no cursor of this user");
    if (epoch !== this.epoch || at < this.#trimmed) return { gap: true, events: [], cursor: now };
    const events: KeptEvent[] = [];
    let end = at;
    for (; end < this.#inbox.length && events.length < limit; end++) {
      const e = this.#inbox[end] as Entry;
      if (e.to !== user || !this.#maySee(e, user)) continue;
      const { to: _, ...event } = e;
      events.push({ ...event, id: this.#cursor(user, end + 1), data: now_(this, event, user) } as KeptEvent);
    }
    return { after, events, cursor: this.#cursor(user, end) };
  }

  /** The api's `fetch` of one user. */
  fetch(user: number): typeof fetch {
    return async (input, init) => {
      const url = new URL(String(input), "http://doran");
      const method = init?.method ?? "GET";
      this.calls.push(`${method} ${url.pathname}${url.search}`);
      await Promise.resolve();
      init?.signal?.throwIfAborted();
      if (this.down) throw new TypeError("fetch failed");
      const answer = await this.#answer(user, method, url, init?.body ? JSON.parse(String(init.body)) : {}, init?.signal ?? undefined);
      await this.onTheWay(url);
      return answer;
    };
  }

  /** Opens a socket of one user. */
  socket = (user: number) => (url: string) => new FakeSocket(this, user, new URL(url).searchParams.get("after") ?? "") as unknown as WebSocket;

  async #answer(user: number, method: string, url: URL, body: { content?: string; client_id?: string }, signal?: AbortSignal): Promise<Response> {
    const [, root, id, part, sub] = url.pathname.split("/");
    if (root === "realtime") return this.#poll(user, url, signal);
    if (root === "accounts" && id === "") return json({ users: url.searchParams.get("user_id")?.split(",").map((u) => this.user(Number(u))) });
    if (root === "accounts") return json(part === "friends" ? { friends: [] as Friend[] } : this.#page(user, Number(url.searchParams.get("after"))));
    const chat = this.chats.get(Number(id));
    const me = chat?.members.get(user);
    if (!chat || !me) return problem(404, "not_found");
    if (part === "") return json(this.seen(chat, user));
    if (part === "users" && sub === "") return json({ users: [...chat.members].map(([u, m]): Member => this.#member(chat, u, m.read)) });
    if (part === "users") return json({});
    if (method === "POST") {
      const before = chat.messages.find((m) => m.client_id === body.client_id && m.sender_id === user);
      return json(before ?? this.send(chat.id, user, body.content as string, body.client_id ?? null), before ? 200 : 201);
    }
    const mine = chat.messages.filter((m) => m.seq >= me.first).map((m) => show(m, user));
    const version = url.searchParams.get("changed_after");
    if (version !== null) {
      const changed = mine.filter((m) => m.version > Number(version)).sort((a, b) => a.version - b.version);
      return json({ messages: changed.slice(0, 7), has_more: changed.length > 7 }); // small pages, to see several
    }
    const before = Number(url.searchParams.get("before") ?? Infinity);
    const older = mine.filter((m) => m.id < before);
    return json({ messages: older.slice(-10), has_more: older.length > 10 });
  }

  async #poll(user: number, url: URL, signal?: AbortSignal): Promise<Response> {
    const after = url.searchParams.get("after") ?? "";
    let batch = this.batch(user, after);
    if (batch.events.length === 0 && !batch.gap && after && Number(url.searchParams.get("wait")) > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal?.addEventListener("abort", () => resolve());
      });
      signal?.throwIfAborted();
      if (this.down) throw new TypeError("fetch failed");
      batch = this.batch(user, after);
    }
    return json(batch);
  }

  #page(user: number, after: number) {
    const mine = [...this.chats.values()].filter((c) => c.members.has(user) && c.id > after).sort((a, b) => a.id - b.id);
    const chats = mine.slice(0, 2).map((c) => this.seen(c, user));
    return { chats, next: mine.length > 2 ? "more" : null };
  }

  #member(chat: FakeChat, id: number, read: number): Member {
    return { id, username: `user${id}`, role: "member", last_message_id: chat.messages[read - 1]?.id ?? null, joined_at: AT };
  }

  #tell(chatID: number, event: (chat: FakeChat, to: number) => { type: KeptEvent["type"]; data: unknown }): void {
    const chat = this.chat(chatID);
    chat.version++;
    for (const to of chat.members.keys()) {
      this.#inbox.push({ id: "", to, chat_id: chatID, version: chat.version, at: AT, ...event(chat, to) } as Entry);
    }
    this.#wake();
  }

  #maySee(e: Entry, user: number): boolean {
    if (e.type === "member.removed" && e.data.user.id === user) return true;
    const member = this.chat(e.chat_id).members.get(user);
    if (!member) return false;
    return !(e.type.startsWith("message.") && "seq" in e.data && e.data.seq < member.first);
  }

  #who(user: number) {
    return { user: this.user(user), by: this.user(1) };
  }

  #cursor(user: number, at: number): string {
    return `${user}.${this.epoch}.${at}`;
  }

  #wake(): void {
    for (const w of [...this.#waiting]) w();
    this.#waiting.clear();
    for (const s of [...this.open]) s.flush();
  }
}

/** A socket of the fake server. What it brings comes in its own time, as on a network. */
export class FakeSocket {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  #opened = false;

  constructor(readonly server: FakeServer, readonly user: number, public at: string) {
    queueMicrotask(() => {
      if (server.down || server.sockets === "refused") return this.onclose?.({ code: 1006 });
      this.#opened = true;
      server.open.add(this);
      this.#deliver(server.batch(user, at));
      this.flush();
    });
  }

  flush(): void {
    if (!this.#opened || this.server.down) return;
    const batch = this.server.batch(this.user, this.at, 3);
    if (batch.events.length > 0 || batch.gap) this.#deliver(batch);
  }

  deliver(batch: Batch): void {
    this.onmessage?.({ data: JSON.stringify(batch) });
  }

  #deliver(batch: Batch): void {
    this.at = batch.cursor;
    queueMicrotask(() => this.deliver(batch));
    if (batch.events.length > 0) queueMicrotask(() => this.flush());
  }

  end(code: number): void {
    this.server.open.delete(this);
    this.#opened = false;
    this.onclose?.({ code });
  }

  close(): void {
    this.server.open.delete(this);
    this.#opened = false;
  }
}

/** Data is the thing as it is now, for its reader. */
function now_(server: FakeServer, event: Omit<KeptEvent, "to">, user: number): unknown {
  const data = event.data as Message;
  if (event.type === "message.read" || !event.type.startsWith("message.")) return event.data;
  return show(server.chat(event.chat_id).messages[data.seq - 1] as Message, user);
}

function show(m: Message, user: number): Message {
  return { ...m, client_id: m.sender_id === user ? m.client_id : null };
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ type: "", title: code, status, detail: code, code }), { status });
}

import { Api, type NewChat } from "./api.js";
import { Connection, TIMING, type Status, type Timing } from "./connection.js";
import type { Changes, HeldChat, Outgoing } from "./held.js";
import { newClientId } from "./id.js";
import { ephemeral, type Ledger } from "./ledger.js";
import { Outbox } from "./outbox.js";
import { isNotFound, isUnauthenticated } from "./problem.js";
import type { WebSocketMaker } from "./socket.js";
import type { Store } from "./store.js";
import { Sync } from "./sync.js";
import { Tabs } from "./tabs.js";
import { PAGE, type Timeline } from "./timeline.js";
import type { Batch, Chat, Ephemeral, Message, User } from "./types.js";
import { View } from "./view.js";

export interface ClientOptions {
  api: Api;
  /** The user whose token the api has. */
  self: number;
  store: Store;
  timing?: Partial<Timing>;
  webSocket?: WebSocketMaker;
}

/** What a client tells whoever shows it. */
export interface Listener {
  /** What is held changed; the view has it already. */
  changed?(changes: Changes): void;
  /** Somebody types, came online, or has read. Worth showing only now. */
  passing?(event: Ephemeral): void;
  status?(status: Status): void;
  /** The session has ended, here or in another tab, and what was held is gone. */
  ended?(): void;
}

/** What tabs tell each other. */
type Told =
  | { what: "changes"; changes: Changes }
  | { what: "passing"; event: Ephemeral }
  | { what: "status"; status: Status }
  | { what: "hello" }
  | { what: "outbox" }
  | { what: "ended" };

/**
 * One user, signed in: what is held of them, kept in step with the server by whichever tab leads. Reads come from `view`; writes go to
 * the server, and into what is held when it has answered. What is sent waits in the outbox meanwhile.
 */
export class Client {
  readonly api: Api;
  readonly self: number;
  readonly view = new View();
  readonly store: Store;
  status: Status = { phase: "connecting", transport: null, cursor: "", heard: 0 };
  leads = false;

  readonly #stop = new AbortController();
  readonly #sync: Sync;
  readonly #tabs: Tabs<Told>;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #listeners = new Set<Listener>();
  readonly #marking = new Map<number, number>();
  #ended = false;

  constructor(options: ClientOptions) {
    this.api = options.api;
    this.self = options.self;
    this.store = options.store;
    this.#tabs = new Tabs(`doran-${this.self}`, (told) => this.#told(told));
    this.#sync = new Sync(this.api, this.store, this.self, (changes) => this.#publish(changes), this.#stop.signal);
    this.#outbox = new Outbox(this.#sync, () => void this.end());
    const make = options.webSocket ?? ((url, protocols) => new WebSocket(url, protocols));
    const receiver = {
      cursor: () => this.#sync.cursor(),
      forgetCursor: () => this.#sync.forgetCursor(),
      apply: (batch: Batch) => this.#sync.apply(batch),
      passing: (batch: Batch) => this.#passing(batch),
      status: (status: Status) => this.#say(status),
      ended: () => void this.end(),
    };
    this.#connection = new Connection(this.api, receiver, make, this.#stop.signal, { ...TIMING, ...options.timing });
  }

  /** Loads what is held, and begins to lead or to follow. It needs no network. */
  async start(): Promise<void> {
    await this.view.load(this.store);
    const cursor = await this.#sync.cursor();
    this.status = { ...this.status, cursor };
    this.#tabs.tell({ what: "hello" });
    void this.#tabs.lead(() => this.#lead(), this.#stop.signal);
  }

  /** Tells the listener from now on; gives what ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The network may be back, or the user looks again. */
  wake(): void {
    this.#connection.wake();
    this.#outbox.kick();
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends this tab's part; what is held stays. */
  close(): void {
    this.#stop.abort();
    this.#tabs.close();
    this.store.close();
  }

  /** The session has ended: what is held of this user is removed, in every tab. */
  async end(): Promise<void> {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    this.#tabs.tell({ what: "ended" });
    this.close();
    await this.store.wipe();
    for (const l of this.#listeners) l.ended?.();
  }

  // Messages.

  /** Puts a message into the outbox, from where it is sent now or when the server is back. */
  async send(chatID: number, content: string): Promise<Outgoing> {
    const outgoing: Outgoing = { client_id: newClientId(), chat_id: chatID, content, at: Date.now(), state: "queued" };
    await this.#sync.write(async (ledger) => {
      ledger.putOutgoing(outgoing);
      ledger.setDraft(chatID, "");
    });
    this.#kickOutbox();
    return outgoing;
  }

  /** Sends again what the server refused. */
  async retry(clientID: string): Promise<void> {
    await this.#sync.write(async (ledger) => {
      const outgoing = await ledger.tx.get("outbox", clientID);
      if (outgoing) ledger.putOutgoing({ client_id: clientID, chat_id: outgoing.chat_id, content: outgoing.content, at: outgoing.at, state: "queued" });
    });
    this.#kickOutbox();
  }

  /** Gives up what was not sent. */
  async discard(clientID: string): Promise<void> {
    await this.#sync.write(async (ledger) => ledger.removeOutgoing(clientID));
  }

  async edit(message: Message, content: string): Promise<void> {
    await this.#merge(await this.#call(() => this.api.edit(message.chat_id, message.id, content)));
  }

  async deleteMessage(message: Message): Promise<void> {
    await this.#merge(await this.#call(() => this.api.deleteMessage(message.chat_id, message.id)));
  }

  async setDraft(chatID: number, text: string): Promise<void> {
    if ((this.view.drafts.get(chatID) ?? "") !== text) await this.#sync.write(async (ledger) => ledger.setDraft(chatID, text));
  }

  /** Makes older messages a part of the chat's timeline: the next ones that are held, or a page of the server's. */
  async loadOlder(chatID: number): Promise<void> {
    const timeline = this.view.timeline(chatID);
    if (timeline.loading || !timeline.hasMore(this.view.chats.get(chatID))) return;
    timeline.loading = true;
    try {
      if (!(await this.#showHeld(timeline))) {
        await this.#fetchOlder(chatID);
        await this.#showHeld(timeline);
      }
    } finally {
      timeline.loading = false;
    }
  }

  /** The user has seen everything up to here. Only the newest of several is sent. */
  async markRead(chatID: number, message: Message): Promise<void> {
    const chat = this.view.chats.get(chatID);
    if (!chat || message.seq <= chat.read_seq) return;
    const marker = { user_id: this.self, last_message_id: message.id, seq: message.seq };
    await this.#sync.write((ledger) => ledger.applyRead(chatID, marker));
    const running = this.#marking.has(chatID);
    this.#marking.set(chatID, Math.max(message.id, this.#marking.get(chatID) ?? 0));
    if (running) return;
    try {
      for (let sent = 0; sent !== this.#marking.get(chatID); ) {
        sent = this.#marking.get(chatID) as number;
        await this.#call(() => this.api.markRead(chatID, this.self, sent));
      }
    } finally {
      this.#marking.delete(chatID);
    }
  }

  // Chats and members.

  async createChat(chat: NewChat): Promise<Chat> {
    return this.#mergeChat(await this.#call(() => this.api.createChat(chat)));
  }

  async setTitle(chatID: number, title: string): Promise<void> {
    await this.#mergeChat(await this.#call(() => this.api.setTitle(chatID, title)));
  }

  async setMuted(chatID: number, muted: boolean): Promise<void> {
    await this.#call(() => this.api.setMuted(chatID, this.self, muted));
    await this.#mergeChat(await this.#call(() => this.api.chat(chatID)));
  }

  /** Ends a group for all, or a direct chat for this side. */
  async deleteChat(chatID: number): Promise<void> {
    await this.#call(() => this.api.deleteChat(chatID));
    await this.#sync.write((ledger) => ledger.dropChat(chatID));
  }

  async leave(chatID: number): Promise<void> {
    await this.#call(() => this.api.removeMember(chatID, this.self));
    await this.#sync.write((ledger) => ledger.dropChat(chatID));
  }

  async addMember(chatID: number, userID: number): Promise<void> {
    await this.#call(() => this.api.addMember(chatID, userID));
    await this.loadMembers(chatID);
  }

  async removeMember(chatID: number, userID: number): Promise<void> {
    await this.#call(() => this.api.removeMember(chatID, userID));
    await this.loadMembers(chatID);
  }

  /** Reads who is in a chat and how far each has read, as some of that is told only to who listens. */
  async loadMembers(chatID: number): Promise<void> {
    const members = await this.#call(() => this.api.members(chatID));
    await this.#sync.write((ledger) => ledger.mergeMembers(chatID, members));
  }

  /** Learns the names of users that are not known yet. */
  async loadUsers(ids: number[]): Promise<void> {
    const unknown = ids.filter((id) => !this.view.users.has(id)).slice(0, 100);
    if (unknown.length === 0) return;
    const users: User[] = await this.#call(() => this.api.usersById(unknown));
    await this.#sync.write(async (ledger) => ledger.addUsers(users));
  }

  // What follows is between the parts.

  /** Calls the server; a session that has ended ends here. */
  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isUnauthenticated(error)) void this.end();
      throw error;
    }
  }

  async #merge(message: Message): Promise<void> {
    await this.#sync.write((ledger) => ledger.mergeMessage(message));
  }

  async #mergeChat(chat: Chat): Promise<Chat> {
    await this.#sync.write((ledger) => ledger.mergeChat(chat, false));
    return chat;
  }

  /** Shows the next held messages; false when there are none before the timeline's first. */
  async #showHeld(timeline: Timeline): Promise<boolean> {
    const [older, low] = await this.store.read(async (tx) => {
      const chat = await tx.get("chats", timeline.chatID);
      if (!chat || chat.from === null || (timeline.low !== undefined && chat.from >= timeline.low)) return [[], undefined];
      const older = await tx.messages(chat.id, chat.from, timeline.low ?? Infinity, PAGE);
      return [older, older[0]?.seq ?? chat.from];
    });
    if (low === undefined) return false;
    timeline.prepend(older, low);
    return true;
  }

  async #fetchOlder(chatID: number): Promise<void> {
    const first = this.view.timeline(chatID).messages[0];
    try {
      for (let merged = false; !merged; ) {
        const asked = (await this.store.read((tx) => tx.get("chats", chatID)))?.have ?? 0;
        const page = await this.#call(() => this.api.messages(chatID, first ? { before: first.id, limit: PAGE } : { limit: PAGE }));
        merged = await this.#sync.write((ledger: Ledger) => ledger.mergePage(chatID, page, asked));
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#sync.write((ledger) => ledger.dropChat(chatID));
    }
  }

  async #lead(): Promise<void> {
    this.leads = true;
    this.#outbox.kick();
    await this.#connection.run();
  }

  #kickOutbox(): void {
    if (this.leads) this.#outbox.kick();
    else this.#tabs.tell({ what: "outbox" });
  }

  #publish(changes: Changes): void {
    this.#tabs.tell({ what: "changes", changes });
    this.#show(changes);
  }

  #show(changes: Changes): void {
    this.view.apply(changes);
    for (const l of this.#listeners) l.changed?.(changes);
  }

  #passing(batch: Batch): void {
    for (const event of ephemeral(batch)) {
      this.#tabs.tell({ what: "passing", event });
      this.#hear(event);
      if (event.type === "message.read") void this.#sync.write((ledger) => ledger.applyRead(event.chat_id, event.data)).catch(() => {});
    }
  }

  #hear(event: Ephemeral): void {
    for (const l of this.#listeners) l.passing?.(event);
  }

  #say(status: Status): void {
    const back = status.phase === "live" && this.status.phase !== "live";
    this.#tabs.tell({ what: "status", status });
    this.#hearStatus(status);
    if (back) this.#outbox.kick();
  }

  #hearStatus(status: Status): void {
    this.status = status;
    for (const l of this.#listeners) l.status?.(status);
  }

  #told(told: Told): void {
    if (told.what === "changes") this.#show(told.changes);
    else if (told.what === "passing") this.#hear(told.event);
    else if (told.what === "status") this.#hearStatus(told.status);
    else if (told.what === "hello" && this.leads) this.#tabs.tell({ what: "status", status: this.status });
    else if (told.what === "outbox" && this.leads) this.#outbox.kick();
    else if (told.what === "ended") void this.end();
  }
}

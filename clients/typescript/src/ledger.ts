import { noChanges, type HeldChat, type HeldMembers, type Outgoing } from "./held.js";
import type { Tx } from "./store.js";
import { isKept, type Batch, type Chat, type ChatInfo, type Member, type Message, type MessagePage, type User } from "./types.js";
import type { Ephemeral, KeptEvent } from "./types.js";

type Marker = { user_id: number; last_message_id: number; seq: number };

/**
 * The rules by which what the server says becomes what is held, inside one transaction. Every one of them may be applied twice, and late:
 * of two copies of a message the higher version stays, markers only go forward, and `have` moves only by what is known to be
 * all there. So a batch that was applied in part is simply applied again.
 */
export class Ledger {
  readonly changes = noChanges();

  constructor(readonly tx: Tx, readonly self: number) {}

  /**
   * Applies the events in order, up to the first that cannot be applied without asking the server: it gives that one, whose chat is to be
   * mended first. Chats in `absent` are known not to be there.
   */
  async applyEvents(batch: Batch, absent: ReadonlySet<number>): Promise<KeptEvent | undefined> {
    for (const event of batch.events) {
      if (!isKept(event) || absent.has(event.chat_id)) continue;
      if (!(await this.#applyKept(event))) return event;
    }
    return undefined;
  }

  /** Somebody has read up to here. */
  async applyRead(chatID: number, marker: Marker): Promise<void> {
    const chat = await this.tx.get("chats", chatID);
    if (chat && marker.user_id === this.self && marker.seq > chat.read_seq) {
      this.#putChat({ ...chat, read_seq: marker.seq, last_read_message_id: marker.last_message_id });
    }
    await this.#moveMarker(chatID, marker.user_id, marker.last_message_id);
  }

  /** A message as the server has it now. It moves no version: only events and mending do. */
  async mergeMessage(message: Message): Promise<void> {
    const chat = await this.tx.get("chats", message.chat_id);
    if (!chat || message.seq < chat.first_seq) return;
    await this.#leaveOutbox(message);
    const held = await this.tx.get("messages", [message.chat_id, message.seq]);
    if (!held || held.version < message.version) {
      this.tx.put("messages", message);
      this.changes.messages.push(message);
    }
    const last = newer(chat.last_message, message);
    const mine = message.sender_id === this.self;
    const read = mine ? Math.max(chat.read_seq, message.seq) : chat.read_seq;
    if (last !== chat.last_message || read !== chat.read_seq) {
      this.#putChat({ ...chat, last_message: last, last_seq: Math.max(chat.last_seq, message.seq), read_seq: read });
    }
    await this.#moveMarker(message.chat_id, message.sender_id, message.id); // sending moves the sender's own
  }

  /** A chat as the server has it now. `mended` says that what changed up to its version has been asked for and merged. */
  async mergeChat(chat: Chat, mended: boolean): Promise<void> {
    const held = await this.tx.get("chats", chat.id);
    this.addUsers(chat.users);
    if (!held) return this.#putChat({ ...fresh(chat) });
    const merged = chat.version < held.version ? { ...held } : { ...held, ...info(chat), muted: chat.muted };
    if (chat.first_seq > held.first_seq) this.#cut(merged, chat.first_seq);
    const last = chat.last_message ? newer(merged.last_message, chat.last_message) : merged.last_message;
    merged.last_message = last && last.seq >= merged.first_seq ? last : null;
    const lastSeq = chat.last_message?.seq ?? chat.first_seq - 1;
    merged.last_seq = Math.max(held.last_seq, lastSeq);
    merged.read_seq = Math.max(held.read_seq, lastSeq - chat.unread_count);
    if (chat.last_read_message_id) merged.last_read_message_id = Math.max(chat.last_read_message_id, held.last_read_message_id ?? 0);
    if (mended) merged.have = Math.max(held.have, chat.version);
    this.#putChat(merged);
  }

  /**
   * The newest messages, or those before the oldest that is held: the history is held from the first of them on. `asked` is what `have` was
   * before the page was asked for. False: nothing was held and `have` has moved meanwhile, by what the page may lack, so it is to be asked for again.
   */
  async mergePage(chatID: number, page: MessagePage, asked: number): Promise<boolean> {
    const before = await this.tx.get("chats", chatID);
    if (!before) return true;
    if (before.from === null && before.have !== asked) return false;
    for (const message of page.messages) await this.mergeMessage(message);
    const chat = (await this.tx.get("chats", chatID)) as HeldChat;
    const first = page.has_more ? page.messages[0]?.seq : chat.first_seq;
    const reaches = (page.messages.at(-1)?.seq ?? Infinity) + 1;
    if (first === undefined || (chat.from !== null && reaches < chat.from)) return true;
    this.#putChat({ ...chat, from: Math.min(first, chat.from ?? first) });
    return true;
  }

  /** Says whether anything is held of what was said in a chat. */
  async holds(chatID: number): Promise<boolean> {
    const chat = await this.tx.get("chats", chatID);
    return (chat?.from ?? null) !== null || (await this.tx.messages(chatID, 0, Infinity, 1)).length > 0;
  }

  /** The chat was read after this version was made, whatever the answer said. */
  async passVersion(chatID: number, version: number): Promise<void> {
    const chat = await this.tx.get("chats", chatID);
    if (chat && chat.have < version) await this.#moveVersion(chatID, version);
  }

  /** The members as the server has them now. */
  async mergeMembers(chatID: number, members: Member[]): Promise<void> {
    const held = await this.tx.get("members", chatID);
    const markers = new Map(held?.members.map((m) => [m.id, m.last_message_id ?? 0]));
    const merged = members.map((m) => ({ ...m, last_message_id: Math.max(m.last_message_id ?? 0, markers.get(m.id) ?? 0) || null }));
    this.#putMembers({ chat_id: chatID, members: merged });
  }

  /** The chat is gone, or no longer ours. */
  async dropChat(chatID: number): Promise<void> {
    for (const outgoing of await this.tx.all("outbox")) {
      if (outgoing.chat_id === chatID) this.removeOutgoing(outgoing.client_id);
    }
    this.tx.delete("chats", chatID);
    this.tx.delete("members", chatID);
    this.tx.delete("drafts", chatID);
    this.tx.deleteMessages(chatID, Infinity);
    this.changes.dropped.push(chatID);
  }

  /** Writes down that everything up to this cursor was applied. */
  setCursor(cursor: string): void {
    this.tx.put("meta", { key: "cursor", value: cursor });
  }

  addUsers(users: User[]): void {
    for (const user of users) this.tx.put("users", user);
    this.changes.users.push(...users);
  }

  putOutgoing(outgoing: Outgoing): void {
    this.tx.put("outbox", outgoing);
    this.changes.outbox.push(outgoing);
  }

  removeOutgoing(clientID: string): void {
    this.tx.delete("outbox", clientID);
    this.changes.sent.push(clientID);
  }

  setDraft(chatID: number, text: string): void {
    const draft = { chat_id: chatID, text };
    if (text) this.tx.put("drafts", draft);
    else this.tx.delete("drafts", chatID);
    this.changes.drafts.push(draft);
  }

  /** Says whether the event could be applied, or was already. */
  async #applyKept(event: KeptEvent): Promise<boolean> {
    if (event.type === "message.read") {
      await this.applyRead(event.chat_id, event.data);
      return true;
    }
    const chat = await this.tx.get("chats", event.chat_id);
    if (!chat) return endsChat(event, this.self);
    if (event.version <= chat.have) {
      if (isMessage(event)) await this.#mergeEvent(event, chat);
      return true;
    }
    if (event.version > chat.have + 1) return false;
    return this.#applyNext(event, chat);
  }

  /** Applies the event that follows what is held. Who came and went shows in more than the event says: the chat is read anew. */
  async #applyNext(event: KeptEvent, chat: HeldChat): Promise<boolean> {
    if (endsChat(event, this.self)) {
      await this.dropChat(chat.id);
      return true;
    }
    if (isMessage(event)) await this.#mergeEvent(event, chat);
    else if (event.type === "chat.updated") await this.#mergeInfo(event.data);
    else if (isKnown(event)) return false;
    await this.#moveVersion(chat.id, event.version);
    return true;
  }

  async #mergeEvent(event: KeptEvent & { data: Message }, chat: HeldChat): Promise<void> {
    const message = event.data;
    const held = await this.tx.get("messages", [chat.id, message.seq]);
    await this.mergeMessage(message);
    if (event.type !== "message.created" || held || message.seq < chat.first_seq) return;
    if (message.sender_id !== this.self) this.changes.arrived.push(message);
    const now = await this.tx.get("chats", chat.id);
    if (now && now.from === null && event.version > chat.have) this.#putChat({ ...now, from: message.seq });
  }

  async #mergeInfo(data: ChatInfo): Promise<void> {
    const chat = await this.tx.get("chats", data.id);
    if (chat && data.version >= chat.version) this.#putChat({ ...chat, ...info(data) });
    this.addUsers(data.users);
  }

  async #moveVersion(chatID: number, version: number): Promise<void> {
    const chat = await this.tx.get("chats", chatID);
    if (chat) this.#putChat({ ...chat, have: version, version: Math.max(version, chat.version) });
  }

  async #moveMarker(chatID: number, userID: number, messageID: number): Promise<void> {
    const held = await this.tx.get("members", chatID);
    const behind = held?.members.some((m) => m.id === userID && (m.last_message_id ?? 0) < messageID);
    if (!held || !behind) return;
    const members = held.members.map((m) => (m.id === userID ? { ...m, last_message_id: messageID } : m));
    this.#putMembers({ chat_id: chatID, members });
  }

  async #leaveOutbox(message: Message): Promise<void> {
    if (message.sender_id !== this.self || !message.client_id) return;
    if (await this.tx.get("outbox", message.client_id)) this.removeOutgoing(message.client_id);
  }

  #cut(chat: HeldChat, firstSeq: number): void {
    chat.first_seq = firstSeq;
    if (chat.from !== null) chat.from = Math.max(chat.from, firstSeq);
    this.tx.deleteMessages(chat.id, firstSeq);
    this.changes.cut.push({ chat_id: chat.id, first_seq: firstSeq });
  }

  #putChat(chat: HeldChat): void {
    this.tx.put("chats", chat);
    this.changes.chats.push(chat);
  }

  #putMembers(members: HeldMembers): void {
    this.tx.put("members", members);
    this.changes.members.push(members);
  }
}

function isMessage(event: KeptEvent): event is KeptEvent & { data: Message } {
  return event.type === "message.created" || event.type === "message.edited" || event.type === "message.deleted";
}

/** Says whether it is of a type that this client knows what to do about; the others only count. */
function isKnown(event: KeptEvent): boolean {
  return event.type === "chat.created" || event.type === "member.added" || event.type === "member.removed";
}

function endsChat(event: KeptEvent, self: number): boolean {
  return event.type === "chat.deleted" || (event.type === "member.removed" && event.data.user.id === self);
}

/** Of the last message that is known and another one: the later, or of one and the same the higher version. */
function newer(a: Message | null, b: Message): Message {
  if (!a || b.seq > a.seq) return b;
  return b.seq === a.seq && b.version > a.version ? b : a;
}

function info(c: ChatInfo): ChatInfo {
  const { id, kind, title, owner_id, member_count, users, created_at, version } = c;
  return { id, kind, title, owner_id, member_count, users, created_at, version };
}

function fresh(chat: Chat): HeldChat {
  const { first_seq, last_message, last_read_message_id, muted, version } = chat;
  const last_seq = last_message?.seq ?? first_seq - 1;
  return { ...info(chat), first_seq, last_message, last_read_message_id, muted, last_seq, read_seq: last_seq - chat.unread_count, have: version, from: null };
}

/** The ephemeral events of a batch. */
export function ephemeral(batch: Batch): Ephemeral[] {
  return batch.events.filter((e): e is Ephemeral => !isKept(e));
}

import type { Changes, HeldChat, HeldMembers, Outgoing } from "./held.js";
import { noChanges } from "./held.js";
import type { Store } from "./store.js";
import { Timeline } from "./timeline.js";
import type { Member, Message, User } from "./types.js";

/** What is held, in memory, for a tab to show. It follows what every tab changes. */
export class View {
  readonly chats = new Map<number, HeldChat>();
  readonly users = new Map<number, User>();
  readonly members = new Map<number, Member[]>();
  readonly outbox = new Map<string, Outgoing>();
  readonly drafts = new Map<number, string>();
  readonly timelines = new Map<number, Timeline>();

  /** Reads what is held; the messages come with their timelines. */
  async load(store: Store): Promise<void> {
    const [chats, users, members, outbox, drafts] = await store.read((tx) =>
      Promise.all([tx.all("chats"), tx.all("users"), tx.all("members"), tx.all("outbox"), tx.all("drafts")]),
    );
    this.apply({ ...noChanges(), chats, users, members, outbox, drafts });
  }

  /** The chats, the newest message (or creation) first. */
  sorted(): HeldChat[] {
    return [...this.chats.values()].sort((a, b) => (newest(a) < newest(b) ? 1 : newest(a) > newest(b) ? -1 : b.id - a.id));
  }

  /** What waits or failed in a chat, in the order in which it was written. */
  outgoing(chatID: number): Outgoing[] {
    return [...this.outbox.values()].filter((o) => o.chat_id === chatID).sort((a, b) => a.at - b.at);
  }

  timeline(chatID: number): Timeline {
    let timeline = this.timelines.get(chatID);
    if (!timeline) this.timelines.set(chatID, (timeline = new Timeline(chatID)));
    return timeline;
  }

  apply(changes: Changes): void {
    for (const id of changes.dropped) this.#drop(id);
    for (const chat of changes.chats) this.#chat(chat);
    for (const user of changes.users) this.users.set(user.id, user);
    for (const { chat_id, members } of changes.members) this.#members(chat_id, members);
    for (const outgoing of changes.outbox) this.outbox.set(outgoing.client_id, outgoing);
    for (const id of changes.sent) this.outbox.delete(id);
    for (const { chat_id, text } of changes.drafts) text ? this.drafts.set(chat_id, text) : this.drafts.delete(chat_id);
    for (const { chat_id, first_seq } of changes.cut) this.timelines.get(chat_id)?.cut(first_seq);
    for (const [id, messages] of byChat(changes.messages)) this.timelines.get(id)?.merge(messages);
  }

  #chat(chat: HeldChat): void {
    this.chats.set(chat.id, chat);
    for (const user of chat.users) this.users.set(user.id, user);
  }

  #members(chatID: number, members: HeldMembers["members"]): void {
    this.members.set(chatID, members);
    for (const m of members) if (!this.users.has(m.id)) this.users.set(m.id, { id: m.id, username: m.username, created_at: m.joined_at });
  }

  #drop(chatID: number): void {
    this.chats.delete(chatID);
    this.members.delete(chatID);
    this.drafts.delete(chatID);
    this.timelines.delete(chatID);
  }
}

function newest(chat: HeldChat): string {
  return chat.last_message?.created_at ?? chat.created_at;
}

function byChat(messages: Message[]): Map<number, Message[]> {
  const found = new Map<number, Message[]>();
  for (const m of messages) found.set(m.chat_id, [...(found.get(m.chat_id) ?? []), m]);
  return found;
}

/**
 * How many members have not read a message: those whose marker stands before it. Everybody who came later stands behind it already, and
 * sending moves the sender's own.
 */
export function unreadBy(message: Message, members: readonly Member[]): number {
  return members.filter((m) => m.id !== message.sender_id && (m.last_message_id ?? 0) < message.id).length;
}

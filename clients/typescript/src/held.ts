// What a client holds of one user, in a store of its own. Every noun is a record with a key.
import type { ChatInfo, Member, Message, User } from "./types.js";

/** A chat as it is held. What a person sees of it follows from these: the unread are `last_seq - read_seq`. */
export interface HeldChat extends ChatInfo {
  /** The first message that this user may see; nothing before it is held. */
  first_seq: number;
  last_message: Message | null;
  last_read_message_id: number | null;
  muted: boolean;
  last_seq: number;
  read_seq: number;
  /** Every change up to this version has been applied; what is mended is asked from here. */
  have: number;
  /** From this message on the history is held without a hole; null while none is. */
  from: number | null;
}

/** How many messages of a chat the user has not seen. */
export function unread(chat: HeldChat): number {
  return Math.max(0, chat.last_seq - chat.read_seq);
}

/** The members of a chat, the longest-standing first, with how far each has read. */
export interface HeldMembers {
  chat_id: number;
  members: Member[];
}

/** A message on its way: it waits, or the server refused it. */
export interface Outgoing {
  client_id: string;
  chat_id: number;
  content: string;
  /** Milliseconds since 1970; they are sent in this order. */
  at: number;
  state: "queued" | "failed";
  /** Why it was refused: a problem's code and detail. */
  code?: string;
  detail?: string;
}

/** A text that was begun. */
export interface Draft {
  chat_id: number;
  text: string;
}

/** The records by store, and what names one in each. */
export interface Records {
  meta: { key: string; value: string };
  chats: HeldChat;
  messages: Message;
  users: User;
  members: HeldMembers;
  outbox: Outgoing;
  drafts: Draft;
}

export type StoreName = keyof Records;
export type Key = string | number | [number, number];

/** The fields that are each store's key. A message is found by its chat and its place there. */
export const KEYS = {
  meta: "key",
  chats: "id",
  messages: ["chat_id", "seq"],
  users: "id",
  members: "chat_id",
  outbox: "client_id",
  drafts: "chat_id",
} as const satisfies Record<StoreName, string | readonly string[]>;

export const STORES = Object.keys(KEYS) as StoreName[];

/** What one transaction changed, for whoever shows it: this tab and the others. */
export interface Changes {
  chats: HeldChat[];
  messages: Message[];
  /** Those of `messages` that somebody else has just sent. */
  arrived: Message[];
  users: User[];
  members: HeldMembers[];
  outbox: Outgoing[];
  drafts: Draft[];
  /** The client_ids that left the outbox. */
  sent: string[];
  /** Chats that are gone. */
  dropped: number[];
  /** Chats whose messages before `first_seq` are gone. */
  cut: { chat_id: number; first_seq: number }[];
}

export function noChanges(): Changes {
  return { chats: [], messages: [], arrived: [], users: [], members: [], outbox: [], drafts: [], sent: [], dropped: [], cut: [] };
}

export function isEmpty(changes: Changes): boolean {
  return Object.values(changes).every((list) => list.length === 0);
}

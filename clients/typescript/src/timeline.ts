import type { HeldChat } from "./held.js";
import type { Message } from "./types.js";

/** How many messages are taken from the store or the server at a time. */
export const PAGE = 100;

/** The part of a chat's history that is shown: without a hole from its first message to the newest. */
export class Timeline {
  messages: Message[] = [];
  /** Everything from this message on is in `messages`; undefined until the first page. */
  low: number | undefined;
  loading = false;
  #missed: Message[] = [];

  constructor(readonly chatID: number) {}

  /** Says whether there are messages before the first one. */
  hasMore(chat: HeldChat | undefined): boolean {
    return chat !== undefined && (this.low === undefined || this.low > chat.first_seq);
  }

  /** Takes in what changed; what lies before the part that is shown comes when it is loaded. */
  merge(changed: Message[]): void {
    if (this.loading) this.#missed.push(...changed);
    if (this.low === undefined) return;
    const low = this.low;
    const mine = changed.filter((m) => m.chat_id === this.chatID && m.seq >= low);
    if (mine.length === 0) return;
    const next = [...this.messages];
    for (const message of mine) place(next, message);
    this.messages = next;
  }

  /** Puts older messages before the others, and over them what changed since they were read. */
  prepend(older: Message[], low: number): void {
    const first = this.messages[0]?.seq ?? Infinity;
    this.messages = [...older.filter((m) => m.seq < first), ...this.messages];
    this.low = low;
    const missed = this.#missed;
    this.#missed = [];
    this.merge(missed);
    this.#missed = [];
  }

  cut(firstSeq: number): void {
    this.messages = this.messages.filter((m) => m.seq >= firstSeq);
    if (this.low !== undefined) this.low = Math.max(this.low, firstSeq);
  }
}

/** Puts a message where its seq says; of two copies the higher version stays. Nearly all are the newest. */
function place(messages: Message[], message: Message): void {
  let at = messages.length;
  while (at > 0 && (messages[at - 1] as Message).seq >= message.seq) at--;
  const held = messages[at];
  if (held?.seq !== message.seq) messages.splice(at, 0, message);
  else if (held.version <= message.version) messages[at] = message;
}

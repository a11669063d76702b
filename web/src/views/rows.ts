// A chat's history as rows: days, messages, what is on its way.
import { MAX_READERS, unreadBy, type HeldChat, type Member, type Message, type Outgoing } from "doran-client";
import type { Row } from "../parts/windowed.js";
import { day } from "../state/time.js";

export type HistoryRow = Row &
  (
    | { kind: "beginning" }
    | { kind: "loading" }
    | { kind: "day"; at: string }
    | { kind: "unread" }
    | { kind: "message"; message: Message; mine: boolean; head: boolean; tail: boolean; waiting: number }
    | { kind: "outgoing"; outgoing: Outgoing }
  );

export interface History {
  chat: HeldChat;
  messages: Message[];
  outgoing: Outgoing[];
  members: Member[];
  self: number;
  /** Whether there is more before the first message. */
  more: boolean;
  /** Messages after this one were not read yet when the chat was opened. */
  readSeq: number;
}

/** Makes the rows. A message keeps its row's key from the outbox on, so that being sent does not redraw it elsewhere. */
export function rowsOf(h: History): HistoryRow[] {
  const rows: HistoryRow[] = [h.more ? { key: "loading", kind: "loading", loose: true } : { key: "beginning", kind: "beginning", loose: true }];
  const counted = h.chat.member_count <= MAX_READERS ? h.members : [];
  h.messages.forEach((message, i) => {
    const before = h.messages[i - 1];
    const after = h.messages[i + 1];
    if (!before || day(before.created_at) !== day(message.created_at)) rows.push({ key: `d${message.id}`, kind: "day", at: message.created_at, loose: true });
    const divided = i > 0 && opensUnread(h, message);
    if (divided) rows.push({ key: "unread", kind: "unread", loose: true });
    rows.push({
      key: keyOf(message, h.self),
      kind: "message",
      loose: !before && h.more, // it loses its name when what stands before it comes
      message,
      mine: message.sender_id === h.self,
      head: !before || divided || !together(before, message),
      tail: !after || opensUnread(h, after) || !together(message, after),
      waiting: message.deleted ? 0 : unreadBy(message, counted),
    });
  });
  const shown = new Set(h.messages.slice(-200).map((m) => m.client_id));
  for (const outgoing of h.outgoing) {
    if (!shown.has(outgoing.client_id)) rows.push({ key: `c${outgoing.client_id}`, kind: "outgoing", outgoing });
  }
  return rows;
}

/** Whether it is the first message that was not read yet when the chat was opened. */
function opensUnread(h: History, message: Message): boolean {
  return message.seq === h.readSeq + 1 && message.sender_id !== h.self;
}

function keyOf(message: Message, self: number): string {
  return message.sender_id === self && message.client_id ? `c${message.client_id}` : `m${message.id}`;
}

/** Messages of one person in one minute belong together. */
function together(a: Message, b: Message): boolean {
  return a.sender_id === b.sender_id && a.created_at.slice(0, 16) === b.created_at.slice(0, 16);
}

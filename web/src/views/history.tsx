import type { HeldChat, Message } from "doran-client";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { Windowed } from "../parts/windowed.js";
import { client, self, tick } from "../state/app.js";
import { language, t } from "../state/i18n.js";
import { date } from "../state/time.js";
import { attempt, toast } from "../state/toasts.js";
import { Bubble, OutgoingBubble } from "./bubble.js";
import { Menu } from "./menu.js";
import { rowsOf, type HistoryRow } from "./rows.js";

/** What was said in a chat, from its end on upwards. */
export function History({ chat, onEdit }: { chat: HeldChat; onEdit: (message: Message) => void }) {
  tick.value;
  const c = client.value!;
  const me = self.value!.id;
  const [readSeq] = useState(chat.read_seq);
  const [menu, setMenu] = useState<{ message: Message; at: HTMLElement } | null>(null);
  const [jump, setJump] = useState(0);
  const [atEnd, setAtEnd] = useState(true);
  const timeline = c.view.timeline(chat.id);
  const members = c.view.members.get(chat.id) ?? NOBODY;
  const outgoing = c.view.outgoing(chat.id);
  const more = timeline.hasMore(chat);
  const sending = outgoing.map((o) => o.client_id + o.state).join();
  const rows = useMemo(
    () => rowsOf({ chat, messages: timeline.messages, outgoing, members, self: me, more, readSeq }),
    [timeline.messages, members, sending, more, chat.member_count, language.value],
  );

  useLoading(chat.id);
  useReading(chat, timeline.messages.at(-1), atEnd);
  useJumpOnSend(outgoing.at(-1)?.client_id, () => setJump((n) => n + 1));

  const onTop = useCallback(() => void older(chat.id), [chat.id]);
  const onMenu = useCallback((message: Message, at: HTMLElement) => setMenu({ message, at }), []);
  const render = (row: HistoryRow) => (
    <li data-key={row.key} class="row">
      <RowView row={row} onMenu={onMenu} />
    </li>
  );
  return (
    <div class="history">
      <Windowed rows={rows} render={render} label={t("history")} onTop={onTop} onEnd={setAtEnd} toEnd={jump} />
      {!atEnd && (
        <button type="button" class="to-end" aria-label={t("toNewest")} onClick={() => setJump(jump + 1)}>
          <Icon name="down" />
          {chat.last_seq > chat.read_seq && <span class="badge">{chat.last_seq - chat.read_seq}</span>}
        </button>
      )}
      {menu && (
        <Menu
          message={menu.message}
          at={menu.at}
          canEdit={menu.message.sender_id === me}
          canDelete={menu.message.sender_id === me || chat.owner_id === me}
          onCopy={() => void attempt(() => navigator.clipboard.writeText(menu.message.content)).then(() => toast(t("copied")))}
          onEdit={() => onEdit(menu.message)}
          onDelete={() => void remove(menu.message)}
          onClose={() => setMenu(null)}
        />
      )}
    </div>
  );
}

const NOBODY: never[] = [];

function RowView({ row, onMenu }: { row: HistoryRow; onMenu: (message: Message, at: HTMLElement) => void }) {
  switch (row.kind) {
    case "loading":
      return <p class="note">{t("loading")}</p>;
    case "beginning":
      return <p class="note">{t("beginning")}</p>;
    case "day":
      return <p class="day-line">{date(row.at)}</p>;
    case "unread":
      return <p class="unread-line">{t("newMessages")}</p>;
    case "outgoing":
      return <OutgoingBubble outgoing={row.outgoing} />;
    case "message": {
      const { message, mine, head, tail, waiting } = row;
      return <Bubble message={message} mine={mine} head={head} tail={tail} waiting={waiting} onMenu={onMenu} />;
    }
  }
}

async function remove(message: Message): Promise<void> {
  if (await ask(t("deleteMessageConfirm"), t("delete"))) await attempt(async () => client.value?.deleteMessage(message));
}

/** Loads what stands before; without a network, what is held is all there is for now. */
async function older(chatID: number): Promise<void> {
  const c = client.value;
  const timeline = c?.view.timeline(chatID);
  if (!c || !timeline || timeline.loading || failed.has(chatID)) return;
  const before = timeline.low;
  try {
    await c.loadOlder(chatID);
  } catch {
    failed.add(chatID);
    setTimeout(() => {
      failed.delete(chatID);
      tick.value++;
    }, 3000);
  }
  if (timeline.low !== before) tick.value++;
}

const failed = new Set<number>();

/** The first page, and who has read how far, each time the chat is opened or the connection is back. */
function useLoading(chatID: number): void {
  const live = client.value?.status.phase === "live";
  useEffect(() => {
    const c = client.value;
    if (c && c.view.timeline(chatID).low === undefined) void older(chatID);
    if (c) void c.loadMembers(chatID).catch(() => {});
  }, [chatID, live]);
}

/** What is on the screen of somebody who looks at it has been read. */
function useReading(chat: HeldChat, last: Message | undefined, atEnd: boolean): void {
  const read = () => {
    const looking = document.visibilityState === "visible" && document.hasFocus();
    if (last && atEnd && looking) void client.value?.markRead(chat.id, last).catch(() => {});
  };
  useEffect(() => {
    read();
    addEventListener("focus", read);
    document.addEventListener("visibilitychange", read);
    return () => {
      removeEventListener("focus", read);
      document.removeEventListener("visibilitychange", read);
    };
  }, [chat.id, last?.id, atEnd]);
}

/** One who writes wants to see it. */
function useJumpOnSend(newest: string | undefined, jump: () => void): void {
  const before = useRef(newest);
  useEffect(() => {
    if (newest && newest !== before.current) jump();
    before.current = newest;
  }, [newest]);
}

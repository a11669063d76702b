import type { HeldChat, Message } from "doran-client";
import { useEffect, useState } from "preact/hooks";
import { ChatAvatar } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { arrived, client, friends, loadFriends, self, tick, typing } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOf, peerOf, textOf, titleOf } from "../state/names.js";
import { hrefOf } from "../state/route.js";
import { ChatInfo } from "./chatinfo.js";
import { Composer } from "./composer.js";
import { History } from "./history.js";

/** One chat: what was said, and where one answers. */
export function Room({ chatID }: { chatID: number }) {
  tick.value;
  const chat = client.value?.view.chats.get(chatID);
  const [editing, setEditing] = useState<Message | null>(null);
  const [info, setInfo] = useState(false);
  useEffect(() => setEditing(null), [chatID]);
  if (!chat) return <Unknown chatID={chatID} />;

  const editLast = () => {
    const mine = client.value?.view.timeline(chatID).messages.findLast((m) => m.sender_id === self.value?.id && !m.deleted);
    if (mine) setEditing(mine);
  };
  return (
    <section class="room" aria-label={titleOf(chat)}>
      <RoomHead chat={chat} onInfo={() => setInfo(true)} />
      <History key={chatID} chat={chat} onEdit={setEditing} />
      <Announcer chatID={chatID} />
      <Composer key={chatID} chat={chat} editing={editing} onEdited={() => setEditing(null)} onEditLast={editLast} />
      {info && <ChatInfo chat={chat} onClose={() => setInfo(false)} />}
    </section>
  );
}

function RoomHead({ chat, onInfo }: { chat: HeldChat; onInfo: () => void }) {
  const online = isOnline(chat);
  useEffect(() => {
    if (chat.kind === "direct") void loadFriends().catch(() => {}); // whether one is told who is online begins with no event
  }, [chat.id]);
  return (
    <header class="room-head">
      <a class="round back" href={hrefOf({ page: "chats" })} aria-label={t("back")}>
        <Icon name="back" />
      </a>
      <ChatAvatar chat={chat} online={online === true} />
      <div class="room-title">
        <h1>{titleOf(chat)}</h1>
        <p>{typingText(chat.id) ?? subtitle(chat, online)}</p>
      </div>
      <button type="button" class="round" aria-label={t("chatInfo")} onClick={onInfo}>
        <Icon name="info" />
      </button>
    </header>
  );
}

function subtitle(chat: HeldChat, online: boolean | null): string {
  if (chat.kind === "group") return t("members", { n: chat.member_count });
  return online === null ? "" : t(online ? "online" : "offline");
}

/** Whether the other side is online; null when that is not for us to know. */
export function isOnline(chat: HeldChat): boolean | null {
  const peer = peerOf(chat);
  return (peer && friends.value.find((f) => f.id === peer.id)?.online) ?? null;
}

/** Who types, or undefined. */
export function typingText(chatID: number): string | undefined {
  const users = [...(typing.value.get(chatID)?.keys() ?? [])];
  if (users.length === 0) return undefined;
  return users.length === 1 ? t("typingOne", { name: nameOf(users[0] as number) }) : t("typingMany", { n: users.length });
}

/** Reads new messages of this chat to those who listen to the page. */
function Announcer({ chatID }: { chatID: number }) {
  const m = arrived.value;
  const text = m && m.chat_id === chatID ? t("saidIn", { name: nameOf(m.sender_id), text: textOf(m) }) : "";
  return (
    <div class="hidden" aria-live="polite">
      {text}
    </div>
  );
}

function Unknown({ chatID }: { chatID: number }) {
  return (
    <section class="room empty" key={chatID}>
      <a class="round back" href={hrefOf({ page: "chats" })} aria-label={t("back")}>
        <Icon name="back" />
      </a>
      <p>{t("error_not_found")}</p>
    </section>
  );
}

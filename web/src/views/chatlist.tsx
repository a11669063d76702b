import { unread, type HeldChat } from "doran-client";
import { useState } from "preact/hooks";
import { ChatAvatar } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { chatsShown, client, self, tick } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOf, textOf, titleOf } from "../state/names.js";
import { hrefOf, route } from "../state/route.js";
import { short } from "../state/time.js";
import { ConnectionSign } from "./connection.js";
import { NewChat } from "./newchat.js";
import { isOnline, typingText } from "./room.js";

/** The chats, the newest first. */
export function ChatList() {
  tick.value;
  const [making, setMaking] = useState(false);
  const [filter, setFilter] = useState("");
  const chats = chatsShown();
  const shown = chats.filter((c) => titleOf(c).toLowerCase().includes(filter.trim().toLowerCase()));
  return (
    <div class="pane">
      <header class="pane-head">
        <h1>{t("chats")}</h1>
        <ConnectionSign />
        <button type="button" class="round accent" aria-label={t("newChat")} onClick={() => setMaking(true)}>
          <Icon name="plus" />
        </button>
      </header>
      {chats.length > 5 && (
        <div class="search">
          <Icon name="search" size={18} />
          <input type="search" aria-label={t("search")} placeholder={t("search")} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
        </div>
      )}
      {chats.length === 0 ? <NoChats /> : shown.length === 0 ? <p class="note">{t("nothingFound")}</p> : <Chats chats={shown} />}
      {making && <NewChat onClose={() => setMaking(false)} />}
    </div>
  );
}

function Chats({ chats }: { chats: HeldChat[] }) {
  return (
    <ul class="list" aria-label={t("chats")}>
      {chats.map((chat) => (
        <ChatItem key={chat.id} chat={chat} />
      ))}
    </ul>
  );
}

function ChatItem({ chat }: { chat: HeldChat }) {
  const n = unread(chat);
  const r = route.value;
  const current = r.page === "chats" && r.chat === chat.id;
  return (
    <li>
      <a class="item" href={hrefOf({ page: "chats", chat: chat.id })} aria-current={current ? "page" : undefined}>
        <ChatAvatar chat={chat} online={isOnline(chat) === true} />
        <span class="item-text">
          <span class="item-line">
            <strong dir="auto">{titleOf(chat)}</strong>
            {chat.kind === "group" && <span class="quiet-text">{chat.member_count}</span>}
            {chat.muted && (
              <span class="quiet-text" title={t("muted")}>
                <Icon name="muted" size={15} />
                <span class="hidden">{t("muted")}</span>
              </span>
            )}
            <time class="quiet-text" dateTime={chat.last_message?.created_at ?? chat.created_at}>
              {short(chat.last_message?.created_at ?? chat.created_at)}
            </time>
          </span>
          <span class="item-line">
            <Snippet chat={chat} current={current} />
            {n > 0 && (
              <span class={`badge ${chat.muted ? "pale" : ""}`}>
                <span aria-hidden="true">{n > 999 ? "999+" : n}</span>
                <span class="hidden">{t("unreadCount", { n })}</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

function Snippet({ chat, current }: { chat: HeldChat; current: boolean }) {
  const types = typingText(chat.id);
  if (types) return <span class="snippet typing">{types}</span>;
  const draft = client.value?.view.drafts.get(chat.id);
  if (draft && !current)
    return (
      <span class="snippet">
        <span class="draft">{t("draft")}</span> {draft}
      </span>
    );
  const m = chat.last_message;
  if (!m) return <span class="snippet" />;
  const named = m.sender_id === self.value?.id ? t("you") : chat.kind === "group" ? nameOf(m.sender_id) : "";
  return (
    <span class="snippet" dir="auto">
      {named ? `${named}: ` : ""}
      {textOf(m)}
    </span>
  );
}

function NoChats() {
  return (
    <div class="nothing">
      <Icon name="chat" size={40} />
      <p>{t("noChats")}</p>
      <p class="quiet-text">{t("noChatsHint")}</p>
      <a class="button" href={hrefOf({ page: "friends" })}>
        {t("friends")}
      </a>
    </div>
  );
}

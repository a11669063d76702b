import { useEffect } from "preact/hooks";
import { Asking } from "../parts/dialog.js";
import { Icon, type IconName } from "../parts/icons.js";
import { client, status, unreadTotal } from "../state/app.js";
import { language, t } from "../state/i18n.js";
import { hrefOf, lastChat, route, wide, type Route } from "../state/route.js";
import { toasts } from "../state/toasts.js";
import { Account } from "./account.js";
import { ChatList } from "./chatlist.js";
import { Friends } from "./friends.js";
import { Logo } from "./logo.js";
import { Room } from "./room.js";
import { SignIn } from "./signin.js";

/** The whole page. */
export function App() {
  useEffect(() => {
    document.documentElement.lang = language.value;
  }, [language.value]);
  return (
    <>
      {client.value === undefined ? null : client.value === null ? <SignIn /> : <Inside key={client.value.api.token} />}
      <Asking />
      <Toasts />
    </>
  );
}

function Inside() {
  const r = route.value;
  const inRoom = r.page === "chats" && r.chat !== undefined;
  const shown = inRoom || wide.value ? lastChat.value : undefined; // what is not on the screen is not read
  return (
    <div class={`shell ${inRoom ? "in-room" : ""}`}>
      <Tabs />
      <main class="side">{r.page === "chats" ? <ChatList /> : r.page === "friends" ? <Friends /> : <Account />}</main>
      <div class="stage">
        {status.value.phase === "waiting" && (
          <p class="offline-note" role="status">
            {t("offlineNote")}
          </p>
        )}
        {shown ? <Room key={shown} chatID={shown} /> : <Nothing />}
      </div>
    </div>
  );
}

function Tabs() {
  const n = unreadTotal.value;
  return (
    <nav class="tabs" aria-label={t("appName")}>
      <Tab page="chats" icon="chat" text={t("chats")} badge={n} />
      <Tab page="friends" icon="friends" text={t("friends")} />
      <Tab page="me" icon="me" text={t("me")} />
    </nav>
  );
}

function Tab({ page, icon, text, badge = 0 }: { page: Route["page"]; icon: IconName; text: string; badge?: number }) {
  return (
    <a href={hrefOf({ page })} aria-current={route.value.page === page ? "page" : undefined}>
      <span class="tab-icon">
        <Icon name={icon} size={24} />
        {badge > 0 && (
          <span class="badge">
            <span aria-hidden="true">{badge > 99 ? "99+" : badge}</span>
            <span class="hidden">{t("unreadCount", { n: badge })}</span>
          </span>
        )}
      </span>
      <span>{text}</span>
    </a>
  );
}

function Nothing() {
  return (
    <div class="nothing stage-nothing">
      <Logo size={84} />
      <p>{t("pickChat")}</p>
    </div>
  );
}

function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((x) => (
        <p key={x.id}>{x.text}</p>
      ))}
    </div>
  );
}

import type { Friend, User } from "doran-client";
import { useEffect, useState } from "preact/hooks";
import { Dialog, ask } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { blocks, client, friends, loadFriends } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOfUser } from "../state/names.js";
import { go } from "../state/route.js";
import { attempt } from "../state/toasts.js";
import { ConnectionSign } from "./connection.js";
import { FindPerson, Person } from "./people.js";

/** Friends and who is online, finding people, and who is blocked. */
export function Friends() {
  useEffect(() => void loadFriends().catch(() => {}), []);
  const sorted = [...friends.value].sort((a, b) => Number(b.online ?? false) - Number(a.online ?? false) || nameOfUser(a).localeCompare(nameOfUser(b)));
  return (
    <div class="pane">
      <header class="pane-head">
        <h1>{t("friends")}</h1>
        <ConnectionSign />
      </header>
      <FindPerson>{(user) => <Found user={user} />}</FindPerson>
      {sorted.length === 0 ? (
        <div class="nothing">
          <Icon name="friends" size={40} />
          <p>{t("noFriends")}</p>
          <p class="quiet-text">{t("noFriendsHint")}</p>
        </div>
      ) : (
        <ul class="list" aria-label={t("friends")}>
          {sorted.map((f) => (
            <li key={f.id}>
              <FriendItem friend={f} />
            </li>
          ))}
        </ul>
      )}
      {blocks.value.length > 0 && <Blocked />}
    </div>
  );
}

function Found({ user }: { user: User }) {
  const friend = friends.value.some((f) => f.id === user.id);
  const blocked = blocks.value.some((b) => b.id === user.id);
  return (
    <>
      {!friend && !blocked && (
        <button type="button" class="primary" onClick={() => change((self, api) => api.addFriend(self, user.id))}>
          {t("addFriend")}
        </button>
      )}
      {!blocked && (
        <button type="button" class="quiet" onClick={() => void chatWith(user.id)}>
          {t("chat")}
        </button>
      )}
      {blocked && <Unblock user={user} />}
    </>
  );
}

function FriendItem({ friend }: { friend: Friend }) {
  const [open, setOpen] = useState(false);
  const name = nameOfUser(friend);
  const block = async () => {
    setOpen(false);
    if (await ask(t("blockConfirm", { name }), t("block"))) await change((self, api) => api.block(self, friend.id));
  };
  return (
    <Person user={friend} online={friend.online} note={friend.online === null ? undefined : t(friend.online ? "online" : "offline")}>
      <button type="button" class="round" aria-label={`${t("chat")}: ${name}`} onClick={() => void chatWith(friend.id)}>
        <Icon name="chat" />
      </button>
      <button type="button" class="round" aria-label={`${t("more")}: ${name}`} onClick={() => setOpen(true)}>
        <Icon name="more" />
      </button>
      {open && (
        <Dialog title={name} onClose={() => setOpen(false)} className="small">
          <div class="choices">
            <button type="button" class="quiet" onClick={() => change((self, api) => api.removeFriend(self, friend.id))}>
              {t("removeFriend")}
            </button>
            <button type="button" class="quiet danger-text" onClick={() => void block()}>
              {t("block")}
            </button>
          </div>
        </Dialog>
      )}
    </Person>
  );
}

function Blocked() {
  return (
    <details class="blocked">
      <summary>
        {t("blocked")} <span class="quiet-text">{blocks.value.length}</span>
      </summary>
      <ul class="list" aria-label={t("blocked")}>
        {blocks.value.map((u) => (
          <li key={u.id}>
            <Person user={u}>
              <Unblock user={u} />
            </Person>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Unblock({ user }: { user: User }) {
  return (
    <button type="button" class="quiet" onClick={() => change((self, api) => api.unblock(self, user.id))}>
      {t("unblock")}
    </button>
  );
}

type Api = NonNullable<typeof client.value>["api"];

async function change(work: (self: number, api: Api) => Promise<unknown>): Promise<void> {
  const c = client.value;
  if (!c) return;
  await attempt(async () => {
    await work(c.self, c.api);
    await loadFriends();
  });
}

/** Opens the direct chat with a user, and goes there. */
export async function chatWith(userID: number): Promise<void> {
  const chat = await attempt(async () => client.value?.createChat({ kind: "direct", user_ids: [userID] }));
  if (chat) go({ page: "chats", chat: chat.id });
}

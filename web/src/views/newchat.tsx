import { newClientId, type User } from "doran-client";
import { useEffect, useRef, useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.js";
import { Dialog } from "../parts/dialog.js";
import { Field, useWork } from "../parts/field.js";
import { Icon } from "../parts/icons.js";
import { client, friends, loadFriends } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOfUser } from "../state/names.js";
import { go } from "../state/route.js";
import { attempt } from "../state/toasts.js";
import { FindPerson } from "./people.js";

/** One person makes a direct chat, several make a group; a title makes a group of whoever it is. */
export function NewChat({ onClose }: { onClose: () => void }) {
  const [chosen, setChosen] = useState<User[]>([]);
  const [title, setTitle] = useState("");
  const clientID = useRef(newClientId()); // pressed twice, it makes one
  const { busy, run } = useWork();
  const group = chosen.length > 1 || title.trim() !== "";
  const create = () =>
    run(async () => {
      const user_ids = chosen.map((u) => u.id);
      const what = group ? { kind: "group" as const, user_ids, title: title.trim(), client_id: clientID.current } : { kind: "direct" as const, user_ids };
      const chat = await attempt(async () => client.value?.createChat(what));
      if (!chat) return;
      onClose();
      go({ page: "chats", chat: chat.id });
    });
  return (
    <Dialog title={t("newChat")} onClose={onClose}>
      <Choose chosen={chosen} onChosen={setChosen} />
      <Field label={t("titleOptional")} value={title} onValue={setTitle} maxLength={100} />
      <footer>
        <span class="quiet-text">{chosen.length > 0 && t("selected", { n: chosen.length })}</span>
        <button type="button" class="primary" disabled={busy || (chosen.length === 0 && !title.trim())} onClick={() => void create()}>
          {t(group ? "create" : "start")}
        </button>
      </footer>
    </Dialog>
  );
}

/** Chooses people: friends from the list, others by their exact name. */
export function Choose({ chosen, onChosen, without = [] }: { chosen: User[]; onChosen: (users: User[]) => void; without?: number[] }) {
  useEffect(() => void loadFriends().catch(() => {}), []);
  const has = (u: User) => chosen.some((x) => x.id === u.id);
  const toggle = (u: User) => onChosen(has(u) ? chosen.filter((x) => x.id !== u.id) : [...chosen, u]);
  const known = [...friends.value, ...chosen.filter((u) => !friends.value.some((f) => f.id === u.id))];
  const shown = known.filter((u) => !without.includes(u.id));
  return (
    <>
      <FindPerson>
        {(user) =>
          !without.includes(user.id) && (
            <button type="button" class="quiet" disabled={has(user)} onClick={() => toggle(user)}>
              {t("add")}
            </button>
          )
        }
      </FindPerson>
      {shown.length > 0 && (
        <fieldset class="choose">
          <legend class="hidden">{t("chooseFriends")}</legend>
          {shown.map((u) => (
            <label key={u.id} class="item">
              <Avatar id={u.id} size="s" />
              <span class="item-text" dir="auto">
                {nameOfUser(u)}
              </span>
              <input type="checkbox" class="hidden" checked={has(u)} onChange={() => toggle(u)} />
              <span class="tick">
                <Icon name="check" size={16} />
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </>
  );
}

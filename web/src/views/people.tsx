import type { User } from "doran-client";
import { useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.js";
import { useWork } from "../parts/field.js";
import { Icon } from "../parts/icons.js";
import { client, self } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOfUser } from "../state/names.js";
import { explain } from "../state/problems.js";
import { noChanges } from "doran-client";

/** Finds one user by exactly their name, and shows what can be done with them. */
export function FindPerson({ children }: { children: (user: User) => preact.ComponentChildren }) {
  const [name, setName] = useState("");
  const [found, setFound] = useState<User | null>(null);
  const [said, setSaid] = useState("");
  const { busy, run } = useWork();
  const find = () =>
    run(async () => {
      setFound(null);
      setSaid("");
      try {
        const user = await client.value?.api.findUser(name.trim());
        if (!user) setSaid(t("nobody"));
        else if (user.id === self.value?.id) setSaid(t("itIsYou"));
        else show(user);
      } catch (error) {
        setSaid(explain(error));
      }
    });
  const show = (user: User) => {
    client.value?.view.apply({ ...noChanges(), users: [user] });
    setFound(user);
  };
  return (
    <div class="find">
      <form
        class="search"
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim()) void find();
        }}
      >
        <Icon name="search" size={18} />
        <input
          type="search"
          aria-label={t("findByName")}
          placeholder={t("findByName")}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={name}
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <button type="submit" class="link" disabled={busy || !name.trim()}>
          {t("find")}
        </button>
      </form>
      <div aria-live="polite">
        {said && <p class="note">{said}</p>}
        {found && <Person user={found}>{children(found)}</Person>}
      </div>
    </div>
  );
}

/** One user in a list, with what can be done. */
export function Person({ user, online, note, children }: { user: User; online?: boolean | null | undefined; note?: string | undefined; children?: preact.ComponentChildren }) {
  return (
    <div class="item person">
      <Avatar id={user.id} online={online === true} />
      <span class="item-text">
        <strong dir="auto">{nameOfUser(user)}</strong>
        {note && <span class="snippet">{note}</span>}
      </span>
      <span class="item-actions">{children}</span>
    </div>
  );
}

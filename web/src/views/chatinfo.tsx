import type { HeldChat, Member, User } from "doran-client";
import { useEffect, useState } from "preact/hooks";
import { Dialog, ask } from "../parts/dialog.js";
import { Field, Switch } from "../parts/field.js";
import { Icon } from "../parts/icons.js";
import { blocks, client, loadFriends, self, tick } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOfUser, peerOf } from "../state/names.js";
import { go } from "../state/route.js";
import { attempt } from "../state/toasts.js";
import { chatWith } from "./friends.js";
import { Choose } from "./newchat.js";
import { Person } from "./people.js";

/** Who is in a chat, and what can be done with it. */
export function ChatInfo({ chat, onClose }: { chat: HeldChat; onClose: () => void }) {
  tick.value;
  const c = client.value!;
  useEffect(() => void c.loadMembers(chat.id).catch(() => {}), [chat.id]);
  const members = c.view.members.get(chat.id) ?? [];
  const owner = chat.owner_id === self.value?.id;
  const [adding, setAdding] = useState(false);
  return (
    <Dialog title={t("chatInfo")} onClose={onClose}>
      {chat.kind === "group" && owner && <Title chat={chat} />}
      <Switch checked={chat.muted} onChange={(on) => void attempt(() => c.setMuted(chat.id, on))}>
        {t("mute")}
      </Switch>
      <div class="section-head">
        <h3>
          {t("membersTitle")} <span class="quiet-text">{chat.member_count}</span>
        </h3>
        {chat.kind === "group" && (
          <button type="button" class="link" aria-expanded={adding} onClick={() => setAdding(!adding)}>
            {t("addPeople")}
          </button>
        )}
      </div>
      {adding && <Add chat={chat} members={members} onDone={() => setAdding(false)} />}
      <ul class="list inset" aria-label={t("membersTitle")}>
        {members.map((m) => (
          <li key={m.id}>
            <MemberItem chat={chat} member={m} owner={owner} />
          </li>
        ))}
      </ul>
      <Endings chat={chat} owner={owner} onClose={onClose} />
    </Dialog>
  );
}

function Title({ chat }: { chat: HeldChat }) {
  const [title, setTitle] = useState(chat.title);
  return (
    <form
      class="line-form"
      onSubmit={(e) => {
        e.preventDefault();
        void attempt(async () => client.value?.setTitle(chat.id, title.trim()));
      }}
    >
      <Field label={t("title")} value={title} onValue={setTitle} maxLength={100} />
      <button type="submit" class="primary" disabled={title.trim() === chat.title}>
        {t("save")}
      </button>
    </form>
  );
}

function Add({ chat, members, onDone }: { chat: HeldChat; members: Member[]; onDone: () => void }) {
  const [chosen, setChosen] = useState<User[]>([]);
  const add = async () => {
    for (const user of chosen) {
      if ((await attempt(async () => (await client.value?.addMember(chat.id, user.id), true))) !== true) return;
    }
    onDone();
  };
  return (
    <div class="adding">
      <Choose chosen={chosen} onChosen={setChosen} without={members.map((m) => m.id)} />
      <button type="button" class="primary" disabled={chosen.length === 0} onClick={() => void add()}>
        {t("add")}
      </button>
    </div>
  );
}

function MemberItem({ chat, member, owner }: { chat: HeldChat; member: Member; owner: boolean }) {
  const me = member.id === self.value?.id;
  const name = nameOfUser(member);
  const remove = async () => {
    if (await ask(t("removeConfirm", { name }), t("remove"))) await attempt(async () => client.value?.removeMember(chat.id, member.id));
  };
  const user = { id: member.id, username: member.username, created_at: member.joined_at };
  return (
    <Person user={user} note={me ? t("you") : undefined}>
      {member.role === "owner" && chat.kind === "group" && (
        <span class="owner" title={t("owner")}>
          <Icon name="crown" size={18} />
          <span class="hidden">{t("owner")}</span>
        </span>
      )}
      {!me && chat.kind === "group" && member.username !== null && (
        <button type="button" class="round" aria-label={`${t("chat")}: ${name}`} onClick={() => void chatWith(member.id)}>
          <Icon name="chat" />
        </button>
      )}
      {!me && owner && chat.kind === "group" && (
        <button type="button" class="link danger-text" onClick={() => void remove()}>
          {t("remove")}
        </button>
      )}
    </Person>
  );
}

/** The ways out: leaving, deleting, blocking. */
function Endings({ chat, owner, onClose }: { chat: HeldChat; owner: boolean; onClose: () => void }) {
  const c = client.value!;
  const peer = peerOf(chat);
  const blocked = peer && blocks.value.some((b) => b.id === peer.id);
  const end = async (question: string, action: string, work: () => Promise<void>) => {
    if (!(await ask(question, action))) return;
    if ((await attempt(() => work().then(() => true))) !== true) return;
    onClose();
    go({ page: "chats" });
  };
  const block = async () => {
    if (!peer) return;
    if (!blocked && !(await ask(t("blockConfirm", { name: nameOfUser(peer) }), t("block")))) return;
    await attempt(() => (blocked ? c.api.unblock(c.self, peer.id) : c.api.block(c.self, peer.id)).then(loadFriends));
  };
  return (
    <div class="choices">
      {chat.kind === "group" && (
        <button type="button" class="quiet danger-text" onClick={() => void end(t("leaveConfirm"), t("leave"), () => c.leave(chat.id))}>
          {t("leave")}
        </button>
      )}
      {chat.kind === "group" && owner && (
        <button type="button" class="quiet danger-text" onClick={() => void end(t("deleteGroupConfirm"), t("delete"), () => c.deleteChat(chat.id))}>
          {t("deleteGroup")}
        </button>
      )}
      {peer && peer.username !== null && (
        <button type="button" class="quiet danger-text" onClick={() => void block()}>
          {t(blocked ? "unblock" : "block")}
        </button>
      )}
      {chat.kind === "direct" && (
        <button type="button" class="quiet danger-text" onClick={() => void end(t("deleteDirectConfirm"), t("delete"), () => c.deleteChat(chat.id))}>
          {t("deleteDirect")}
        </button>
      )}
    </div>
  );
}

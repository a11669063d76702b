// What people and chats are called.
import { TOMBSTONE, type HeldChat, type Message, type User } from "doran-client";
import { client, self, tick } from "./app.js";
import { t } from "./i18n.js";

/** A user's name; one that is not known yet is asked for. */
export function nameOf(userID: number): string {
  tick.value;
  const user = client.value?.view.users.get(userID);
  if (!user) wanted(userID);
  return user ? nameOfUser(user) : "…";
}

export function nameOfUser(user: Pick<User, "username">): string {
  return user.username ?? t("gone");
}

/** The other side of a direct chat. */
export function peerOf(chat: HeldChat): User | undefined {
  return chat.kind === "direct" ? chat.users.find((u) => u.id !== self.value?.id) : undefined;
}

export function titleOf(chat: HeldChat): string {
  if (chat.title) return chat.title;
  const peer = peerOf(chat);
  if (peer) return nameOfUser(peer);
  const others = chat.users.filter((u) => u.id !== self.value?.id).map(nameOfUser);
  if (others.length === 0) return chat.kind === "group" ? t("untitled") : t("nobodyLeft");
  const more = chat.member_count - 1 - others.length;
  return others.join(", ") + (more > 0 ? ` +${more}` : "");
}

/** A message's text; the tombstone in the page's language. */
export function textOf(message: Message): string {
  return message.deleted && message.content === TOMBSTONE ? t("deletedMessage") : message.content;
}

const asked = new Set<number>();
let asking = false;

function wanted(userID: number): void {
  asked.add(userID);
  if (asking) return;
  asking = true;
  setTimeout(() => {
    asking = false;
    const ids = [...asked];
    asked.clear();
    void client.value?.loadUsers(ids).catch(() => {});
  }, 30);
}

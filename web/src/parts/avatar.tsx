import type { HeldChat, User } from "doran-client";
import { self } from "../state/app.js";
import { nameOf, nameOfUser, peerOf } from "../state/names.js";

const HUES = 8;

/** A user as a coloured letter, always the same. */
export function Avatar({ id, size = "m", online = false }: { id: number; size?: "s" | "m" | "l"; online?: boolean }) {
  return <Letter name={nameOf(id)} hue={id} size={size} online={online} />;
}

/** The other side of a direct chat, or up to four of a group. */
export function ChatAvatar({ chat, online = false }: { chat: HeldChat; online?: boolean }) {
  const peer = peerOf(chat);
  if (peer) return <Letter name={nameOfUser(peer)} hue={peer.id} size="m" online={online} />;
  const others = chat.users.filter((u) => u.id !== self.value?.id).slice(0, 4);
  if (others.length < 2) return <Letter name={chat.title || nameOfUser(others[0] ?? { username: "·" })} hue={chat.id} size="m" />;
  return (
    <span class={`avatar-group of-${others.length}`} aria-hidden="true">
      {others.map((u: User) => (
        <Letter key={u.id} name={nameOfUser(u)} hue={u.id} size="xs" />
      ))}
    </span>
  );
}

function Letter({ name, hue, size, online = false }: { name: string; hue: number; size: "xs" | "s" | "m" | "l"; online?: boolean }) {
  const letter = [...name.replace(/^[^\p{L}\p{N}]+/u, "")][0] ?? "·";
  return (
    <span class={`avatar ${size} hue-${hue % HUES}`} aria-hidden="true">
      {letter.toUpperCase()}
      {online && <i class="online-dot" />}
    </span>
  );
}

import { NetworkError, problemOf } from "./problem.js";
import type {
  Batch, Chat, ChatPage, Friend, Me, Member, Message, MessagePage, MyMember, NewToken, Read, SignedIn, Token, User,
} from "./types.js";

export interface ApiOptions {
  /** Where the server is, without a path: `https://chat.example`. In a browser the page's own origin when absent. */
  base?: string;
  /** The session's token; sign-up and login do without. */
  token?: string;
  /** Another fetch, for tests. */
  fetch?: typeof fetch;
}

/** Milliseconds after which a call that has no signal of its own counts as unanswered. */
const PATIENCE = 20_000;

/** A group, or the direct chat with one other user. */
export interface NewChat {
  user_ids: number[];
  kind?: "group" | "direct";
  title?: string;
  client_id?: string;
}

/** Which part of a chat's messages is asked for. */
export type MessageQuery = { before?: number; after?: number; changed_after?: number; limit?: number };

/** The keys that a browser's push service gives a subscription. */
export type WebPushDevice = { kind: "webpush"; endpoint: string; keys: { p256dh: string; auth: string } };

/**
 * The HTTP API, a method a call. Each fails with a ProblemError for what the server refused, and with a NetworkError when it was not
 * reached; an AbortSignal that ends makes it fail with the signal's reason.
 */
export class Api {
  readonly base: string;
  readonly token: string | undefined;
  readonly #fetch: typeof fetch;

  constructor(options: ApiOptions = {}) {
    this.base = options.base ?? globalThis.location?.origin ?? "";
    this.token = options.token;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  signUp = (username: string, password: string, device: string) =>
    this.#call<SignedIn>("POST", "/accounts/signup/", { username, password, device });
  login = (username: string, password: string, device: string) =>
    this.#call<SignedIn>("POST", "/accounts/login/", { username, password, device });
  logout = () => this.#call<void>("POST", "/accounts/logout/");
  changePassword = (old_password: string, new_password: string) =>
    this.#call<NewToken>("POST", "/accounts/password/", { old_password, new_password });

  me = () => this.#call<Me>("GET", "/accounts/me/");
  setPresence = (presence: boolean) => this.#call<Me>("PATCH", "/accounts/me/", { presence });
  deleteMe = (password: string) => this.#call<void>("DELETE", "/accounts/me/", { password });
  tokens = (self: number) => this.#call<{ tokens: Token[] }>("GET", `/accounts/${self}/tokens/`).then((a) => a.tokens);
  endToken = (self: number, token: number) => this.#call<void>("DELETE", `/accounts/${self}/tokens/${token}/`);

  /** The user with exactly this name, or none. */
  findUser = (username: string) => this.#users({ username }).then((users) => users[0]);
  /** Those of at most 100 ids that exist. */
  usersById = (ids: number[]) => this.#users({ user_id: ids.join(",") });

  friends = (self: number) => this.#call<{ friends: Friend[] }>("GET", `/accounts/${self}/friends/`).then((a) => a.friends);
  addFriend = (self: number, id: number) => this.#call<User>("POST", `/accounts/${self}/friends/${id}/`);
  removeFriend = (self: number, id: number) => this.#call<void>("DELETE", `/accounts/${self}/friends/${id}/`);
  blocks = (self: number) => this.#call<{ blocks: User[] }>("GET", `/accounts/${self}/blocks/`).then((a) => a.blocks);
  block = (self: number, id: number) => this.#call<User>("POST", `/accounts/${self}/blocks/${id}/`);
  unblock = (self: number, id: number) => this.#call<void>("DELETE", `/accounts/${self}/blocks/${id}/`);

  /** One page of the chats, ascending by id: the order in which none is missed while they move. */
  chatsAfter = (self: number, after: number) => this.#call<ChatPage>("GET", `/accounts/${self}/chats/${query({ after, limit: 100 })}`);
  createChat = (chat: NewChat) => this.#call<Chat>("POST", "/chats/", chat);
  chat = (id: number) => this.#call<Chat>("GET", `/chats/${id}/`);
  setTitle = (id: number, title: string) => this.#call<Chat>("PATCH", `/chats/${id}/`, { title });
  deleteChat = (id: number) => this.#call<void>("DELETE", `/chats/${id}/`);
  typing = (id: number) => this.#call<void>("POST", `/chats/${id}/typing/`);

  messages = (chat: number, q: MessageQuery = {}) => this.#call<MessagePage>("GET", `/chats/${chat}/messages/${query(q)}`);
  send = (chat: number, content: string, client_id: string) =>
    this.#call<Message>("POST", `/chats/${chat}/messages/`, { content, client_id });
  edit = (chat: number, id: number, content: string) => this.#call<Message>("PATCH", `/chats/${chat}/messages/${id}/`, { content });
  deleteMessage = (chat: number, id: number) => this.#call<Message>("PATCH", `/chats/${chat}/messages/${id}/`, { deleted: true });

  members = (chat: number) => this.#call<{ users: Member[] }>("GET", `/chats/${chat}/users/`).then((a) => a.users);
  addMember = (chat: number, user: number) => this.#call<Member>("POST", `/chats/${chat}/users/${user}/`);
  removeMember = (chat: number, user: number) => this.#call<void>("DELETE", `/chats/${chat}/users/${user}/`);
  markRead = (chat: number, self: number, message: number) =>
    this.#call<Read>("PATCH", `/chats/${chat}/users/${self}/messages/${message}/`);
  setMuted = (chat: number, self: number, muted: boolean) => this.#call<MyMember>("PATCH", `/chats/${chat}/users/${self}/`, { muted });

  /** Parks for up to `wait` seconds; "" is now. */
  poll = (after: string, wait: number, signal?: AbortSignal) =>
    this.#call<Batch>("GET", `/realtime/poll${query({ after: after || undefined, wait })}`, undefined, signal);

  /** The server's key for Web Push; 404 where it is not configured. */
  webPushKey = () => this.#call<{ public_key: string }>("GET", "/realtime/webpush/").then((a) => a.public_key);
  putDevice = (self: number, device: string, d: WebPushDevice) => this.#call<void>("PUT", `/accounts/${self}/devices/${device}/`, d);
  deleteDevice = (self: number, device: string) => this.#call<void>("DELETE", `/accounts/${self}/devices/${device}/`);

  #users(q: Record<string, string>) {
    return this.#call<{ users: User[] }>("GET", `/accounts/${query(q)}`).then((a) => a.users);
  }

  async #call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const headers: Record<string, string> = {};
    if (this.token) headers["Authorization"] = `Bearer ${this.token}`;
    const init: RequestInit = { method, headers, cache: "no-store", credentials: "omit", signal: signal ?? AbortSignal.timeout(PATIENCE) };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await this.#reach(this.base + path, init);
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return undefined as T;
    return (await response.json().catch(() => {
      signal?.throwIfAborted();
      throw new NetworkError("the answer was cut off");
    })) as T;
  }

  async #reach(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      init.signal?.throwIfAborted();
      throw new NetworkError("the server was not reached", { cause: error });
    }
  }
}

function query(q: Record<string, string | number | undefined>): string {
  const given = Object.entries(q).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}

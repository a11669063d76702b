import type { Key, Records, StoreName } from "./held.js";

/**
 * One transaction over what is held. It is atomic, and no other one that writes runs beside it, in whatever tab. Inside, only its own
 * promises may be awaited: IndexedDB commits a transaction that has nothing to do.
 */
export interface Tx {
  get<S extends StoreName>(store: S, key: Key): Promise<Records[S] | undefined>;
  all<S extends StoreName>(store: S): Promise<Records[S][]>;
  /** The messages of a chat with `from <= seq < before`, the newest `limit` of them, ascending. */
  messages(chat: number, from: number, before: number, limit: number): Promise<Records["messages"][]>;
  put<S extends StoreName>(store: S, record: Records[S]): void;
  delete(store: StoreName, key: Key): void;
  /** Removes the messages of a chat that stand before `seq`. */
  deleteMessages(chat: number, before: number): void;
}

/** Where a client keeps what it holds of one user. */
export interface Store {
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** When `work` fails, nothing of it remains. */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): void;
  /** Closes it, and removes all that it held. */
  wipe(): Promise<void>;
}

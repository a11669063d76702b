import { KEYS, STORES, type Key, type Records, type StoreName } from "./held.js";
import type { Store, Tx } from "./store.js";

type Tables = { [S in StoreName]: Map<string, Records[S]> };

/** A store that lasts as long as the process: for Node, for tests, and for browsers that have no IndexedDB to offer. */
export class MemoryStore implements Store {
  readonly #tables = Object.fromEntries(STORES.map((s) => [s, new Map()])) as unknown as Tables;
  #last: Promise<unknown> = Promise.resolve();

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.write(work);
  }

  /** One after the other; what a failed one wrote is taken back. */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      const tx = new MemoryTx(this.#tables);
      try {
        return await work(tx);
      } catch (error) {
        for (const undo of tx.undo.reverse()) undo();
        throw error;
      }
    });
    this.#last = run.catch(() => {});
    return run;
  }

  close(): void {}

  async wipe(): Promise<void> {
    for (const table of Object.values(this.#tables)) table.clear();
  }
}

class MemoryTx implements Tx {
  readonly undo: (() => void)[] = [];
  constructor(readonly tables: Tables) {}

  async get<S extends StoreName>(store: S, key: Key): Promise<Records[S] | undefined> {
    return copy(this.tables[store].get(String(key)));
  }

  async all<S extends StoreName>(store: S): Promise<Records[S][]> {
    return copy([...this.tables[store].values()]);
  }

  async messages(chat: number, from: number, before: number, limit: number): Promise<Records["messages"][]> {
    return copy(this.#messages(chat, from, before).slice(-limit));
  }

  put<S extends StoreName>(store: S, record: Records[S]): void {
    this.#set(store, keyOf(store, record), copy(record));
  }

  delete(store: StoreName, key: Key): void {
    this.#set(store, String(key), undefined);
  }

  deleteMessages(chat: number, before: number): void {
    for (const m of this.#messages(chat, 0, before)) this.delete("messages", [m.chat_id, m.seq]);
  }

  #messages(chat: number, from: number, before: number) {
    const found = [...this.tables.messages.values()].filter((m) => m.chat_id === chat && m.seq >= from && m.seq < before);
    return found.sort((a, b) => a.seq - b.seq);
  }

  #set<S extends StoreName>(store: S, key: string, record: Records[S] | undefined): void {
    const table = this.tables[store];
    const before = table.get(key);
    const set = (r: Records[S] | undefined) => (r === undefined ? table.delete(key) : table.set(key, r));
    this.undo.push(() => set(before));
    set(record);
  }
}

function keyOf<S extends StoreName>(store: S, record: Records[S]): string {
  const fields = [KEYS[store]].flat() as (keyof Records[S])[];
  return fields.map((f) => String(record[f])).join(",");
}

function copy<T>(value: T): T {
  return structuredClone(value);
}

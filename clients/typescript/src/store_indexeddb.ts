import { KEYS, STORES, type Key, type Records, type StoreName } from "./held.js";
import type { Store, Tx } from "./store.js";

/** Opens the database of this name, and makes it where there is none. Each user has one: `doran-42`. */
export async function openIndexedDB(name: string, factory: IDBFactory = indexedDB): Promise<Store> {
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store, { keyPath: KEYS[store] as string | string[] });
  };
  const db = await settled(request);
  db.onversionchange = () => db.close(); // another tab wipes it
  return new IndexedDBStore(name, db, factory);
}

class IndexedDBStore implements Store {
  constructor(readonly name: string, readonly db: IDBDatabase, readonly factory: IDBFactory) {}

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#run("readonly", work);
  }

  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#run("readwrite", work);
  }

  close(): void {
    this.db.close();
  }

  async wipe(): Promise<void> {
    this.db.close();
    await settled(this.factory.deleteDatabase(this.name));
  }

  async #run<T>(mode: IDBTransactionMode, work: (tx: Tx) => Promise<T>): Promise<T> {
    const tx = this.db.transaction(STORES, mode);
    const done = new Promise<void>((resolve, reject) => {
      tx.oncomplete = () => resolve();
      tx.onerror = tx.onabort = () => reject(tx.error ?? new Error("the transaction was given up"));
    });
    done.catch(() => {}); // awaited below, unless the work itself fails
    try {
      const result = await work(new IndexedDBTx(tx));
      await done;
      return result;
    } catch (error) {
      abort(tx);
      throw error;
    }
  }
}

class IndexedDBTx implements Tx {
  constructor(readonly tx: IDBTransaction) {}

  get<S extends StoreName>(store: S, key: Key): Promise<Records[S] | undefined> {
    return settled(this.tx.objectStore(store).get(key) as IDBRequest<Records[S] | undefined>);
  }

  all<S extends StoreName>(store: S): Promise<Records[S][]> {
    return settled(this.tx.objectStore(store).getAll() as IDBRequest<Records[S][]>);
  }

  async messages(chat: number, from: number, before: number, limit: number): Promise<Records["messages"][]> {
    if (from >= before) return [];
    const found: Records["messages"][] = [];
    const range = IDBKeyRange.bound([chat, from], [chat, before], false, true);
    const request = this.tx.objectStore("messages").openCursor(range, "prev");
    return new Promise((resolve, reject) => {
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor || found.length === limit) return resolve(found.reverse());
        found.push(cursor.value);
        cursor.continue();
      };
    });
  }

  put<S extends StoreName>(store: S, record: Records[S]): void {
    this.tx.objectStore(store).put(record);
  }

  delete(store: StoreName, key: Key): void {
    this.tx.objectStore(store).delete(key);
  }

  deleteMessages(chat: number, before: number): void {
    this.tx.objectStore("messages").delete(IDBKeyRange.bound([chat, 0], [chat, before], false, true));
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function abort(tx: IDBTransaction): void {
  try {
    tx.abort();
  } catch {
    // it has ended by itself
  }
}

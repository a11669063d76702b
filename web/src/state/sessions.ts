// Who is signed in to this browser, for every tab and the service worker.
import type { User } from "doran-client";

export interface Session {
  user: User;
  token: string;
}

const NAME = "doran";
const STORE = "session";
const KEY = "current";

let kept: Session | undefined; // where there is no IndexedDB, a session lasts as long as the page

export async function loadSession(): Promise<Session | undefined> {
  return withStore("readonly", (store) => store.get(KEY) as IDBRequest<Session | undefined>).catch(() => kept);
}

export async function saveSession(session: Session): Promise<void> {
  kept = session;
  await withStore("readwrite", (store) => store.put(session, KEY)).catch(() => {});
}

/** Forgets the session, unless another one has taken its place. */
export async function forgetSession(token: string): Promise<void> {
  kept = undefined;
  const forget = (store: IDBObjectStore) => {
    const get = store.get(KEY) as IDBRequest<Session | undefined>;
    get.addEventListener("success", () => get.result?.token === token && store.delete(KEY));
    return get;
  };
  await withStore("readwrite", forget).catch(() => {});
}

async function withStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const open = indexedDB.open(NAME, 1);
  open.onupgradeneeded = () => open.result.createObjectStore(STORE);
  const db = await settled(open);
  try {
    return await settled(work(db.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    db.close();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

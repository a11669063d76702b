// One suite for every store.
import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { MemoryStore, openIndexedDB, type Message, type Store } from "../src/index.js";

let made = 0;
const stores: [string, () => Promise<Store>][] = [
  ["memory", async () => new MemoryStore()],
  ["IndexedDB", () => openIndexedDB(`test-${++made}`)],
];

function message(chat_id: number, seq: number): Message {
  const at = "2026-11-23T07:00:00.000Z";
  return { id: seq, chat_id, seq, version: seq, sender_id: 1, content: `${seq}`, client_id: null, created_at: at, edited_at: null, deleted: false };
}

describe.each(stores)("a store in %s", (_, open) => {
  test("gives a chat's newest messages before a place, ascending", async () => {
    const store = await open();
    await store.write(async (tx) => {
      for (const seq of [2, 10, 1, 9, 3]) tx.put("messages", message(7, seq));
      tx.put("messages", message(8, 4));
      tx.put("messages", message(70, 5));
    });
    const seqs = (from: number, before: number, limit: number) =>
      store.read(async (tx) => (await tx.messages(7, from, before, limit)).map((m) => m.seq));
    expect(await seqs(0, Infinity, 3)).toEqual([3, 9, 10]);
    expect(await seqs(2, 10, 10)).toEqual([2, 3, 9]);
    expect(await seqs(11, Infinity, 10)).toEqual([]);
    await store.write(async (tx) => tx.deleteMessages(7, 9));
    expect(await seqs(0, Infinity, 10)).toEqual([9, 10]);
    expect(await store.read((tx) => tx.all("messages"))).toHaveLength(4);
    store.close();
  });

  test("keeps nothing of a transaction that failed", async () => {
    const store = await open();
    await store.write(async (tx) => tx.put("drafts", { chat_id: 1, text: "before" }));
    const failed = store.write(async (tx) => {
      tx.put("drafts", { chat_id: 1, text: "after" });
      tx.put("drafts", { chat_id: 2, text: "new" });
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await store.read((tx) => tx.all("drafts"))).toEqual([{ chat_id: 1, text: "before" }]);
    store.close();
  });

  test("runs one that writes after the other", async () => {
    const store = await open();
    const add = () =>
      store.write(async (tx) => {
        const held = await tx.get("meta", "n");
        tx.put("meta", { key: "n", value: String(Number(held?.value ?? 0) + 1) });
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await store.read((tx) => tx.get("meta", "n")))?.value).toBe("20");
    store.close();
  });

  test("is empty after it was wiped", async () => {
    const store = await open();
    await store.write(async (tx) => tx.put("meta", { key: "cursor", value: "x" }));
    await store.wipe();
    const again = store instanceof MemoryStore ? store : await openIndexedDB(`test-${made}`);
    expect(await again.read((tx) => tx.all("meta"))).toEqual([]);
    again.close();
  });
});

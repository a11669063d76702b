// The fixtures that the server's tests make and every client's tests share.
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ProblemError, isKept, isTemporary, type Batch, type Chat } from "../src/index.js";
import { Ledger } from "../src/ledger.js";
import { problemOf } from "../src/problem.js";
import { MemoryStore } from "../src/store_memory.js";

const FOLDER = new URL("../../../testdata/wire/", import.meta.url);
const names = readdirSync(FOLDER).filter((f) => f.endsWith(".json"));
const read = (name: string) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as unknown;

describe("batches", () => {
  test.each(names.filter((n) => n.startsWith("batch.")))("%s is applied", async (name) => {
    const batch = read(name) as Batch;
    const chat = read("chat.group.json") as Chat;
    const store = new MemoryStore();
    const kept = batch.events.filter(isKept).filter((e) => e.type !== "message.read");
    const missing = await store.write(async (tx) => {
      const ledger = new Ledger(tx, 2);
      const first = kept[0];
      if (first) await ledger.mergeChat({ ...chat, id: first.chat_id, version: first.version - 1, last_message: null }, true);
      return ledger.applyEvents(batch, new Set());
    });
    const asks = kept.some((e) => ["chat.created", "member.added", "member.removed"].includes(e.type) && !ends(e));
    expect(missing !== undefined).toBe(asks);
    if (name.startsWith("batch.ephemeral")) expect(kept).toEqual([]);
  });
});

describe("problems", () => {
  test.each(names.filter((n) => n.startsWith("error.")))("%s is understood", async (name) => {
    const body = read(name) as { code: string; status: number };
    const error = await problemOf(new Response(JSON.stringify(body), { status: body.status, headers: { "Retry-After": "2" } }));
    expect(error).toBeInstanceOf(ProblemError);
    expect(error.code).toBe(body.code);
    expect(error.detail).not.toBe("");
    expect(error.retryAfter).toBe(2000);
    expect(isTemporary(error)).toBe(["rate_limited", "unavailable", "internal", "request_timeout"].includes(body.code));
  });
});

function ends(event: { type: string; data: unknown }): boolean {
  return event.type === "member.removed" && (event.data as { user: { id: number } }).user.id === 2;
}

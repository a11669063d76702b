// What needs no browser: links in texts, and rows of a history.
import type { HeldChat, Member, Message } from "doran-client";
import { describe, expect, test } from "vitest";
import { split } from "../src/parts/linked.js";
import { device } from "../src/state/device.js";
import { rowsOf, type History } from "../src/views/rows.js";

describe("links", () => {
  test.each([
    ["plain", []],
    ["see https://a.example/x?y=1#z.", ["https://a.example/x?y=1#z"]],
    ["(http://a.example/b) and HTTPS://B.example!", ["http://a.example/b", "https://b.example/"]],
    ["한글 https://도란.example/길 끝", ["https://xn--hq1bw4e.example/%EA%B8%B8"]],
    ["javascript:alert(1) data:text/html,x vbscript:x file:///etc", []],
    ["java\nscript:https", []],
    ["https://", []],
    ["https://user:pass@[", []],
    ['https://a.example/"onclick=x', ["https://a.example/"]],
  ])("in %j", (text, hrefs) => {
    const parts = split(text);
    expect(parts.map((p) => p.text).join("")).toBe(text);
    expect(parts.flatMap((p) => p.href ?? [])).toEqual(hrefs);
  });
});

describe("rows", () => {
  const at = (minute: number, day = 23) => new Date(2026, 10, day, 7, minute).toISOString();
  const message = (seq: number, sender_id: number, created_at: string, client_id: string | null = null): Message => ({
    id: seq * 10, chat_id: 7, seq, version: seq, sender_id, content: `m${seq}`, client_id, created_at, edited_at: null, deleted: false,
  });
  const member = (id: number, last_message_id: number): Member => ({ id, username: `u${id}`, role: "member", last_message_id, joined_at: at(0) });
  const history = (h: Partial<History>): History => ({
    chat: { member_count: 3 } as HeldChat, messages: [], outgoing: [], members: [], self: 1, more: false, readSeq: 99, ...h,
  });
  const outline = (h: Partial<History>) => rowsOf(history(h)).map((r) => (r.kind === "message" ? `${r.message.seq}${r.head ? "^" : ""}${r.tail ? "$" : ""}` : r.kind));

  test("divide days, and join what one person said in one minute", () => {
    const messages = [message(1, 2, at(0)), message(2, 2, at(0)), message(3, 1, at(0)), message(4, 1, at(1)), message(5, 1, at(1, 24))];
    expect(outline({ messages })).toEqual(["beginning", "day", "1^", "2$", "3^$", "4^$", "day", "5^$"]);
  });

  test("show where the unread begin, unless they are one's own", () => {
    const messages = [message(1, 2, at(0)), message(2, 2, at(0)), message(3, 1, at(0))];
    expect(outline({ messages, readSeq: 1 })).toEqual(["beginning", "day", "1^$", "unread", "2^$", "3^$"]);
    expect(outline({ messages, readSeq: 2 })).not.toContain("unread");
  });

  test("hold nothing in place by a message that is lower once what stands before it is there", () => {
    const messages = [message(2, 2, at(0)), message(3, 2, at(0))];
    const loose = (h: Partial<History>) => rowsOf(history(h)).map((r) => Boolean(r.loose));
    expect(loose({ messages, more: true })).toEqual([true, true, true, false]);
    expect(loose({ messages: [message(1, 2, at(0)), ...messages] })).toEqual([true, true, false, false, false]);
  });

  test("count who has not read, up to 50 members", () => {
    const members = [member(1, 20), member(2, 10), member(3, 0)];
    const waiting = (member_count: number) =>
      rowsOf(history({ messages: [message(1, 1, at(0)), message(2, 1, at(0))], members, chat: { member_count } as HeldChat })).flatMap((r) => (r.kind === "message" ? r.waiting : []));
    expect(waiting(3)).toEqual([1, 2]);
    expect(waiting(51)).toEqual([0, 0]);
  });

  test("show what was sent once, under one key", () => {
    const outgoing = [{ client_id: "a", chat_id: 7, content: "m2", at: 1, state: "queued" as const }];
    const before = rowsOf(history({ messages: [message(1, 2, at(0))], outgoing }));
    const after = rowsOf(history({ messages: [message(1, 2, at(0)), message(2, 1, at(0), "a")], outgoing }));
    expect(before.at(-1)).toMatchObject({ kind: "outgoing", key: "ca" });
    expect(after.filter((r) => r.key === "ca")).toHaveLength(1);
    expect(after.at(-1)).toMatchObject({ kind: "message", key: "ca" });
  });
});

test.each([
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge · Windows"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari · iPhone"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox · Linux"],
  ["curl", "Browser"],
])("a browser calls itself by its name: %s", (agent, name) => {
  expect(device(agent)).toBe(name);
});

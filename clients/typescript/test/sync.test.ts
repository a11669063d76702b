import { afterEach, describe, expect, test } from "vitest";
import { MemoryStore, unread, unreadBy, type Client } from "../src/index.js";
import type { Store, Tx } from "../src/store.js";
import { FakeServer } from "./server.js";
import { caughtUp, connect, scrollUp, until } from "./support.js";

const ME = 1;
const OTHER = 2;
const clients: Client[] = [];
afterEach(() => clients.splice(0).forEach((c) => c.close()));

async function start(server: FakeServer, store: Store = new MemoryStore()): Promise<Client> {
  const client = await connect(server, ME, store);
  clients.push(client);
  await caughtUp(client, server);
  return client;
}

function contents(client: Client, chat: number): string[] {
  return client.view.timeline(chat).messages.map((m) => m.content);
}

describe("what is held", () => {
  test("begins with the chats as they are, and grows by events", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    server.send(chat, OTHER, "before");
    const client = await start(server);
    expect(unread(client.view.chats.get(chat)!)).toBe(1);
    await scrollUp(client, chat);
    server.send(chat, OTHER, "after");
    await caughtUp(client, server);
    expect(contents(client, chat)).toEqual(["before", "after"]);
    expect(unread(client.view.chats.get(chat)!)).toBe(2);
  });

  test("is mended after a gap, not thrown away", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    for (let i = 1; i <= 25; i++) server.send(chat, OTHER, `m${i}`);
    const store = new MemoryStore();
    const first = await start(server, store);
    await scrollUp(first, chat);
    first.close();

    for (let i = 26; i <= 50; i++) server.send(chat, OTHER, `m${i}`);
    server.change(chat, 3, "edited");
    server.change(chat, 4, null);
    server.epoch++;
    server.calls.length = 0;
    const client = await start(server, store);
    expect(server.calls.filter((c) => c.includes("before="))).toEqual([]);
    expect(server.calls.filter((c) => c.includes("changed_after=")).length).toBeGreaterThan(2);
    const messages = await scrollUp(client, chat);
    expect(messages.map((m) => m.seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(messages[2]!.content).toBe("edited");
    expect(messages[3]!.deleted).toBe(true);
  });

  test("loses the chats that are not listed any more", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const store = new MemoryStore();
    (await start(server, store)).close();
    server.remove(chat, ME);
    server.epoch++;
    const client = await start(server, store);
    expect(client.view.chats.size).toBe(0);
  });

  test("asks what is missing when versions jump, and only then", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const client = await start(server);
    await scrollUp(client, chat);
    server.send(chat, OTHER, "one");
    await caughtUp(client, server);
    expect(server.calls.some((c) => c.includes("changed_after="))).toBe(false);

    server.chat(chat).version++; // something happened that was not for this user
    server.send(chat, OTHER, "two");
    await caughtUp(client, server);
    expect(server.calls.filter((c) => c.includes("changed_after="))).toEqual([`GET /chats/${chat}/messages/?changed_after=2&limit=100`]);
    expect(contents(client, chat)).toEqual(["one", "two"]);
  });

  test("does not move the version by the answer to its own send", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const client = await start(server);
    await scrollUp(client, chat);
    server.cut(1006);
    server.sockets = "refused";
    await client.send(chat, "mine");
    await until("sent", () => client.view.outgoing(chat).length === 0);
    const [have, version] = [client.view.chats.get(chat)!.have, server.chat(chat).version];
    expect(version - have === 1 || client.status.cursor === server.batch(ME, "").cursor).toBe(true);
    await caughtUp(client, server);
    expect(contents(client, chat)).toEqual(["mine"]);
  });

  test("starts anew where one left and came back", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    server.send(chat, OTHER, "old");
    const client = await start(server);
    await scrollUp(client, chat);
    server.remove(chat, ME);
    await until("gone", () => !client.view.chats.has(chat));
    server.send(chat, OTHER, "unseen");
    server.add(chat, ME);
    server.send(chat, OTHER, "new");
    await caughtUp(client, server);
    expect((await scrollUp(client, chat)).map((m) => m.content)).toEqual(["new"]);
    expect(await client.store.read((tx) => tx.messages(chat, 0, Infinity, 10))).toHaveLength(1);
  });

  test("drops what lies before first_seq when that was missed", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    server.send(chat, OTHER, "old");
    const store = new MemoryStore();
    const first = await start(server, store);
    await scrollUp(first, chat);
    first.close();
    server.remove(chat, ME);
    server.add(chat, ME);
    server.epoch++;
    const client = await start(server, store);
    expect(await scrollUp(client, chat)).toEqual([]);
    expect(await client.store.read((tx) => tx.messages(chat, 0, Infinity, 10))).toEqual([]);
  });

  test("shows nothing twice and nothing old when batches come twice, late or mixed", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const client = await start(server);
    await scrollUp(client, chat);
    const at = server.batch(ME, "").cursor;
    server.send(chat, OTHER, "one");
    const early = server.batch(ME, at);
    server.change(chat, 1, "two");
    await caughtUp(client, server);
    for (const socket of server.open) socket.deliver(early); // what another transport would bring late
    server.send(chat, OTHER, "three");
    await caughtUp(client, server);
    expect(contents(client, chat)).toEqual(["two", "three"]);
  });

  test("passes over types, fields and chats that it does not know", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const client = await start(server);
    const after = client.status.cursor;
    server.send(chat, OTHER, "one");
    const batch = server.batch(ME, after);
    const strange = [
      { type: "moon.rose", at: batch.events[0]!.at, data: {} },
      { id: "x", type: "message.sung", chat_id: chat, version: 1, at: batch.events[0]!.at, data: {}, pitch: 440 },
      { id: "y", type: "member.added", chat_id: 99, version: 4, at: batch.events[0]!.at, data: {} },
    ];
    await caughtUp(client, server);
    const store = new MemoryStore();
    const late = await start(server, store);
    for (const socket of server.open) {
      const now = server.batch(ME, "").cursor;
      socket.deliver({ after: now, events: strange as never, cursor: now });
    }
    server.send(chat, OTHER, "two");
    await caughtUp(late, server);
    expect((await scrollUp(late, chat)).map((m) => m.content)).toEqual(["one", "two"]);
  });
});

test("a first page that is older than what the chat was meanwhile read at leaves no hole", async () => {
  const server = new FakeServer();
  const chat = server.create([ME, OTHER]);
  server.send(chat, OTHER, "m1");
  const client = await start(server);
  let release = () => {};
  const released = new Promise<void>((r) => (release = r));
  let late = 0;
  server.onTheWay = async (url) => {
    if (url.pathname.endsWith("/messages/") && late++ === 0) await released;
  };
  const loading = client.loadOlder(chat);
  await until("the page is on its way", () => late > 0);
  server.cut(1006);
  server.send(chat, OTHER, "m2");
  server.epoch++; // m2 is never told: there is a gap, and every chat is looked at
  await until("the chat was looked at", () => client.view.chats.get(chat)!.have === server.chat(chat).version);
  release();
  await loading;
  await scrollUp(client, chat);
  expect(contents(client, chat)).toEqual(["m1", "m2"]);
});

describe("markers", () => {
  test("count who has not read", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER, 3]);
    const client = await start(server);
    await scrollUp(client, chat);
    await client.loadMembers(chat);
    const message = server.send(chat, ME, "who reads?");
    await caughtUp(client, server);
    const left = () => unreadBy(message, client.view.members.get(chat)!);
    expect(left()).toBe(2);
    server.read(chat, OTHER, 1);
    await caughtUp(client, server);
    expect(left()).toBe(1);
    server.send(chat, 3, "I do"); // sending reads
    await caughtUp(client, server);
    expect(left()).toBe(0);
  });

  test("only go forward, and the newest of several is sent", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const sent = [1, 2, 3].map((n) => server.send(chat, OTHER, `m${n}`));
    const client = await start(server);
    server.calls.length = 0;
    await Promise.all([client.markRead(chat, sent[0]!), client.markRead(chat, sent[2]!), client.markRead(chat, sent[1]!)]);
    expect(unread(client.view.chats.get(chat)!)).toBe(0);
    const marks = server.calls.filter((c) => c.startsWith("PATCH"));
    expect(marks.at(-1)).toBe(`PATCH /chats/${chat}/users/${ME}/messages/${sent[2]!.id}/`);
  });
});

describe("any history", () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))("ends where the server is (%i)", async (seed) => {
    const server = new FakeServer();
    const random = mulberry(seed * 7919);
    const pick = (n: number) => Math.floor(random() * n);
    const chats = [server.create([ME, OTHER]), server.create([ME, OTHER, 3]), server.create([OTHER, 3])];
    let client = await start(server, new Opened(new MemoryStore()));
    server.onTheWay = () => new Promise((r) => (pick(3) ? setTimeout(r, pick(3)) : r()));
    for (let step = 0; step < 60; step++) {
      const id = chats[pick(chats.length)]!;
      const chat = server.chat(id);
      const n = chat.messages.length;
      const actions = [
        () => server.send(id, OTHER, `s${step}`),
        () => server.send(id, OTHER, `t${step}`),
        () => n > 0 && server.change(id, 1 + pick(n), `e${step}`),
        () => n > 0 && server.change(id, 1 + pick(n), null),
        () => (chat.members.has(ME) ? pick(3) === 0 && server.remove(id, ME) : server.add(id, ME)),
        () => (chat.members.has(3) ? server.remove(id, 3) : server.add(id, 3)),
        () => server.title(id, `title ${step}`),
        () => n > 0 && server.read(id, pick(2) ? ME : OTHER, 1 + pick(n)),
        () => server.chat(id).version++,
        () => server.trim(pick(5)),
        () => pick(4) === 0 && server.epoch++,
        () => server.cut([1001, 1006, 4408, 4422][pick(4)]!),
        () => (server.sockets = pick(2) ? "open" : "refused"),
        () => client.view.chats.has(id) && client.send(id, `mine ${step}`).catch(() => {}),
        () => client.view.chats.has(id) && client.loadOlder(id).catch(() => {}),
        () => void (client.view.chats.has(id) && client.loadOlder(id).catch(() => {})),
        () => (server.down = pick(2) === 0),
        async () => {
          client.close();
          client = await connect(server, ME, new Opened((client.store as Opened).held));
          clients.push(client);
        },
      ];
      await actions[pick(actions.length)]!();
      if (pick(3) === 0) await new Promise((r) => setTimeout(r, 0));
    }
    server.down = false;
    server.sockets = "open";
    client.wake();
    server.create([ME, OTHER], "the end"); // an event that is for this user, whatever chats they are in
    await until("all is sent", () => {
      client.wake();
      return [...client.view.outbox.values()].every((o) => o.state === "failed");
    });
    await caughtUp(client, server);
    await expectSame(client, server);
  });
});

/** A store as one page has it open: who still waits for an answer when the page is closed writes nothing more. */
class Opened implements Store {
  #closed = false;
  constructor(readonly held: MemoryStore) {}

  async read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("the page is closed");
    return this.held.read(work);
  }

  async write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("the page is closed");
    return this.held.write(work);
  }

  close(): void {
    this.#closed = true;
  }

  wipe(): Promise<void> {
    return this.held.wipe();
  }
}

/** What the client holds is what the server would show it. */
async function expectSame(client: Client, server: FakeServer): Promise<void> {
  const mine = [...server.chats.values()].filter((c) => c.members.has(ME));
  expect([...client.view.chats.keys()].sort()).toEqual(mine.map((c) => c.id).sort());
  for (const chat of mine) {
    const seen = server.seen(chat, ME);
    const held = client.view.chats.get(chat.id)!;
    expect({ title: held.title, members: held.member_count, unread: unread(held), last: held.last_message?.content }).toEqual({
      title: seen.title, members: seen.member_count, unread: seen.unread_count, last: seen.last_message?.content,
    });
    const messages = await scrollUp(client, chat.id);
    const visible = chat.messages.filter((m) => m.seq >= seen.first_seq);
    expect(messages.map((m) => [m.seq, m.content, m.version])).toEqual(visible.map((m) => [m.seq, m.content, m.version]));
    const ids = visible.map((m) => m.client_id).filter(Boolean);
    expect(new Set(ids).size).toBe(ids.length);
  }
}

function mulberry(a: number): () => number {
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

import { afterEach, describe, expect, test } from "vitest";
import { MemoryStore, type Client, type Status } from "../src/index.js";
import { FakeServer } from "./server.js";
import { caughtUp, connect, until } from "./support.js";

const ME = 1;
const OTHER = 2;
const clients: Client[] = [];
afterEach(() => clients.splice(0).forEach((c) => c.close()));

async function start(server: FakeServer, store = new MemoryStore()): Promise<{ client: Client; said: Status[] }> {
  const client = await connect(server, ME, store);
  clients.push(client);
  const said: Status[] = [];
  client.listen({ status: (s) => said.push(s) });
  return { client, said };
}

describe("transports", () => {
  test("WebSocket comes first", async () => {
    const server = new FakeServer();
    const { client } = await start(server);
    await caughtUp(client, server);
    expect(client.status.transport).toBe("websocket");
    expect(server.calls.filter((c) => c.includes("poll"))).toEqual([]);
  });

  test("where it does not open, it is long-poll, and back when it does", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    server.sockets = "refused";
    const { client, said } = await start(server);
    await until("polling", () => client.status.phase === "live" && client.status.transport === "poll");
    server.send(chat, OTHER, "by poll");
    await caughtUp(client, server);
    server.sockets = "open";
    await until("on a socket", () => client.status.transport === "websocket");
    server.send(chat, OTHER, "by socket");
    await caughtUp(client, server);
    expect(client.view.chats.get(chat)!.last_message!.content).toBe("by socket");
    expect(said.some((s) => s.phase === "waiting" && s.transport === "poll")).toBe(false);
  });

  test("one cut is taken for an accident, two are not", async () => {
    const server = new FakeServer();
    const { client } = await start(server);
    await caughtUp(client, server);
    server.cut(1006);
    await until("back on a socket", () => client.status.phase === "live");
    expect(client.status.transport).toBe("websocket");
    server.sockets = "refused";
    server.cut(1006);
    await until("polling", () => client.status.phase === "live" && client.status.transport === "poll");
  });

  test("a node that goes away cuts nobody off", async () => {
    const server = new FakeServer();
    const { client } = await start(server);
    for (let i = 0; i < 4; i++) {
      await caughtUp(client, server);
      server.cut(1001);
      await until("back", () => client.status.phase === "live" && server.open.size === 1);
    }
    expect(client.status.transport).toBe("websocket");
  });

  test("a cursor that is none is forgotten, and everything looked at", async () => {
    const server = new FakeServer();
    server.create([ME, OTHER]);
    const { client } = await start(server);
    await caughtUp(client, server);
    server.calls.length = 0;
    server.cut(4422);
    await until("looked", () => server.calls.some((c) => c.startsWith(`GET /accounts/${ME}/chats/`)));
    await caughtUp(client, server);
  });

  test("one socket too many does not come back by itself", async () => {
    const server = new FakeServer();
    const { client } = await start(server);
    await caughtUp(client, server);
    server.cut(4409);
    await until("elsewhere", () => client.status.phase === "elsewhere");
    client.wake();
    await until("asked to", () => client.status.phase === "live");
  });

  test("a token that ended wipes what was held", async () => {
    const server = new FakeServer();
    server.create([ME, OTHER]);
    const { client } = await start(server);
    await caughtUp(client, server);
    let ended = 0;
    client.listen({ ended: () => ended++ });
    server.cut(4401);
    await until("ended", () => ended === 1);
    expect(await client.store.read((tx) => tx.all("chats"))).toEqual([]);
  });
});

describe("sending", () => {
  test("waits while the server is away, and is stored once", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const { client } = await start(server);
    await caughtUp(client, server);
    await client.loadOlder(chat);
    server.down = true;
    await client.send(chat, "one");
    await client.send(chat, "two");
    expect(client.view.outgoing(chat).map((o) => o.content)).toEqual(["one", "two"]);
    server.down = false;
    client.wake();
    await until("sent", () => client.view.outgoing(chat).length === 0);
    await caughtUp(client, server);
    expect(client.view.timeline(chat).messages.map((m) => m.content)).toEqual(["one", "two"]);
  });

  test("goes on after a reload with the same client_id", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const store = new MemoryStore();
    const { client } = await start(server, store);
    await caughtUp(client, server);
    server.down = true;
    const { client_id } = await client.send(chat, "kept");
    client.close();
    server.send(chat, ME, "kept", client_id); // it had arrived; only the answer was lost
    server.down = false;
    const { client: again } = await start(server, store);
    await until("settled", () => again.view.outbox.size === 0);
    await caughtUp(again, server);
    expect(server.chat(chat).messages).toHaveLength(1);
  });

  test("that was refused stays until the user decides", async () => {
    const server = new FakeServer();
    const chat = server.create([ME, OTHER]);
    const { client } = await start(server);
    await caughtUp(client, server);
    server.chat(chat).members.delete(ME); // no event: only the send finds out
    const { client_id } = await client.send(chat, "too late");
    await until("failed", () => client.view.outbox.get(client_id)?.state === "failed");
    expect(client.view.outbox.get(client_id)!.code).toBe("not_found");
    server.chat(chat).members.set(ME, { first: 1, read: 0 });
    await client.retry(client_id);
    await until("sent", () => client.view.outbox.size === 0);
    expect(server.chat(chat).messages.map((m) => m.content)).toEqual(["too late"]);
  });
});

// What breaks, and what people see of it: nothing lost, nothing twice.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Person, launch, pair } from "./support/browser.js";
import { Network } from "./support/network.js";
import { Server } from "./support/server.js";

let server: Server;
let network: Network;
let browser: Browser;
const people: Person[] = [];

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
afterEach(async () => {
  const wrong = people.flatMap((p) => p.wrong);
  await Promise.all(people.splice(0).map((p) => p.context.close()));
  network?.close();
  expect(wrong).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

/** Two in a chat; all that they ask and hear goes through the network. */
async function two(a: string, b: string): Promise<[Person, Person]> {
  network = await Network.to(server.ports.http);
  const both = await pair(browser, network.url, a, b);
  people.push(...both);
  return both;
}

/** All that was said stands in both windows once, in the same order. */
async function agree(texts: string[], ...all: Person[]): Promise<void> {
  for (const p of all) {
    await p.sees(texts.at(-1)!);
    await p.page.locator(".pending").first().waitFor({ state: "detached" });
    expect(await p.said()).toEqual(texts);
  }
}

describe("the network", () => {
  test("cuts sockets: what was said meanwhile arrives", async () => {
    const [ann, ben] = await two("Cuta", "Cutb");
    await ann.say("one");
    await ben.sees("one");
    network.cutWebSockets();
    await ann.say("two");
    await ben.sees("two");
    await agree(["one", "two"], ann, ben);
  });

  test("carries no sockets: it is long-poll, and back when it does", async () => {
    const [ann, ben] = await two("Polla", "Pollb");
    network.noWebSockets = true;
    network.cutWebSockets();
    await ann.say("by poll");
    await ben.sees("by poll");
    await expect.poll(() => ben.transport(), { timeout: 20_000 }).toBe("Long-poll");
    await ann.say("still by poll");
    await ben.sees("still by poll");
    network.noWebSockets = false;
    await expect.poll(() => ben.transport(), { timeout: 40_000, interval: 1000 }).toBe("WebSocket");
    await ann.say("by socket");
    await agree(["by poll", "still by poll", "by socket"], ann, ben);
  });

  test("is gone: one reads what is held, and what one writes is sent when it is back", async () => {
    const [ann, ben] = await two("Offa", "Offb");
    await ann.say("before");
    await ben.sees("before");
    await ben.page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await ben.page.waitForFunction(async () => (await caches.match("/")) !== undefined);
    network.down = true;
    network.cutAll();
    await ben.say("written offline");
    await ben.row("written offline").getByText("Waiting to be sent").waitFor({ state: "attached" });
    await ann.page.getByText("Offline. What you write is sent").waitFor();
    await ben.page.reload();
    await ben.sees("before");
    await ben.sees("written offline");
    await ben.say("after a reload");
    await ben.page.getByText("Offline. What you write is sent").waitFor();
    network.down = false;
    await agree(["before", "written offline", "after a reload"], ann, ben);
  });
});

describe("the server", () => {
  test("restarts in the middle", async () => {
    const [ann, ben] = await two("Resta", "Restb");
    await ann.say("before");
    await ben.sees("before");
    await server.stop();
    await ann.say("while it is down");
    await ben.say("me too");
    await server.start();
    await ann.sees("me too");
    await ben.sees("while it is down");
    await ann.say("after");
    await ben.sees("after");
    expect((await ann.said()).sort()).toEqual(["after", "before", "me too", "while it is down"]);
    expect(await ben.said()).toEqual(await ann.said());
  });

  test("loses its Redis: nobody loses a message", async () => {
    const [ann, ben] = await two("Flusha", "Flushb");
    for (const text of ["one", "two", "three"]) await ann.say(text);
    await ben.sees("three");
    expect(await server.redis("FLUSHALL")).toBe("+OK");
    await ann.say("four");
    await ben.say("five");
    await ben.sees("four");
    await ann.sees("five");
    await ann.menu("two", "Delete");
    await ann.confirm("Delete");
    await ben.page.locator(".bubble.deleted").waitFor();
    expect((await ben.said()).sort()).toEqual(["This message was deleted.", "five", "four", "one", "three"]);
    expect(await ann.said()).toEqual(await ben.said());
  });
});

describe("two tabs", () => {
  test("share one connection, and one goes on when the other is closed", async () => {
    const [ann, ben] = await two("Taba", "Tabb");
    const before = network.webSockets;
    const second = await ann.context.newPage();
    ann.watch(second);
    await second.goto(ann.page.url());
    await ann.say("in the first");
    const bubble = (text: string) => second.locator(".bubble", { hasText: text });
    await bubble("in the first").waitFor();
    await second.getByLabel("Message", { exact: true }).fill("in the second");
    await second.getByLabel("Message", { exact: true }).press("Enter");
    await ben.sees("in the second");
    await ann.sees("in the second");
    expect(network.webSockets).toBe(before);
    await ann.page.close();
    await ben.say("anybody left?");
    await bubble("anybody left?").waitFor();
    expect(await second.locator(".bubble").allInnerTexts()).toEqual(["in the first", "in the second", "anybody left?"]);
    ann.page = second;
    await ann.goTo("Me");
    const third = await ann.context.newPage();
    await third.goto(network.url);
    await third.getByRole("heading", { name: "Chats" }).waitFor();
    await second.getByRole("button", { name: "Log out" }).click();
    await third.getByRole("button", { name: "Log in" }).waitFor();
  });
});

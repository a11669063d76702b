// What people do with each other, in real browsers on a real server.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Person, PASSWORD, launch, pair } from "./support/browser.js";
import { Server } from "./support/server.js";

let server: Server;
let browser: Browser;
const people: Person[] = [];

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
afterEach(async () => {
  const wrong = people.flatMap((p) => p.wrong);
  await Promise.all(people.splice(0).map((p) => p.context.close()));
  expect(wrong).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

async function two(a: string, b: string): Promise<[Person, Person]> {
  const both = await pair(browser, server.url, a, b);
  people.push(...both);
  return both;
}

describe("two people", () => {
  test("write, see each other type, read, edit and delete", async () => {
    const [mina, jun] = await two("Mina", "준호");
    await mina.say("안녕, 준호!");
    await jun.sees("안녕, 준호!");
    await jun.box.pressSequentially("hm");
    await mina.page.getByText("준호 is typing…").first().waitFor();
    await jun.box.fill("");
    await mina.row("안녕, 준호!").locator(".waiting").waitFor({ state: "detached" }); // 준호 has read it

    await jun.goTo("Friends");
    await jun.page.goto(`${server.url}/#/friends`);
    await jun.page.reload();
    await mina.say("still there?");
    await mina.row("still there?").locator(".waiting").getByText("1", { exact: true }).waitFor();
    await jun.open("Mina");
    await mina.row("still there?").locator(".waiting").waitFor({ state: "detached" });

    await mina.menu("still there?", "Edit");
    await mina.say("are you there?");
    await jun.sees("are you there?");
    await jun.row("are you there?").getByText("edited").waitFor();
    await mina.menu("are you there?", "Delete");
    await mina.confirm("Delete");
    await jun.page.locator(".bubble.deleted").getByText("This message was deleted.").waitFor();
    expect(await jun.said()).toEqual(["안녕, 준호!", "This message was deleted."]);
    expect(await jun.page.locator(".message").count()).toBe(2);
  });

  test("see who is online, and what waits in the list, the title and the tab", async () => {
    const [ann, bo] = await two("Ann", "Bo");
    await ann.page.locator(".room-head").getByText("online", { exact: true }).waitFor();
    await bo.page.goto(`${server.url}/#/me`);
    await bo.page.reload();
    await bo.page.getByRole("heading", { name: "Me" }).waitFor();
    for (const text of ["one", "two", "three"]) await ann.say(text);
    await bo.page.getByRole("navigation").getByText("3 unread").waitFor({ state: "attached" });
    await bo.page.waitForFunction(() => document.title === "(3) Doran");
    expect(await bo.page.evaluate(() => document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href.slice(0, 5))).toBe("data:");
    await bo.open("Ann");
    await bo.page.waitForFunction(() => document.title === "Doran");
    await bo.context.close();
    await ann.page.locator(".room-head").getByText("offline").waitFor({ timeout: 60_000 });
  });

  test("a draft is kept, and Hangul that is being composed is not sent", async () => {
    const [ann] = await two("Dora", "Drew");
    await ann.box.fill("half a thou");
    await ann.box.dispatchEvent("keydown", { key: "Enter", isComposing: true });
    expect(await ann.box.inputValue()).toBe("half a thou");
    await ann.goTo("Friends");
    await ann.page.waitForTimeout(600); // drafts are written after a pause
    await ann.page.reload();
    await ann.goTo("Chats");
    await ann.page.getByText("Draft half a thou").waitFor();
    await ann.open("Drew");
    expect(await ann.box.inputValue()).toBe("half a thou");
  });

  test("text is only ever text", async () => {
    const [eve, bob] = await two("<img/src=x/onerror=alert(1)>", "Bobby");
    const nasty = [
      `<script>window.pwned = 1</script>`,
      `<img src=x onerror="window.pwned = 1">`,
      `javascript:window.pwned=1 data:text/html,<script>1</script>`,
      `"><svg/onload=window.pwned=1>`,
      `&lt;b&gt; {{1+1}} \${1+1}`,
    ];
    for (const text of nasty) {
      await eve.say(text);
      await bob.sees(text);
    }
    await eve.say("see https://example.com/a?b=1&c=%22%3E, and http://x.example.");
    const links = bob.page.locator(".bubble a");
    await links.first().waitFor();
    expect(await links.evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel")]))).toEqual([
      ["https://example.com/a?b=1&c=%22%3E", "noopener noreferrer"],
      ["http://x.example/", "noopener noreferrer"],
    ]);
    expect(await bob.page.evaluate(() => (window as { pwned?: number }).pwned)).toBeUndefined();
    expect(await bob.page.locator(".bubble img, .bubble script, .bubble svg").count()).toBe(0);
    expect(await eve.page.evaluate(() => location.href + performance.getEntriesByType("resource").map((r) => r.name).join())).not.toMatch(/bearer|token=/i);
  });

  test("4,000 characters are sent, 4,001 are not", async () => {
    const [ann, ben] = await two("Long", "Longer");
    const text = "가".repeat(3999) + "😀";
    await ann.box.fill(text + "!");
    await ann.page.getByText("1 characters too many").waitFor();
    expect(await ann.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await ann.say(text);
    await ben.sees(text);
  });

  test("block each other, and see why nothing arrives", async () => {
    const [ann, ben] = await two("Anna", "Benno");
    await ann.say("hello");
    await ben.sees("hello");
    await ben.goTo("Friends");
    await ben.page.getByRole("button", { name: "More: Anna" }).click();
    await ben.page.getByRole("button", { name: "Block" }).click();
    await ben.confirm("Block");
    await ben.page.getByText("Blocked").first().waitFor();
    await ann.say("are you angry?");
    await ann.page.locator(".failure").getByText("One of you blocked the other.").waitFor();
    await ben.page.locator("summary").click();
    await ben.page.getByRole("button", { name: "Unblock" }).click();
    await ben.page.locator("summary").waitFor({ state: "detached" });
    await ann.page.getByRole("button", { name: "Try again" }).click();
    await ben.sees("are you angry?");
    await ann.say("for ever");
    await ben.sees("for ever");
    expect(await ann.said()).toEqual(["hello", "are you angry?", "for ever"]);
  });

  test("delete a chat for one side; it comes back empty", async () => {
    const [ann, ben] = await two("Lea", "Leo");
    await ann.say("before");
    await ben.sees("before");
    await ben.page.getByRole("button", { name: "About this chat" }).click();
    await ben.page.getByRole("button", { name: "Delete this chat" }).click();
    await ben.confirm("Delete");
    await ben.page.getByText("No chats yet").waitFor();
    await ann.say("after");
    await ben.open("Lea");
    await ben.sees("after");
    expect(await ben.said()).toEqual(["after"]);
    expect(await ann.said()).toEqual(["before", "after"]);
  });
});

describe("a group", () => {
  test("is made, renamed, joined, left, cleared out and deleted", async () => {
    const [owner, friend] = await two("Hana", "Hugo");
    const third = await Person.join(browser, server.url, "세라");
    people.push(third);
    await owner.goTo("Chats");
    await owner.page.getByRole("button", { name: "New chat" }).click();
    await owner.page.getByRole("dialog").getByText("Hugo").click();
    await owner.page.getByLabel("Title (optional)").fill("등산 모임");
    await owner.page.getByRole("button", { name: "Create" }).click();
    await owner.say("welcome");
    await friend.open("등산 모임");
    await friend.sees("welcome");

    await owner.page.getByRole("button", { name: "About this chat" }).click();
    const info = owner.page.getByRole("dialog", { name: "About this chat" });
    await info.getByRole("button", { name: "Add people" }).click();
    await owner.find("세라");
    await info.locator(".find").getByRole("button", { name: "Add", exact: true }).click();
    await info.getByRole("button", { name: "Add", exact: true }).last().click();
    await info.getByRole("list", { name: "Members" }).getByText("세라").waitFor();
    await info.getByLabel("Title").fill("등산과 막걸리");
    await info.getByRole("button", { name: "Save" }).click();
    await third.open("등산과 막걸리");
    expect(await third.said()).toEqual([]); // what was said before is not for her
    await friend.page.locator(".room-head").getByText("3 members").waitFor();
    await info.getByRole("button", { name: "Close" }).click();

    await owner.say("who comes along?");
    await third.sees("who comes along?");
    await friend.sees("who comes along?");
    await owner.row("who comes along?").locator(".waiting").waitFor({ state: "detached" });
    await third.page.getByRole("button", { name: "About this chat" }).click();
    await third.page.getByRole("button", { name: "Leave the group" }).click();
    await third.confirm("Leave the group");
    await third.page.getByText("No chats yet").waitFor();
    await owner.page.locator(".room-head").getByText("2 members").waitFor();

    await owner.page.getByRole("button", { name: "About this chat" }).click();
    await info.getByRole("button", { name: "Remove" }).click();
    await owner.confirm("Remove");
    await friend.page.getByText("It is not there any more.").waitFor();
    await info.getByRole("button", { name: "Delete the group" }).click();
    await owner.confirm("Delete");
    await owner.page.getByRole("list", { name: "Chats" }).getByText("등산과 막걸리").waitFor({ state: "detached" });
  });
});

describe("an account", () => {
  test("is refused with reasons, and speaks Korean", async () => {
    const p = await Person.visit(browser, server.url, "nobody", { locale: "ko-KR" });
    people.push(p);
    await p.page.getByText("도란도란, 이야기 나눠요").waitFor();
    await p.page.getByLabel("이름").fill("nobody");
    await p.page.getByLabel("비밀번호", { exact: true }).fill("wrong wrong");
    await p.page.getByRole("button", { name: "로그인" }).click();
    await p.page.getByText("이름 또는 비밀번호가 맞지 않아요.").waitFor();
    expect(await p.page.evaluate(() => document.documentElement.lang)).toBe("ko");
    await p.page.getByRole("button", { name: "English" }).click();
    await p.page.getByText("Chat softly together").waitFor();
    await p.page.getByRole("button", { name: "Sign up" }).click();
    await p.page.getByLabel("Password", { exact: true }).fill("short");
    await p.page.locator("form").getByRole("button", { name: "Sign up" }).click();
    await p.page.getByText("A password has 8 to 128 characters.").waitFor();
  });

  test("has devices, which can be signed out from afar", async () => {
    const here = await Person.join(browser, server.url, "Devi");
    const there = await Person.visit(browser, server.url, "Devi");
    people.push(here, there);
    await there.logIn();
    await here.goTo("Me");
    await here.page.getByRole("button", { name: /^Sign out: Chrome/ }).click();
    await there.page.getByText("You were signed out.").waitFor();
    await there.page.getByRole("button", { name: "Log in" }).waitFor();
    const left = await there.page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name));
    expect(left.filter((name) => name?.startsWith("doran-"))).toEqual([]);
    expect(await here.page.getByRole("button", { name: /^Sign out: / }).count()).toBe(0);
  });

  test("changes its password, and ends", async () => {
    const p = await Person.join(browser, server.url, "Paul");
    people.push(p);
    await p.goTo("Me");
    await p.page.getByRole("button", { name: "Change password" }).click();
    await p.page.getByLabel("Current password").fill("not this one");
    await p.page.getByLabel("New password").fill("battery staple");
    await p.page.getByRole("button", { name: "Save" }).click();
    await p.page.getByText("The password is wrong.").waitFor();
    await p.page.getByLabel("Current password").fill(PASSWORD);
    await p.page.getByRole("button", { name: "Save" }).click();
    await p.page.getByText("The password is changed").waitFor();
    await p.page.reload();
    await p.goTo("Me");
    await p.page.getByRole("button", { name: "Log out" }).click();
    await p.logIn("battery staple");
    await p.goTo("Me");
    await p.page.getByRole("button", { name: "Delete account" }).click();
    await p.page.getByLabel("Password", { exact: true }).fill("battery staple");
    await p.page.getByRole("dialog").getByRole("button", { name: "Delete account" }).click();
    await p.page.getByRole("button", { name: "Log in" }).waitFor();
  });
});

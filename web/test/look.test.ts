// How it looks, to eyes, to screen readers and to a stopwatch. With SCREENSHOTS=1 the pictures of the README are made anew.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { Api } from "doran-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASSWORD, Person, launch } from "./support/browser.js";
import { Server, sleep } from "./support/server.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
const PREFER = '<edit name="family" mode="assign" binding="strong"><string>Noto Sans CJK KR</string></edit>';
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1.5 } as const;

let server: Server;
let browser: Browser;
beforeAll(async () => {
  server = await Server.start();
  browser = await launch(fonts());
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

/** A font that most phones and desks have something like, instead of the one of a bare machine. */
function fonts(): Record<string, string> {
  const file = join(server.folder, "fonts.conf");
  const rule = ["system-ui", "sans", "sans-serif", "DejaVu Sans"]
    .map((from) => `<match target="pattern"><test name="family"><string>${from}</string></test>${PREFER}</match>`)
    .join("");
  writeFileSync(file, `<?xml version="1.0"?><fontconfig><include>/etc/fonts/fonts.conf</include>${rule}</fontconfig>`);
  return { FONTCONFIG_FILE: file };
}

async function account(name: string) {
  const { user, token } = await new Api({ base: server.url, fetch: patient }).signUp(name, PASSWORD, "Firefox · macOS");
  return { id: user.id, api: new Api({ base: server.url, token, fetch: patient }) };
}

/** Asks again when the server is busy, as other tests' programs run beside it. */
const patient: typeof fetch = async (input, init) => {
  for (;;) {
    const response = await fetch(input, init);
    if (response.status !== 503) return response;
    await sleep(200);
  }
};

/** What axe finds serious or critical. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    return (await run.run()).violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  });
  return found.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html} ${n.failureSummary}`));
}

async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: join(images, `${name}.png`), animations: "disabled" });
}

describe("a lively evening", () => {
  test.each([
    { name: "desk, light, English", options: { locale: "en-US", colorScheme: "light", viewport: { width: 1180, height: 720 } }, image: "desk", names: ["Hana", "Minji", "준호", "세라"] },
    { name: "desk, dark, Korean", options: { locale: "ko-KR", colorScheme: "dark", viewport: { width: 1180, height: 720 } }, image: "desk-dark", names: ["하나", "Yuri", "지훈", "Sejin"] },
    { name: "phone, light, Korean", options: { locale: "ko-KR", colorScheme: "light", ...PHONE }, image: "phone", names: ["유나", "민수", "Dohyun", "Haeun"] },
    { name: "phone, dark, English", options: { locale: "en-US", colorScheme: "dark", ...PHONE }, image: "phone-dark", names: ["Nari", "소희", "Taeo", "Bora"] },
  ] as const)("$name: axe finds nothing serious, nothing is cut off", async ({ options, image, names }) => {
    const [me, minji, jun, sera] = (await Promise.all(names.map(account))) as [A, A, A, A];
    for (const other of [minji, jun, sera]) {
      await me.api.addFriend(me.id, other.id);
      await other.api.addFriend(other.id, me.id);
    }
    const walk = await me.api.createChat({ user_ids: [minji.id, jun.id, sera.id], kind: "group", title: "저녁 산책" });
    const direct = await sera.api.createChat({ user_ids: [me.id], kind: "direct" });
    const book = await jun.api.createChat({ user_ids: [me.id, minji.id], kind: "group", title: "Book club" });
    await book_talk();
    await sera.api.send(direct.id, "내일 몇 시에 만날까?", "d1");

    const p = await Person.visit(browser, server.url, names[0], options);
    expect(await faults(p.page)).toEqual([]);
    const ko = options.locale === "ko-KR";
    await p.page.getByLabel(ko ? "이름" : "Name").fill(p.name);
    await p.page.getByLabel(ko ? "비밀번호" : "Password", { exact: true }).fill(PASSWORD);
    await p.page.getByRole("button", { name: ko ? "로그인" : "Log in" }).click();
    const list = p.page.getByRole("list", { name: ko ? "채팅" : "Chats" });
    await list.getByText("내일 몇 시에").waitFor();
    expect(await faults(p.page)).toEqual([]);
    expect(await overflow(p.page)).toBe(0);
    await picture(p.page, `${image}-list`);

    await list.getByText("저녁 산책").click();
    await p.sees("좋아요! 저는 따뜻한 차를 가져갈게요");
    const { messages } = await me.api.messages(walk.id);
    await minji.api.markRead(walk.id, minji.id, messages.at(-1)!.id);
    await jun.api.typing(walk.id);
    await p.page.locator(".room-head").getByText(ko ? /님이 입력 중…/ : /is typing…/).waitFor();
    await p.row("See you at the gate then!").locator(".waiting").getByText("2", { exact: true }).waitFor();
    expect(await faults(p.page)).toEqual([]);
    expect(await overflow(p.page)).toBe(0);
    await picture(p.page, image);

    for (const page of ["friends", "me"]) {
      await p.page.goto(`${server.url}/#/${page}`);
      await p.page.getByRole("heading", { level: 1 }).first().waitFor();
      await p.page.waitForTimeout(300);
      expect(await faults(p.page)).toEqual([]);
      expect(await overflow(p.page)).toBe(0);
    }
    await p.page.goto(`${server.url}/#/chats/${walk.id}`);
    await p.page.getByRole("button", { name: ko ? "채팅방 정보" : "About this chat" }).click();
    await p.page.getByRole("dialog").getByText(names[3]).waitFor();
    expect(await faults(p.page)).toEqual([]);
    expect(p.wrong).toEqual([]);
    await p.context.close();

    async function book_talk(): Promise<void> {
      await minji.api.send(book.id, "Chapter three was lovely", "b1");
      const said = [
        [sera, "오늘 날씨 정말 좋네요"],
        [sera, "저녁에 한강 걸을 사람?"],
        [minji, "Me! Right after work"],
        [jun, "저도요. 어디서 볼까요?"],
        [me, "여의나루역 2번 출구 어때요?"],
        [me, "The path is here: https://hangang.example/walk"],
        [jun, "좋습니다. 일곱 시에 봐요"],
        [sera, "좋아요! 저는 따뜻한 차를 가져갈게요"],
        [me, "See you at the gate then!"],
      ] as const;
      for (const [i, [who, text]] of said.entries()) await who.api.send(walk.id, text, `w${i}`);
      const { messages: all } = await jun.api.messages(walk.id);
      await jun.api.edit(walk.id, all[6]!.id, "좋습니다. 일곱 시 반에 봐요");
    }
  });
});

type A = Awaited<ReturnType<typeof account>>;

/** How many pixels one could scroll sideways. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

describe("the keyboard", () => {
  test("reaches everything, and the focus comes back", async () => {
    const p = await Person.join(browser, server.url, "Kay");
    const friend = await account("Keith");
    const chat = await friend.api.createChat({ user_ids: [(await friend.api.findUser("Kay"))!.id], kind: "direct" });
    await friend.api.send(chat.id, "first", "k1");
    await p.page.getByRole("link", { name: /Keith/ }).focus();
    await p.page.keyboard.press("Enter");
    await p.box.waitFor();
    await p.page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
    await p.page.keyboard.type("hello");
    await p.page.keyboard.press("Enter");
    await p.sees("hello");
    await p.row("hello").locator("time").waitFor();
    await p.page.keyboard.press("ArrowUp");
    await p.page.keyboard.type(" there");
    await p.page.keyboard.press("Enter");
    await p.sees("hello there");
    await p.page.keyboard.press("Shift+Tab");
    expect(await p.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("What to do with this message");
    await p.page.keyboard.press("Enter");
    await p.page.keyboard.press("ArrowDown");
    await p.page.keyboard.press("ArrowDown");
    expect(await p.page.evaluate(() => document.activeElement?.textContent)).toBe("Delete");
    await p.page.keyboard.press("Escape");
    expect(await p.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("What to do with this message");
    await p.page.getByRole("button", { name: "About this chat" }).press("Enter");
    await p.page.getByRole("dialog").waitFor();
    await p.page.keyboard.press("Escape");
    expect(await p.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("About this chat");
    await friend.api.send(chat.id, "for your ears", "k2");
    await p.page.locator("[aria-live=polite]", { hasText: "Keith: for your ears" }).waitFor({ state: "attached" });
    await p.context.close();
  });
});

describe("a history of 10,000 messages", () => {
  test("is scrolled through with few rows in the document, and without a jump", async () => {
    const N = 10_000;
    const p = await Person.join(browser, server.url, "Lena");
    const friend = await account("Lars");
    const chat = await friend.api.createChat({ user_ids: [(await friend.api.findUser("Lena"))!.id], kind: "direct" });
    let next = 1;
    const line = (i: number) => `#${i} ${"lorem ipsum dolor ".repeat(i % 7)}`.trim();
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (next <= N) {
          const i = next++;
          await friend.api.send(chat.id, line(i), `m${i}`);
        }
      }),
    );
    await p.open("Lars");
    const newest = (await friend.api.messages(chat.id, { limit: 1 })).messages[0]!;
    await p.bubble(newest.content).last().waitFor({ timeout: 120_000 }); // and so all have arrived
    const opened = await p.page.locator(".bubble").count();
    expect(opened).toBeGreaterThan(5);

    await p.page.locator(".scroller").hover();
    const result = await p.page.evaluate(scrollToTop);
    expect(result.rows).toBeLessThan(200);
    expect(result.jumps).toEqual([]);
    expect(result.messages).toBe(N);
    await p.page.getByText("This is where it begins.").waitFor();
    const seen = await p.page.locator(".bubble").count();
    expect(seen).toBeLessThan(200);
    console.info(`10,000 messages: ${result.frames} frames, median ${result.median.toFixed(1)} ms, 95 % under ${result.p95.toFixed(1)} ms, ${result.rows} rows at most`);

    // To the end again, where a new message finds the reader.
    await p.page.getByRole("button", { name: "To the newest message" }).click();
    await friend.api.send(chat.id, "the newest", "newest");
    await p.sees("the newest");
    await p.page.reload();
    await p.sees("the newest"); // from what is held
    expect(p.wrong).toEqual([]);
    await p.context.close();
  }, 300_000);
});

/** Scrolls up to the very first message, frame by frame. A jump is a row that moves by something else than what was scrolled. */
async function scrollToTop(): Promise<{ frames: number; median: number; p95: number; rows: number; messages: number; jumps: string[] }> {
  const scroller = document.querySelector(".scroller") as HTMLElement;
  const times: number[] = [];
  const jumps: string[] = [];
  let rows = 0;
  const frame = () => new Promise<number>((r) => requestAnimationFrame(r));
  const where = () => new Map([...document.querySelectorAll<HTMLElement>(".row")].map((r) => [r.dataset.key as string, r.getBoundingClientRect().top]));
  const seen = new Set<string>();
  let moved = performance.now();
  let last = await frame();
  while (performance.now() - moved < 60_000) {
    const from = scroller.scrollTop;
    const before = where();
    const step = Math.min(900, from);
    scroller.scrollTop = from - step;
    const now = await frame();
    await frame();
    times.push(now - last);
    last = await frame();
    const after = where();
    rows = Math.max(rows, after.size);
    for (const key of [...before.keys(), ...after.keys()]) if (key.startsWith("m")) seen.add(key);
    const shifts = [...before].filter(([key]) => after.has(key) && key.startsWith("m")).map(([key, top]) => (after.get(key) as number) - top - step);
    const top = scroller.scrollTop < 1; // there is nowhere to go when what stands above turns out to be lower
    if (!top && !shifts.some((d) => Math.abs(d) < 2)) jumps.push(`${shifts[0]} at ${from}`);
    if (step > 0) moved = performance.now();
    if (step === 0 && document.querySelector('[data-key="beginning"]')) break;
  }
  times.sort((a, b) => a - b);
  return { frames: times.length, median: times[times.length >> 1] ?? 0, p95: times[Math.floor(times.length * 0.95)] ?? 0, rows, messages: seen.size, jumps };
}

describe("the page", () => {
  test("has a strict policy, is kept as long as it is the same, and paints without waiting for more", async () => {
    const page = await fetch(server.url);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const script = /src="(\/assets\/[^"]+)"/.exec(await page.text())![1]!;
    expect((await fetch(server.url + script)).headers.get("cache-control")).toContain("immutable");
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);

    const context = await browser.newContext();
    const tab = await context.newPage();
    const devtools = await context.newCDPSession(tab);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 }); // a slow laptop
    await tab.goto(server.url);
    await tab.getByRole("button", { name: "Log in" }).waitFor();
    const painted = await tab.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime); // is told after it
    const paint = (await painted.jsonValue()) as number;
    console.info(`first paint after ${paint.toFixed(0)} ms, at a quarter of the speed`);
    const loaded = await tab.evaluate((until) => performance.getEntriesByType("resource").filter((r) => r.startTime < until).map((r) => new URL(r.name).pathname), paint);
    expect(loaded.filter((name) => !name.endsWith(".svg")).map((name) => name.split(".").at(-1)).sort()).toEqual(["css", "js"]); // the icon stands in nobody's way
    await context.close();
  });
});

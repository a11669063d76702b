// People in a real browser, each in a context of their own.
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function launch(env: Record<string, string> = {}): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, env: { ...process.env, ...env } as Record<string, string> });
}

export const PASSWORD = "correct horse";

/** Somebody with a browser of their own. What goes wrong in their page is kept. */
export class Person {
  readonly wrong: string[] = [];

  private constructor(readonly name: string, readonly url: string, readonly context: BrowserContext, public page: Page) {
    this.watch(page);
  }

  static async visit(browser: Browser, url: string, name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ locale: "en-US", viewport: { width: 1180, height: 760 }, ...options });
    const person = new Person(name, url, context, await context.newPage());
    await person.page.goto(url);
    return person;
  }

  /** A visitor who makes an account. */
  static async join(browser: Browser, url: string, name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const person = await Person.visit(browser, url, name, options);
    await person.signUp();
    return person;
  }

  watch(page: Page): void {
    page.on("pageerror", (error) => this.wrong.push(`${this.name}: ${error.stack}`));
    page.on("console", (m) => {
      if (m.type() === "error" && /Content.Security|Trusted|violates/i.test(m.text())) this.wrong.push(`${this.name}: ${m.text()}`);
    });
  }

  async signUp(): Promise<void> {
    await this.page.getByRole("button", { name: "Sign up" }).click();
    await this.page.getByLabel("Name").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await this.page.locator("form").getByRole("button", { name: "Sign up" }).click();
    await this.page.getByRole("heading", { name: "Chats" }).waitFor();
  }

  async logIn(password = PASSWORD): Promise<void> {
    await this.page.getByLabel("Name").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("heading", { name: "Chats" }).waitFor();
  }

  async goTo(tab: "Chats" | "Friends" | "Me"): Promise<void> {
    await this.page.getByRole("navigation").getByRole("link", { name: tab }).click();
  }

  /** Finds somebody by name and adds them. */
  async befriend(name: string): Promise<void> {
    await this.goTo("Friends");
    await this.find(name);
    await this.page.getByRole("button", { name: "Add friend" }).click();
    await this.page.getByRole("list", { name: "Friends" }).getByText(name).waitFor();
  }

  async find(name: string): Promise<void> {
    await this.page.getByLabel("Find by exact name").last().fill(name);
    await this.page.getByLabel("Find by exact name").last().press("Enter");
  }

  /** Opens the direct chat with a friend. */
  async chatWith(name: string): Promise<void> {
    await this.goTo("Friends");
    await this.page.getByRole("button", { name: `Chat: ${name}` }).click();
    await this.box.waitFor();
  }

  async open(title: string): Promise<void> {
    await this.goTo("Chats");
    await this.page.getByRole("list", { name: "Chats" }).getByRole("link", { name: title }).click();
    await this.box.waitFor();
  }

  get box() {
    return this.page.getByLabel("Message", { exact: true });
  }

  /** The bubbles with exactly this text. */
  bubble(text: string | RegExp) {
    return this.page.locator(".bubble", { hasText: typeof text === "string" ? new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`) : text });
  }

  /** The row of a message. */
  row(text: string) {
    return this.page.locator(".message", { has: this.bubble(text) });
  }

  async say(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  async sees(text: string): Promise<void> {
    await this.bubble(text).first().waitFor({ timeout: 15_000 });
  }

  async menu(text: string, item: string): Promise<void> {
    await this.row(text).hover();
    await this.row(text).getByRole("button", { name: "What to do" }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** Says yes to what is asked. */
  async confirm(action: string): Promise<void> {
    await this.page.getByRole("dialog", { name: "Confirm" }).getByRole("button", { name: action }).click();
  }

  async transport(): Promise<string> {
    await this.page.getByRole("button", { name: /^Connection: / }).first().click();
    const dialog = this.page.getByRole("dialog", { name: "Connection" });
    const text = await dialog.locator("[data-test=transport]").innerText();
    await dialog.getByRole("button", { name: "Close" }).click();
    return text;
  }

  /** What the newest bubbles say, from above. */
  async said(): Promise<string[]> {
    return this.page.locator(".bubble").allInnerTexts();
  }
}

/** Two who are friends, in a direct chat. */
export async function pair(browser: Browser, url: string, a: string, b: string, options: BrowserContextOptions = {}): Promise<[Person, Person]> {
  const one = await Person.join(browser, url, a);
  const two = await Person.join(browser, url, b, options);
  await one.befriend(b);
  await two.befriend(a);
  await one.chatWith(b);
  await two.chatWith(a);
  return [one, two];
}

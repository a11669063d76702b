import type { Api } from "./api.js";
import { isEmpty, type Changes, type HeldChat } from "./held.js";
import { Ledger } from "./ledger.js";
import { ProblemError, isNotFound } from "./problem.js";
import type { Store, Tx } from "./store.js";
import type { Batch, Chat, Message } from "./types.js";
import { Waiter, backoff } from "./wait.js";

/**
 * Brings what is held to where the server is: applies batches, and where something is missing asks for it. Nothing is thrown
 * away for a gap. Every method may fail halfway (NetworkError, ProblemError) and be called again; the cursor is stored only with the last
 * of what its batch changed.
 */
export class Sync {
  readonly #waiter = new Waiter();

  constructor(
    readonly api: Api,
    readonly store: Store,
    readonly self: number,
    readonly publish: (changes: Changes) => void,
    readonly signal: AbortSignal,
  ) {}

  /** Where this client stands; "" before it ever stood anywhere. */
  async cursor(): Promise<string> {
    return (await this.store.read((tx) => tx.get("meta", "cursor")))?.value ?? "";
  }

  /** Forgets where it stood, but nothing of what it holds: the next batch is answered with a look at everything. */
  async forgetCursor(): Promise<void> {
    await this.store.write(async (tx) => tx.delete("meta", "cursor"));
  }

  /** Applies a batch. False: it does not follow where this client stands, which is to be read from again. */
  async apply(batch: Batch): Promise<boolean> {
    const at = await this.cursor();
    if (batch.gap || at === "") {
      await this.resync(batch.cursor);
      return true;
    }
    if (batch.after !== at) return false;
    const absent = new Set<number>();
    for (;;) {
      const missing = await this.write(async (ledger) => {
        const event = await ledger.applyEvents(batch, absent);
        if (!event) ledger.setCursor(batch.cursor);
        return event;
      });
      if (!missing) return true;
      if (await this.mend(missing.chat_id)) await this.write((ledger) => ledger.passVersion(missing.chat_id, missing.version));
      else absent.add(missing.chat_id);
    }
  }

  /** Looks at every chat: after a gap, and at the very first. Then this cursor is where the client stands. */
  async resync(cursor: string): Promise<void> {
    const listed = new Set<number>();
    for (let after = 0, more = true; more; ) {
      const page = await this.ask(() => this.api.chatsAfter(this.self, after));
      for (const chat of page.chats) {
        listed.add(chat.id);
        await this.#settle(chat);
        after = chat.id;
      }
      more = page.next !== null && page.chats.length > 0;
    }
    await this.write(async (ledger) => {
      for (const chat of await ledger.tx.all("chats")) {
        if (!listed.has(chat.id)) await ledger.dropChat(chat.id);
      }
      ledger.setCursor(cursor);
    });
  }

  /** Asks for what changed in a chat since what is held of it. False: it is not there any more. */
  async mend(chatID: number): Promise<boolean> {
    try {
      const chat = await this.ask(() => this.api.chat(chatID));
      await this.#settle(chat);
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.write((ledger) => ledger.dropChat(chatID));
      return false;
    }
  }

  /** One transaction by the ledger's rules, told to whoever shows it once it is committed. */
  async write<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
    const [result, changes] = await this.store.write(async (tx: Tx) => {
      const ledger = new Ledger(tx, this.self);
      return [await work(ledger), ledger.changes] as const;
    });
    if (!isEmpty(changes)) this.publish(changes);
    return result;
  }

  /** Asks, and asks again when the server wants it slower. */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    for (let n = 0; ; n++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ProblemError && error.status === 429) || this.signal.aborted) throw error;
        await this.#waiter.sleep(error.retryAfter ?? backoff(n), this.signal);
      }
    }
  }

  /** Merges a chat that was just read, after everything that changed in what is held of it, which may be more than there was a moment ago. */
  async #settle(chat: Chat): Promise<void> {
    for (let settled = false; !settled; ) {
      const [held, members, anything] = await this.store.read((tx) => this.#held(tx, chat.id));
      const behind = held !== undefined && held.have < chat.version;
      if (behind && anything) await this.#mergeChanged(chat.id, held.have);
      settled = await this.write(async (ledger) => {
        if (!anything && (await ledger.holds(chat.id))) return false;
        await ledger.mergeChat(chat, true);
        return true;
      });
      if (settled && behind && members) {
        const now = await this.ask(() => this.api.members(chat.id));
        await this.write((ledger) => ledger.mergeMembers(chat.id, now));
      }
    }
  }

  async #held(tx: Tx, chatID: number): Promise<[HeldChat | undefined, boolean, boolean]> {
    const held = await tx.get("chats", chatID);
    const members = await tx.get("members", chatID);
    return [held, members !== undefined, await new Ledger(tx, this.self).holds(chatID)];
  }

  async #mergeChanged(chatID: number, version: number): Promise<void> {
    for (let more = true; more; ) {
      const page = await this.ask(() => this.api.messages(chatID, { changed_after: version, limit: 100 }));
      await this.write(async (ledger) => {
        for (const message of page.messages as Message[]) await ledger.mergeMessage(message);
      });
      version = page.messages.at(-1)?.version ?? version;
      more = page.has_more && page.messages.length > 0;
    }
  }
}

import type { Outgoing } from "./held.js";
import { ProblemError, isTemporary, isUnauthenticated } from "./problem.js";
import type { Message } from "./types.js";
import type { Sync } from "./sync.js";
import { Waiter, backoff } from "./wait.js";

/**
 * Sends what waits, one after the other in the order in which it was written. What was not answered is sent again with the same client_id for
 * as long as it takes, so it is stored once; what the server refuses stays, with the reason, until the user decides.
 */
export class Outbox {
  readonly #waiter = new Waiter();
  #running: Promise<void> | undefined;
  #again = false;

  constructor(readonly sync: Sync, readonly ended: () => void) {}

  /** Something waits, or the server may be back. */
  kick(): void {
    this.#again = true;
    this.#waiter.wake();
    this.#running ??= this.#run().catch((error) => this.#stopped(error)).finally(() => this.#done());
  }

  #stopped(error: unknown): void {
    this.#again = false;
    if (!this.sync.signal.aborted) console.error("doran: the outbox stopped until the next message", error);
  }

  #done(): void {
    this.#running = undefined;
    if (this.#again && !this.sync.signal.aborted) this.kick();
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#again && !this.sync.signal.aborted; ) {
      this.#again = false;
      const wait = await this.#drain(failures);
      if (wait === undefined) {
        failures = 0;
        continue;
      }
      failures++;
      await this.#waiter.sleep(wait, this.sync.signal);
      this.#again = true;
    }
  }

  /** Sends until nothing waits; gives how long to wait when the server could not take one. */
  async #drain(failures: number): Promise<number | undefined> {
    for (let next = await this.#next(); next && !this.sync.signal.aborted; next = await this.#next()) {
      try {
        const message = await this.sync.api.send(next.chat_id, next.content, next.client_id);
        await this.#sent(next, message);
      } catch (error) {
        if (isUnauthenticated(error)) {
          this.ended();
          return undefined;
        }
        if (isTemporary(error)) return (error instanceof ProblemError && error.retryAfter) || backoff(failures);
        await this.#refused(next, error);
      }
    }
    return undefined;
  }

  async #next(): Promise<Outgoing | undefined> {
    const all = await this.sync.store.read((tx) => tx.all("outbox"));
    return all.filter((o) => o.state === "queued").sort((a, b) => a.at - b.at)[0];
  }

  async #sent(outgoing: Outgoing, message: Message): Promise<void> {
    await this.sync.write(async (ledger) => {
      await ledger.mergeMessage(message);
      if (await ledger.tx.get("outbox", outgoing.client_id)) ledger.removeOutgoing(outgoing.client_id);
    });
  }

  async #refused(outgoing: Outgoing, error: unknown): Promise<void> {
    if (!(error instanceof ProblemError)) throw error;
    await this.sync.write(async (ledger) => {
      if (!(await ledger.tx.get("outbox", outgoing.client_id))) return; // its event came first, or the user gave it up
      ledger.putOutgoing({ ...outgoing, state: "failed", code: error.code, detail: error.detail });
    });
  }
}

import type { Api } from "./api.js";
import { ProblemError, isTemporary, isUnauthenticated } from "./problem.js";
import { CLOSE, Socket, type WebSocketMaker } from "./socket.js";
import type { Batch } from "./types.js";
import { Waiter, backoff } from "./wait.js";

/** How the client is connected. `connecting` is before the first answer, `waiting` after something went wrong, `elsewhere` is for the user to end. */
export interface Status {
  phase: "connecting" | "live" | "waiting" | "elsewhere" | "ended";
  transport: "websocket" | "poll" | null;
  cursor: string;
  /** Milliseconds since 1970 of the last batch; 0 before the first. */
  heard: number;
}

/** What a connection serves. */
export interface Receiver {
  cursor(): Promise<string>;
  forgetCursor(): Promise<void>;
  /** False when the batch does not follow the cursor. */
  apply(batch: Batch): Promise<boolean>;
  /** Called after a batch was applied or passed over, for what is in it besides. */
  passing(batch: Batch): void;
  status(status: Status): void;
  /** The token has ended. */
  ended(): void;
}

/** Times in milliseconds. */
export interface Timing {
  /** A WebSocket that has said nothing by then does not open. */
  open: number;
  /** Who lived longer than this was not cut by the network's rules. */
  steady: number;
  /** Between attempts to get from long-poll back to WebSocket, doubled up to `probeMost`. */
  probe: number;
  probeMost: number;
  /** Seconds a poll parks. */
  wait: number;
}

export const TIMING: Timing = { open: 4_000, steady: 60_000, probe: 5_000, probeMost: 300_000, wait: 25 };

/**
 * Keeps one user connected: over WebSocket; where that does not open, or is cut twice, by long-poll, and back when it opens
 * again. There is one cursor, and a batch that does not follow it is not applied but read again, so whichever transport brings
 * what, everything is applied once.
 */
export class Connection {
  readonly #waiter = new Waiter();
  #status: Status = { phase: "connecting", transport: null, cursor: "", heard: 0 };
  #cuts = 0;
  #failures = 0;
  #probeAfter: number;

  constructor(
    readonly api: Api,
    readonly receiver: Receiver,
    readonly makeSocket: WebSocketMaker,
    readonly signal: AbortSignal,
    readonly timing: Timing = TIMING,
  ) {
    this.#probeAfter = timing.probe;
  }

  /** The network may be back: whatever is waited for, try now. */
  wake(): void {
    this.#waiter.wake();
  }

  /** Runs until the signal or the token ends. */
  async run(): Promise<void> {
    let socket: Socket | undefined;
    while (!this.signal.aborted && this.#status.phase !== "ended") {
      try {
        if (socket) {
          await this.#read(socket);
          socket = undefined;
        } else if (this.#cuts < 2) {
          await this.#read(await this.#open());
        } else {
          socket = await this.#poll();
        }
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** Reads a socket to its end. Errors of applying end it too: it is read again from the cursor. */
  async #read(socket: Socket): Promise<void> {
    const opened = Date.now();
    const stop = () => socket.close();
    this.signal.addEventListener("abort", stop);
    try {
      for (let batch = await socket.next(); batch; batch = await socket.next()) {
        if (!(await this.#take(batch, "websocket"))) return;
      }
    } finally {
      this.signal.removeEventListener("abort", stop);
      stop();
    }
    await this.#closed(socket.code, Date.now() - opened);
  }

  async #closed(code: number, lived: number): Promise<void> {
    if (this.signal.aborted) return;
    if (code === CLOSE.tokenEnded) return this.#end();
    if (code === CLOSE.noCursor) return this.receiver.forgetCursor();
    if (lived > this.timing.steady) {
      this.#cuts = 0;
      this.#probeAfter = this.timing.probe;
    }
    if (code === CLOSE.notOpened || this.#status.transport !== "websocket" || this.#status.phase !== "live") this.#cuts = 2;
    else if (code !== CLOSE.goingAway) this.#cuts++;
    if (code === CLOSE.tooMany) {
      this.#say({ phase: "elsewhere", transport: null });
      await this.#waiter.sleep(2 ** 31 - 1, this.signal);
      return;
    }
    this.#say({ phase: "waiting" });
    await this.#waiter.sleep(Math.random() * 500, this.signal);
  }

  /** Polls until a WebSocket opens beside it, which it gives. */
  async #poll(): Promise<Socket | undefined> {
    const over = new AbortController();
    const stop = () => over.abort();
    this.signal.addEventListener("abort", stop);
    const probe = this.#probe(over.signal);
    const probing = probe.then(stop, stop);
    try {
      for (let wait = 0; !over.signal.aborted; wait = this.timing.wait) {
        const batch = await this.api.poll(await this.receiver.cursor(), wait, withTimeout(over.signal, (wait + 15) * 1000));
        await this.#take(batch, "poll");
      }
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      over.abort();
      this.signal.removeEventListener("abort", stop);
      await probing;
    }
    const opened = await probe;
    if (opened) this.#cuts = 1; // one more cut, and it is long-poll again
    return opened;
  }

  /** Tries, ever more rarely, until a WebSocket has said something. */
  async #probe(signal: AbortSignal): Promise<Socket | undefined> {
    const waiter = new Waiter();
    for (;;) {
      await waiter.sleep(this.#probeAfter, signal);
      if (signal.aborted) return undefined;
      this.#probeAfter = Math.min(this.#probeAfter * 2, this.timing.probeMost);
      const socket = await this.#open();
      const give = () => socket.close();
      signal.addEventListener("abort", give);
      const opened = await socket.peek();
      signal.removeEventListener("abort", give);
      if (opened) return socket;
      socket.close();
    }
  }

  async #open(): Promise<Socket> {
    const after = await this.receiver.cursor();
    return new Socket(this.api.base, this.api.token ?? "", after, this.makeSocket, this.timing.open);
  }

  /** Applies a batch; false when it does not follow, and the transport is to be asked anew from where we stand. */
  async #take(batch: Batch, transport: "websocket" | "poll"): Promise<boolean> {
    const follows = await this.receiver.apply(batch);
    this.#failures = 0;
    this.#say({ phase: "live", transport, cursor: await this.receiver.cursor(), heard: Date.now() });
    this.receiver.passing(batch);
    return follows;
  }

  async #failed(error: unknown): Promise<void> {
    if (this.signal.aborted) return;
    if (isUnauthenticated(error)) return this.#end();
    if (error instanceof ProblemError && error.fields.some((f) => f.field === "after")) return this.receiver.forgetCursor();
    if (!isTemporary(error)) console.warn("doran: the connection failed and is tried again", error);
    this.#say({ phase: "waiting" });
    const asked = error instanceof ProblemError ? error.retryAfter : undefined;
    await this.#waiter.sleep(asked ?? backoff(this.#failures++), this.signal);
    this.#probeAfter = Math.min(this.#probeAfter, this.timing.probe); // what was down may be up on every transport
  }

  #end(): void {
    this.#say({ phase: "ended", transport: null });
    this.receiver.ended();
  }

  #say(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.receiver.status(this.#status);
  }
}

function withTimeout(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : signal;
}

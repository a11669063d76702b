import type { Batch } from "./types.js";

/** The close codes that mean something to a client; any other one is a connection that was cut. */
export const CLOSE = { goingAway: 1001, tokenEnded: 4401, tooSlow: 4408, tooMany: 4409, noCursor: 4422, notOpened: 4900, silent: 4901 } as const;

/** The server says something at least every 25 s; after this much silence the socket is dead, whatever the network says. */
const SILENCE = 45_000;

/** The part of the browser's WebSocket that is used, so that tests and other platforms can bring theirs. */
export type WebSocketMaker = (url: string, protocols: string[]) => WebSocket;

/**
 * One WebSocket, read batch by batch. The token travels as a subprotocol, never in the URL. `code` says how it ended: a close code
 * of the server, or one of CLOSE's own.
 */
export class Socket {
  code = 0;
  readonly #socket: WebSocket;
  readonly #batches: Batch[] = [];
  readonly #silence: number;
  #waiting: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(base: string, token: string, after: string, make: WebSocketMaker, patience: number, silence = SILENCE) {
    this.#silence = silence;
    const url = base.replace(/^http/, "ws") + "/realtime/ws" + (after ? `?${new URLSearchParams({ after })}` : "");
    this.#socket = make(url, ["doran", `bearer.${token}`]);
    this.#socket.onmessage = (event) => this.#received(JSON.parse(String(event.data)) as Batch);
    this.#socket.onclose = (event) => this.#ended(event.code);
    this.#timer = setTimeout(() => this.close(CLOSE.notOpened), patience);
  }

  /** The next batch, or undefined once the socket has ended. */
  async next(): Promise<Batch | undefined> {
    await this.#something();
    return this.#batches.shift();
  }

  /** Waits for the first batch and leaves it there; false when the socket ended without one. */
  async peek(): Promise<boolean> {
    await this.#something();
    return this.#batches.length > 0;
  }

  close(code: number = 1000): void {
    this.#ended(code);
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  async #something(): Promise<void> {
    while (this.#batches.length === 0 && this.code === 0) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  #received(batch: Batch): void {
    this.#batches.push(batch);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(CLOSE.silent), this.#silence);
    this.#waiting?.();
  }

  #ended(code: number): void {
    clearTimeout(this.#timer);
    if (this.code === 0) this.code = code;
    this.#waiting?.();
  }
}

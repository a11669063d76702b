/**
 * The tabs of one browser that show one user. One of them leads: it holds the lock, connects, and tells the others what changed. A tab that closes
 * gives the lock to the next. Where a browser has no locks or channels, each tab leads for itself.
 */
export class Tabs<T> {
  readonly #channel: BroadcastChannel | undefined;

  constructor(readonly name: string, heard: (message: T) => void) {
    if (typeof BroadcastChannel === "undefined") return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = (event) => heard(event.data as T);
  }

  /** Tells the other tabs. */
  tell(message: T): void {
    this.#channel?.postMessage(message);
  }

  /** Waits to lead, and leads until the work or the signal ends. */
  async lead(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const locks = globalThis.navigator?.locks;
    if (!locks) return work();
    try {
      await locks.request(this.name, { signal }, work);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  close(): void {
    this.#channel?.close();
  }
}

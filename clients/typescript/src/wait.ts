/** Waits that end early when the signal does, or when somebody wakes it. */
export class Waiter {
  #wake: (() => void) | undefined;

  /** Ends after `ms`, at `wake`, or with the signal; it does not fail. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", this.#wake, { once: true });
    });
    if (this.#wake) signal.removeEventListener("abort", this.#wake);
    this.#wake = undefined;
  }

  wake(): void {
    this.#wake?.();
  }
}

/** How long to wait before attempt `n` (from 0): doubling from half a second to half a minute, spread so that clients do not come back at once. */
export function backoff(n: number): number {
  const most = Math.min(30_000, 500 * 2 ** n);
  return most / 2 + Math.random() * (most / 2);
}

/** The timers of one run of something that may crash: with it they end, all at once. */

import type { TimerHandle, Timers } from "../base/ports.ts";

/** {@linkcode Timers} that can be made to call back no more. */
export class EndingTimers implements Timers {
  readonly #timers: Timers;
  readonly #handles = new Set<TimerHandle>();
  #hasEnded = false;

  /** Calls back when `timers` do, until the end. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Calls back once after a delay; never once it has ended. */
  set(delayMs: number, callback: () => void): TimerHandle {
    if (this.#hasEnded) return { cancel() {} };
    const inner = this.#timers.set(delayMs, () => {
      this.#handles.delete(handle);
      callback();
    });
    const handle: TimerHandle = {
      cancel: () => {
        this.#handles.delete(handle);
        inner.cancel();
      },
    };
    this.#handles.add(handle);
    return handle;
  }

  /** Drops every callback that is still to come. */
  end(): void {
    this.#hasEnded = true;
    for (const handle of [...this.#handles]) handle.cancel();
  }
}

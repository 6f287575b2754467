/** Time and chance of a network in memory, and all its timers, so that none is left when it closes. */

import type { Clock, Random, TimerHandle, Timers } from "../lib/base/ports.ts";
import { below, fraction } from "../lib/base/random.ts";

/** What a network takes from outside. */
export class Schedule {
  readonly #timers: Timers;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #set = new Set<TimerHandle>();

  /** Reads the clock, sets timers and draws. */
  constructor(timers: Timers, clock: Clock, random: Random) {
    this.#timers = timers;
    this.#clock = clock;
    this.#random = random;
  }

  /** The present monotonic time. */
  nowMs(): number {
    return this.#clock.now().monoMs;
  }

  /** A timer that whoever sets it cancels. */
  set(delayMs: number, callback: () => void): TimerHandle {
    return this.#timers.set(delayMs, callback);
  }

  /** A timer that ends with the network. */
  after(delayMs: number, callback: () => void): TimerHandle {
    const timer = this.#timers.set(delayMs, () => {
      this.#set.delete(timer);
      callback();
    });
    this.#set.add(timer);
    return timer;
  }

  /** Drops a timer that {@linkcode after} set. */
  cancel(timer: TimerHandle): void {
    this.#set.delete(timer);
    timer.cancel();
  }

  /** Drops all timers that {@linkcode after} set. */
  cancelAll(): void {
    for (const timer of this.#set) timer.cancel();
    this.#set.clear();
  }

  /** Whether something hits that hits this share of times. What never or always does draws nothing. */
  hits(share: number): boolean {
    if (share <= 0) return false;
    return share >= 1 || fraction(this.#random) < share;
  }

  /** A number from 0 to below `most`; 0 draws nothing. */
  upTo(most: number): number {
    return most > 0 ? most * fraction(this.#random) : 0;
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return below(this.#random, limit);
  }
}

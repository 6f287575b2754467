/**
 * Time that moves only when a test says so: the clock and the timers of simulations.
 *
 * Timers run in the order of their due times, those of one moment in the order they were set, so a
 * run repeats exactly. Asynchronous code gets its turn between two timers in {@linkcode VirtualClock.run}
 * and {@linkcode VirtualClock.runUntil}; {@linkcode VirtualClock.advance} is for code without promises.
 */

import { setImmediate } from "node:timers";
import { assert } from "../base/assert.ts";
import type { Clock, Instant, TimerHandle, Timers } from "../base/ports.ts";
import { type Queued, TimerQueue } from "./timer_queue.ts";

/** Where the wall clock begins unless a test says otherwise: 2030-01-01T00:00:00Z. */
export const virtualWallStartMs: number = Date.UTC(2030, 0, 1);

/** A clock and its timers under a test's control. */
export class VirtualClock implements Clock, Timers {
  readonly #timers = new TimerQueue<VirtualTimer>();
  readonly #held = new Set<Promise<unknown>>();
  #due: VirtualTimer[] = [];
  #dueIndex = 0;
  #monoMs = 0;
  #fired = 0;
  #wallOffsetMs: number;

  /** Starts at monotonic 0 and the given wall time. */
  constructor(options: { readonly wallMs?: number } = {}) {
    this.#wallOffsetMs = options.wallMs ?? virtualWallStartMs;
  }

  /** The present virtual moment. */
  now(): Instant {
    return { monoMs: this.#monoMs, wallMs: this.#monoMs + this.#wallOffsetMs };
  }

  /** Calls back once virtual time has moved on by `delayMs`. */
  set(delayMs: number, callback: () => void): TimerHandle {
    assert(!Number.isNaN(delayMs), "a delay is a number");
    const timer = new VirtualTimer(callback, this.#timers);
    this.#timers.set(timer, this.#monoMs + Math.max(0, delayMs));
    return timer;
  }

  /** Moves the wall clock of everybody, as an operator or a time server would; timers do not notice. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** One peer's clock, with a wall clock of its own that is off by `wallOffsetMs`. */
  view(options: { readonly wallOffsetMs?: number } = {}): ClockView {
    return new ClockView(this, options.wallOffsetMs ?? 0);
  }

  /**
   * Makes virtual time wait for work that happens in real time (WebCrypto, a real store): the
   * asynchronous runs go on only when it is done. Returns the promise it was given.
   */
  hold<T>(work: Promise<T>): Promise<T> {
    const done: Promise<void> = work.then(() => {}, () => {}).then(() => void this.#held.delete(done));
    this.#held.add(done);
    return work;
  }

  /** Moves time on and runs the timers that fall due, without letting promises settle in between. */
  advance(byMs: number): void {
    const untilMs = this.#monoMs + byMs;
    while (this.#step(untilMs));
    this.#monoMs = untilMs;
  }

  /** {@linkcode advance} that stops as soon as `reached` holds; tells whether it did. */
  advanceUntil(reached: () => boolean, maxMs: number): boolean {
    const untilMs = this.#monoMs + maxMs;
    while (!reached()) {
      if (this.#step(untilMs)) continue;
      this.#monoMs = untilMs;
      return reached();
    }
    return true;
  }

  /** Moves time on and lets all promises settle before the first timer and after each. */
  async run(byMs: number): Promise<void> {
    await this.runUntil(() => false, byMs);
  }

  /** {@linkcode run} that stops as soon as `reached` holds; tells whether it did within `maxMs`. */
  async runUntil(reached: () => boolean, maxMs: number): Promise<boolean> {
    const untilMs = this.#monoMs + maxMs;
    await this.settle();
    while (!reached()) {
      if (!this.#step(untilMs)) {
        this.#monoMs = untilMs;
        await this.settle();
        return reached();
      }
      await this.settle();
    }
    return true;
  }

  /** Runs until `promise` settles and gives its outcome; fails if it has not within `maxMs` of virtual time. */
  async until<T>(promise: Promise<T>, maxMs: number): Promise<T> {
    let settled = false;
    const mark = () => void (settled = true);
    promise.then(mark, mark);
    if (await this.runUntil(() => settled, maxMs)) return await promise;
    throw new Error(`The awaited promise had not settled after ${maxMs} ms of virtual time`);
  }

  /** Lets everything that waits for no timer run to its end; time stands still. */
  async settle(): Promise<void> {
    await turn();
    while (this.#held.size > 0) {
      await Promise.race(this.#held);
      await turn();
    }
  }

  /** When the next timer is due (monotonic), or `null` if none is set. */
  next(): number | null {
    return this.#left().length > 0 ? this.#monoMs : this.#timers.next();
  }

  /** How many timers have fired. */
  get fired(): number {
    return this.#fired;
  }

  /** How many timers are set: a closed peer leaves none. */
  get timerCount(): number {
    return this.#timers.size + this.#left().length;
  }

  /** Timers of the present moment that are still to run. */
  #left(): VirtualTimer[] {
    return this.#due.slice(this.#dueIndex).filter((timer) => !timer.over);
  }

  /** Runs the next timer that is due by `untilMs` and tells whether there was one. */
  #step(untilMs: number): boolean {
    for (;;) {
      const timer = this.#due[this.#dueIndex++];
      if (timer === undefined) {
        this.#due = [];
        this.#dueIndex = 0;
        const next = this.#timers.next();
        if (next === null || next > untilMs) return false;
        this.#monoMs = next;
        this.#due = this.#timers.takeNext();
      } else if (!timer.over) {
        this.#fired++;
        timer.fire();
        return true;
      }
    }
  }
}

/** The clock of one peer on a shared {@linkcode VirtualClock}. */
export class ClockView implements Clock {
  readonly #clock: Clock;
  #wallOffsetMs: number;

  /** Reads `clock` with a wall clock that is off. */
  constructor(clock: Clock, wallOffsetMs: number) {
    this.#clock = clock;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** The present moment as this peer sees it. */
  now(): Instant {
    const { monoMs, wallMs } = this.#clock.now();
    return { monoMs, wallMs: wallMs + this.#wallOffsetMs };
  }

  /** Moves this peer's wall clock alone. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}

class VirtualTimer implements TimerHandle, Queued {
  /** `null` once it is over: whatever it refers to may go. */
  #callback: (() => void) | null;
  readonly #queue: TimerQueue<VirtualTimer>;

  constructor(callback: () => void, queue: TimerQueue<VirtualTimer>) {
    this.#callback = callback;
    this.#queue = queue;
  }

  get over(): boolean {
    return this.#callback === null;
  }

  fire(): void {
    const callback = this.#callback!;
    this.#callback = null;
    callback();
  }

  cancel(): void {
    if (this.over) return;
    this.#callback = null;
    this.#queue.onOver();
  }
}

/**
 * One turn of the event loop. All promises settle before it ends; `setTimeout` would cost 2 ms of
 * real time, a `MessageChannel` leaves promises behind (both measured).
 */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

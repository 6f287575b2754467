/**
 * The clocks and timers of one simulated machine. Both clocks run beside true (virtual) time and may be
 * wrong, each in its own way: the wall clock is off, drifts and jumps; the monotonic one drifts, leaps
 * ahead (a machine that slept), and stands still while the machine is stopped.
 *
 * All timers of the machine share one of true time, planned anew whenever a clock changes its pace, so a
 * timer fires when the machine's own monotonic clock says so.
 */

import { assert } from "../base/assert.ts";
import { DeadlineTable } from "../base/deadlines.ts";
import type { Clock, Instant, TimerHandle, Timers } from "../base/ports.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** How a machine's clocks are wrong. */
export interface ClockFaults {
  /** How far the wall clock is off at the start, in milliseconds; 0 by default. */
  readonly wallOffsetMs?: number;
  /** How much faster the wall clock runs, in parts per million; 0 by default. */
  readonly wallDriftPpm?: number;
  /** How much faster the monotonic clock runs, in parts per million; 0 by default. */
  readonly monoDriftPpm?: number;
}

/** A machine's clocks and timers. */
export class HostClock implements Clock, Timers {
  readonly #clock: VirtualClock;
  readonly #deadlines = new DeadlineTable<HostTimer>();
  readonly #monoPace: Pace;
  readonly #wallPace: Pace;
  #due: HostTimer[] = [];
  #alarm: TimerHandle | null = null;
  #alarmMs = Infinity;
  #isPaused = false;
  #jumpsMs = { wall: 0, mono: 0 };

  /** Clocks beside a true one, right unless told otherwise. */
  constructor(clock: VirtualClock, faults: ClockFaults = {}) {
    const { monoMs, wallMs } = clock.now();
    this.#clock = clock;
    this.#monoPace = new Pace(monoMs, monoMs, faults.monoDriftPpm ?? 0);
    this.#wallPace = new Pace(monoMs, wallMs + (faults.wallOffsetMs ?? 0), faults.wallDriftPpm ?? 0);
  }

  /** The present moment as this machine sees it. */
  now(): Instant {
    const { monoMs } = this.#clock.now();
    return { monoMs: this.#monoPace.at(monoMs), wallMs: Math.floor(this.#wallPace.at(monoMs)) };
  }

  /** Calls back once the monotonic clock has moved on by `delayMs`, unless the machine crashes before. */
  set(delayMs: number, callback: () => void): TimerHandle {
    assert(!Number.isNaN(delayMs), "a delay is a number");
    const timer = new HostTimer(callback, () => this.#deadlines.clear(timer));
    this.#deadlines.set(timer, this.now().monoMs + Math.max(0, delayMs));
    this.#plan();
    return timer;
  }

  /** How far jumps have moved the wall clock and the monotonic one, altogether. */
  get jumpsMs(): { readonly wall: number; readonly mono: number } {
    return this.#jumpsMs;
  }

  /** Moves the wall clock, as an operator or a time server does; timers do not notice. */
  jumpWall(byMs: number): void {
    this.#jumpsMs.wall += byMs;
    this.#wallPace.jump(this.#trueMs(), byMs);
  }

  /** Leaps the monotonic clock ahead, as after a sleep that it counted: timers fall due. */
  jumpMono(byMs: number): void {
    if (!(byMs >= 0)) throw new RangeError(`Cannot leap by ${byMs} ms: a monotonic clock never goes back`);
    this.#jumpsMs.mono += byMs;
    this.#monoPace.jump(this.#trueMs(), byMs);
    this.#plan();
  }

  /** Changes how fast the clocks run from now on. */
  drift(faults: Pick<ClockFaults, "wallDriftPpm" | "monoDriftPpm">): void {
    const nowMs = this.#trueMs();
    if (faults.wallDriftPpm !== undefined) this.#wallPace.change(nowMs, faults.wallDriftPpm);
    if (faults.monoDriftPpm !== undefined) this.#monoPace.change(nowMs, faults.monoDriftPpm);
    this.#plan();
  }

  /** Stops the machine: no timer fires. The monotonic clock stops too, unless it counts sleep. */
  pause(options: { readonly countsSleep?: boolean } = {}): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (options.countsSleep !== true) this.#monoPace.stop(this.#trueMs());
    this.#plan();
  }

  /** Lets the machine go on; what fell due meanwhile fires at once, in order. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#monoPace.start(this.#trueMs());
    this.#plan();
  }

  /** Drops all timers, as a crash does. */
  forget(): void {
    for (const timer of this.#due) timer.over = true;
    this.#due = [];
    this.#deadlines.takeDue(Infinity).forEach((timer) => timer.over = true);
    this.#plan();
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#deadlines.size + this.#due.filter((timer) => !timer.over).length;
  }

  /** Sets the one timer of true time to when the next of this machine's is due. */
  #plan(): void {
    const nextMs = this.#isPaused ? null : this.#nextTrueMs();
    if (nextMs === this.#alarmMs) return;
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#alarmMs = nextMs ?? Infinity;
    if (nextMs === null) return;
    this.#alarm = this.#clock.set(nextMs - this.#trueMs(), () => this.#fire());
  }

  #nextTrueMs(): number | null {
    if (this.#due.some((timer) => !timer.over)) return this.#trueMs();
    const next = this.#deadlines.next();
    if (next === null) return null;
    const atMs = Math.max(this.#trueMs(), this.#monoPace.when(next));
    // Never early by rounding: whoever set the timer would find nothing due, and set it again for no time at all.
    return this.#monoPace.at(atMs) < next ? atMs + roundingMs : atMs;
  }

  /** Fires one timer: promises settle before the next. */
  #fire(): void {
    this.#alarm = null;
    this.#alarmMs = Infinity;
    this.#due = this.#due.filter((timer) => !timer.over);
    if (this.#due.length === 0) this.#due = this.#deadlines.takeDue(this.now().monoMs);
    const timer = this.#due.shift();
    if (timer !== undefined && !timer.over) timer.fire();
    this.#plan();
  }

  #trueMs(): number {
    return this.#clock.now().monoMs;
  }
}

/** One clock as a straight line over true time, bent where it changes its pace. */
class Pace {
  #trueMs: number;
  #ownMs: number;
  #rate: number;
  #isStopped = false;

  constructor(trueMs: number, ownMs: number, driftPpm: number) {
    this.#trueMs = trueMs;
    this.#ownMs = ownMs;
    this.#rate = rateOf(driftPpm);
  }

  at(trueMs: number): number {
    return this.#isStopped ? this.#ownMs : this.#ownMs + (trueMs - this.#trueMs) * this.#rate;
  }

  /** True time at which this clock shows `ownMs`, if its pace stays. */
  when(ownMs: number): number {
    return this.#trueMs + (ownMs - this.#ownMs) / this.#rate;
  }

  change(trueMs: number, driftPpm: number): void {
    this.#bend(trueMs);
    this.#rate = rateOf(driftPpm);
  }

  jump(trueMs: number, byMs: number): void {
    this.#bend(trueMs);
    this.#ownMs += byMs;
  }

  stop(trueMs: number): void {
    this.#bend(trueMs);
    this.#isStopped = true;
  }

  start(trueMs: number): void {
    this.#bend(trueMs);
    this.#isStopped = false;
  }

  #bend(trueMs: number): void {
    this.#ownMs = this.at(trueMs);
    this.#trueMs = trueMs;
  }
}

class HostTimer implements TimerHandle {
  over = false;
  readonly #callback: () => void;
  readonly #clear: () => void;

  constructor(callback: () => void, clear: () => void) {
    this.#callback = callback;
    this.#clear = clear;
  }

  fire(): void {
    this.over = true;
    this.#callback();
  }

  cancel(): void {
    this.over = true;
    this.#clear();
  }
}

function rateOf(driftPpm: number): number {
  if (!(Math.abs(driftPpm) <= 500_000)) {
    throw new RangeError(`Cannot make a clock drift by ${driftPpm} ppm: at most 500,000 either way`);
  }
  return 1 + driftPpm / 1e6;
}

/** What a timer that a drifting clock would bring too early by rounding waits longer. */
const roundingMs = 1e-3;

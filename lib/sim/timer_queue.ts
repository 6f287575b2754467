/**
 * Timers of a simulation by the moment in which they are due. Most of millions fall on some thousands of
 * whole milliseconds, so those of one moment share a list, and only moments are kept in order.
 */

import { DeadlineTable } from "../base/deadlines.ts";

/** A timer that may be over before its moment comes. */
export interface Queued {
  readonly over: boolean;
}

/** Timers in the order of their moments, those of one moment in the order they were set. */
export class TimerQueue<T extends Queued> {
  readonly #moments = new Map<number, T[]>();
  readonly #order = new DeadlineTable<number>();
  /** Timers in the lists, those that are over included, and how many went over since the lists were swept. */
  #listed = 0;
  #overs = 0;

  /** Adds a timer. */
  set(timer: T, atMs: number): void {
    const moment = this.#moments.get(atMs);
    if (moment !== undefined) moment.push(timer);
    else {
      this.#moments.set(atMs, [timer]);
      this.#order.set(atMs, atMs);
    }
    this.#listed++;
  }

  /** A timer went over without having run: lists that are mostly such are swept. */
  onOver(): void {
    if (++this.#overs > 64 && 2 * this.#overs > this.#listed) this.#sweep();
  }

  /** The next moment with a timer that is not over, or `null`. */
  next(): number | null {
    for (let atMs = this.#order.next(); atMs !== null; atMs = this.#order.next()) {
      if (this.#moments.get(atMs)!.some(({ over }) => !over)) return atMs;
      this.#take(atMs);
    }
    return null;
  }

  /** Removes and returns the timers of the next moment. */
  takeNext(): T[] {
    const atMs = this.#order.next();
    return atMs === null ? [] : this.#take(atMs);
  }

  /** How many timers are not over. All are looked at. */
  get size(): number {
    let size = 0;
    for (const moment of this.#moments.values()) for (const { over } of moment) if (!over) size++;
    return size;
  }

  #take(atMs: number): T[] {
    const moment = this.#moments.get(atMs)!;
    this.#moments.delete(atMs);
    this.#order.clear(atMs);
    this.#listed -= moment.length;
    return moment;
  }

  #sweep(): void {
    this.#overs = 0;
    for (const [atMs, moment] of this.#moments) {
      const left = moment.filter(({ over }) => !over);
      this.#listed -= moment.length - left.length;
      if (left.length > 0) this.#moments.set(atMs, left);
      else {
        this.#moments.delete(atMs);
        this.#order.clear(atMs);
      }
    }
  }
}

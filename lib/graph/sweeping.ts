/**
 * When a replica tells its set the time, and what goes by that: items past their `until` leave the set, and the
 * shelf after them. A part of the {@linkcode Replica}.
 */

import type { Instant } from "../base/ports.ts";
import type { Item } from "../records/item.ts";
import type { ItemSet, SetChange } from "../records/item_set.ts";
import { ShelfAge } from "../records/shelf_age.ts";
import { clockSetBackMs } from "./limits.ts";
import type { PeerTime } from "./peer_time.ts";

/** The sweeping of one graph. */
export class Sweeping {
  readonly #set: ItemSet;
  readonly #peerTime: PeerTime;
  readonly #shelfAge = new ShelfAge();
  /** The latest time that the set was told, since it was told an earlier one last. */
  #sweptAt = 0;

  constructor(set: ItemSet, peerTime: PeerTime) {
    this.#set = set;
    this.#peerTime = peerTime;
  }

  /** The time that the set is told with a change. */
  timeFor(now: Instant): number {
    const sweepAt = this.#peerTime.sweepAt(now);
    this.#sweptAt = Math.max(this.#sweptAt, sweepAt);
    return sweepAt;
  }

  /** Tells the set the time if something is due by it, or if the clock was set back; `null` if nothing is. */
  judgeTime(now: Instant): SetChange | null {
    const sweepAt = this.#peerTime.sweepAt(now);
    const next = this.#set.nextUntil();
    const isSetBack = sweepAt < this.#sweptAt - clockSetBackMs;
    if (!isSetBack && (next === null || next > sweepAt)) return null;
    this.#sweptAt = sweepAt;
    return this.#set.judgeTime(sweepAt);
  }

  /** Drops what has stood on the shelf for long enough. */
  sweepShelf(now: Instant): readonly Item[] {
    const due = this.#shelfAge.due(this.#set.shelf(), this.#peerTime.sweepAt(now), now.monoMs);
    return due.length === 0 ? [] : this.#set.forget(due).dropped;
  }
}

/**
 * When a replica compares its sets with each neighbor, and how far it has seen each neighbor's arrivals.
 * A part of the {@linkcode Replica}; how one comparison goes is in `catchup.ts`.
 */

import { BoundedMap } from "../base/bounded.ts";
import type { Instant, Random } from "../base/ports.ts";
import { jittered } from "../base/random.ts";
import type { CatchupContext } from "./catchup.ts";
import { cursorEntry, cursorKey, cursorName } from "./keeping.ts";
import { catchupPauseMs, cursorsMax, divergedPauseMs } from "./limits.ts";
import type { Cursor, SetKind } from "./messages.ts";
import type { Neighbor } from "./neighbor.ts";
import type { Replica } from "./replica.ts";

/** The catch-ups of one graph. */
export class Catchups {
  readonly #replica: Replica;
  readonly #random: Random;
  readonly #firstPendingArrival: () => number | null;
  readonly #cursors = new BoundedMap<string, Cursor>(2 * cursorsMax);

  /** `firstPendingArrival` tells the arrival number of the first own item that is not durable yet, or `null`. */
  constructor(replica: Replica, random: Random, firstPendingArrival: () => number | null) {
    this.#replica = replica;
    this.#random = random;
    this.#firstPendingArrival = firstPendingArrival;
  }

  /** What catch-up with a neighbor needs. */
  contextOf(neighbor: Neighbor): CatchupContext {
    const { set, crypto } = this.#replica;
    return {
      set,
      crypto,
      cursor: (kind) => this.#cursors.get(cursorName(neighbor.id, kind)) ?? null,
      saveCursor: (kind, cursor) => this.#save(neighbor, kind, cursor),
      mayBegin: () => this.#mayBegin(neighbor),
      settledArrival: () => (this.#firstPendingArrival() ?? set.arrival + 1) - 1,
    };
  }

  /** Cursors that the store held. */
  restore(cursors: ReadonlyMap<string, Cursor>): void {
    for (const [name, cursor] of cursors) this.#cursors.set(name, cursor);
  }

  /** A catch-up ended: tells it, and plans the next. */
  onEnd(neighbor: Neighbor, now: Instant): void {
    const { set, outbox, deadlines } = this.#replica;
    // What still differs and does not grow less is held back somewhere (a stamp ahead of its time, say): asked for more and more rarely.
    const isEqual = neighbor.catchup.result === "equal";
    const isStuck = !isEqual && neighbor.arrivalAtCatchup === set.arrival;
    neighbor.stuckCatchups = isStuck ? neighbor.stuckCatchups + 1 : 0;
    neighbor.arrivalAtCatchup = set.arrival;
    if (!neighbor.isSynchronised) {
      neighbor.isSynchronised = true;
      outbox.emit({ kind: "synchronised", peer: neighbor.peer });
    }
    const divergedMs = Math.min(catchupPauseMs, divergedPauseMs * 2 ** Math.min(neighbor.stuckCatchups, 16));
    const pause = jittered(this.#random, isEqual ? catchupPauseMs : divergedMs);
    deadlines.set(`catchup:${neighbor.link}`, now.monoMs + pause);
  }

  /** Whether a catch-up with a neighbor may begin now; if not, it does when the neighbor's budget allows. */
  #mayBegin(neighbor: Neighbor): boolean {
    const { set, deadlines, present } = this.#replica;
    const waitMs = neighbor.budget.waitMs(present.monoMs, set.authority.bytes + set.data.bytes);
    if (waitMs > 0) deadlines.set(`catchup:${neighbor.link}`, present.monoMs + waitMs);
    return waitMs === 0;
  }

  #save(neighbor: Neighbor, set: SetKind, cursor: Cursor): void {
    const { graph } = this.#replica;
    const evicted = this.#cursors.set(cursorName(neighbor.id, set), cursor);
    if (evicted !== null) this.#replica.discard(cursorKey(graph, evicted[0]));
    this.#replica.keep(cursorEntry(graph, neighbor.peer, set, cursor));
  }
}

/**
 * Peer time: the wall clock, moved by the median difference to the neighbors' clocks (protocol §4), so
 * that nodes whose clocks are minutes apart still hide a record at the same moment. It never decides
 * what is valid. A clock too far from all neighbors' counts as wrong.
 */

import type { Instant } from "../base/ports.ts";
import { peerTimeMoveMsMin, peerTimeOffsetMsMax, peerTimeSamplesMin } from "./limits.ts";

/** The clock of one node of a graph. */
export class PeerTime {
  readonly #samples = new Map<string, { readonly offsetMs: number; readonly dialled: boolean }>();
  #offsetMs = 0;
  #medianMs = 0;
  // What the neighbors' clocks say by now, which peer time follows when it may.
  #wantedMs = 0;
  #movedMs = -Infinity;

  /** A neighbor's wall clock said `theirWallMs` at our `now`. */
  sample(peer: string, theirWallMs: number, dialled: boolean, now: Instant): void {
    this.#samples.set(peer, { offsetMs: theirWallMs - now.wallMs, dialled });
    this.#judge();
    this.follow(now.monoMs);
  }

  /** A neighbor is gone, and its clock with it. */
  remove(peer: string, monoMs: number): void {
    if (!this.#samples.delete(peer)) return;
    this.#judge();
    this.follow(monoMs);
  }

  /**
   * Moves to what the neighbors' clocks say, unless it was moved a moment ago: each move may hide and show
   * again all that a node holds, so clocks that flap must not set the pace.
   */
  follow(monoMs: number): void {
    if (this.#wantedMs === this.#medianMs || monoMs < this.#movedMs + peerTimeMoveMsMin) return;
    this.#movedMs = monoMs;
    this.#medianMs = this.#wantedMs;
    this.#offsetMs = Math.max(-peerTimeOffsetMsMax, Math.min(peerTimeOffsetMsMax, this.#medianMs));
  }

  /** The peer time at an instant, in wall milliseconds. */
  at(now: Instant): number {
    return Math.max(1, now.wallMs + this.#offsetMs);
  }

  /**
   * The time by which items are swept: while the clocks are too far apart, what is over by both only. A
   * clock that runs ahead destroys nothing, nor do neighbors that say so.
   */
  sweepAt(now: Instant): number {
    return this.isWrong ? Math.max(1, Math.min(this.at(now), now.wallMs + this.#medianMs)) : this.at(now);
  }

  /** Whether this clock and the neighbors' are too far apart to stamp anything. */
  get isWrong(): boolean {
    return Math.abs(this.#medianMs) > peerTimeOffsetMsMax;
  }

  /** What peer time adds to the wall clock, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  #judge(): void {
    const samples = [...this.#samples.values()];
    // At least one that we chose ourselves: whoever dials us in numbers must not set our clock (timejacking).
    const enough = samples.length >= peerTimeSamplesMin && samples.some((sample) => sample.dialled);
    this.#wantedMs = enough ? medianOf(samples.map((sample) => sample.offsetMs)) : 0;
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1]!;
}

/** What was acknowledged stays: I1, I2 and the second half of I8. */

import { hex } from "../../base/bytes.ts";
import { clockSetBackMs, peerTimeOffsetMsMax } from "../../graph/limits.ts";
import type { Replica } from "../../graph/replica.ts";
import { type DataItem, isData } from "../../records/item.ts";
import type { Checker, ReplicaStep } from "../checker.ts";
import type { SimulatedPeer } from "../simulated_peer.ts";
import type { Watch } from "./watch.ts";
import type { Acknowledged } from "./writings.ts";

/** I1: what a peer acknowledged is durable at that moment, and known after each of its starts. */
export class DurableAcknowledgement implements Checker {
  readonly invariant = "I1";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onAcknowledged({ peer, item, entry }: Acknowledged): void {
    if (peer.store.isDurable(entry.key)) return;
    this.#watch.report("I1", `${peer.name} acknowledged item ${item.id} before its store had it`);
  }

  onReplica({ peer, replica, input }: ReplicaStep): void {
    if (input.kind !== "loaded") return;
    for (const { item } of this.#watch.writings.of(peer, hex(replica.graph))) {
      if (replica.set.has(item.id)) continue;
      // Past its `until` nothing brings it back: it may be swept (protocol §4).
      if (isData(item) && item.body.until < this.#watch.wallMs()) continue;
      this.#watch.report(
        "I1",
        `${peer.name} acknowledged item ${item.id}, and its next start does not know it`,
      );
    }
  }
}

/** I2: a start finds whole entries, or none: nothing of it goes into quarantine that no disk has damaged. */
export class AtomicWrites implements Checker {
  readonly invariant = "I2";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, input, effects }: ReplicaStep): void {
    if (input.kind !== "loaded" || peer.isDiskDamaged) return;
    for (const effect of effects) {
      if (effect.kind !== "store" || effect.sets[0]?.key[0] !== "quarantine") continue;
      this.#watch.report(
        "I2",
        `${peer.name} found a torn entry: ${effect.sets[0].key.slice(1, 4).map(String)}`,
      );
    }
  }
}

/** I8, second half: a clock that was ahead has taken nothing away, neither when it is set back nor in the end. */
export class NothingSweptEarly implements Checker {
  readonly invariant = "I8";
  readonly #watch: Watch;
  /** By which time each replica sweeps, and whether that was set back by its last step. */
  readonly #times = new WeakMap<Replica, { readonly sweepAt: number; readonly isSetBack: boolean }>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, now }: ReplicaStep): void {
    const sweepAt = replica.peerTime.sweepAt(now);
    const before = this.#times.get(replica) ?? { sweepAt, isSetBack: false };
    this.#times.set(replica, { sweepAt, isSetBack: sweepAt < before.sweepAt - clockSetBackMs });
    // A step judges all by its time first and may change that time then, so what it is to do shows after the next.
    if (!before.isSetBack || !replica.isRunning) return;
    for (const { item } of replica.set.shelf()) {
      const latestMs = Math.max(sweepAt, before.sweepAt);
      if (isData(item) && isWanted(replica, item, latestMs)) this.#report(peer, item);
    }
  }

  onQuiet(peers: readonly SimulatedPeer[]): void {
    const latestMs = this.#watch.wallMs() + peerTimeOffsetMsMax;
    for (const [graph, nodes] of this.#watch.replicas.graphs()) {
      for (const { peer, replica } of nodes) {
        for (const { peer: author, item } of peers.flatMap((one) => this.#watch.writings.of(one, graph))) {
          const entry = replica.set.entry(item.id);
          // Others may never have had it.
          const isGone = entry === null ? author === peer : entry.place === "shelf";
          if (isGone && isData(item) && isWanted(replica, item, latestMs)) this.#report(peer, item);
        }
      }
    }
  }

  #report(peer: SimulatedPeer, item: DataItem): void {
    this.#watch.report("I8", `${peer.name} swept item ${item.id} before its time`);
  }
}

/** Whether nothing speaks against an item: its time is not over, its author may, and nothing has replaced it. */
function isWanted({ set, policy }: Replica, item: DataItem, nowMs: number): boolean {
  if (item.body.until <= nowMs || policy.judge(item) !== "in") return false;
  return !set.itemsOf(item.record).some((other) => other.place === "in");
}

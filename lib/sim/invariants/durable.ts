/** What was acknowledged stays: I1, I2 and the second half of I8. */

import { hex } from "../../base/bytes.ts";
import { isData } from "../../records/item.ts";
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

/** I8, second half: no clock takes a record away before its time. */
export class NothingSweptEarly implements Checker {
  readonly invariant = "I8";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(peers: readonly SimulatedPeer[]): void {
    for (const [graph, nodes] of this.#watch.replicas.graphs()) {
      for (const { peer, replica } of nodes) {
        for (const { item } of peers.flatMap((author) => this.#watch.writings.of(author, graph))) {
          const entry = replica.set.entry(item.id);
          if (entry === null || entry.place !== "shelf" || !isData(item)) continue;
          const isRivalled = replica.set.itemsOf(item.record).some((other) => other.place === "in");
          if (isRivalled || replica.policy.judge(item) !== "in" || item.body.until < this.#watch.wallMs()) {
            continue;
          }
          this.#watch.report("I8", `${peer.name} swept item ${item.id} before its time`);
        }
      }
    }
  }
}

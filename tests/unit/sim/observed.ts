/**
 * A small lawful world watched by a set of checkers of its own: two members of a group that write, change
 * and delete, in one cloud. Tests then tell the checkers of things that never happened.
 */

import assert from "node:assert/strict";
import type { ReplicaEvent } from "../../../lib/graph/machine.ts";
import type { Replica } from "../../../lib/graph/replica.ts";
import type { Item } from "../../../lib/records/item.ts";
import type { Checker, CloudStep, ReplicaStep } from "../../../lib/sim/checker.ts";
import { CryptoWork } from "../../../lib/sim/crypto_work.ts";
import { createCheckers } from "../../../lib/sim/invariants.ts";
import type { Acknowledged } from "../../../lib/sim/invariants/writings.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import { Simulation } from "../../../lib/sim/simulation.ts";
import type { NetworkEvent } from "../../../transports/memory.ts";

/** What is put in the place of members of a real object. */
type Changes = Readonly<Record<string, unknown>>;

/** The world, what happened in it, and a voice to its checkers. */
export class Observed {
  readonly sim: Simulation;
  readonly reports: string[] = [];
  readonly steps: ReplicaStep[] = [];
  readonly clouds: CloudStep[] = [];
  readonly network: NetworkEvent[] = [];
  readonly acknowledged: Acknowledged[] = [];
  /** What the checkers count; the world's own work is counted elsewhere. */
  readonly work: CryptoWork = new CryptoWork(createLightCrypto());
  ana!: SimulatedPeer;
  ben!: SimulatedPeer;
  #checkers: readonly Checker[] = [];

  private constructor() {
    this.sim = new Simulation({
      seed: 5,
      checkers: (watched) => {
        const report = (invariant: string, message: string) =>
          void this.reports.push(`${invariant}: ${message}`);
        this.#checkers = createCheckers({ ...watched, work: this.work }, report).all;
        const onAcknowledged = this.#checkers.find(({ invariant }) => invariant === "I1")!;
        const heard = onAcknowledged.onAcknowledged!.bind(onAcknowledged);
        onAcknowledged.onAcknowledged = (one) => {
          this.acknowledged.push(one);
          heard(one);
        };
        return [...this.#checkers, this.#recorder()];
      },
    });
  }

  /** Lets the world live for a while; none of its checkers has anything to say of it. */
  static async create(): Promise<Observed> {
    const world = new Observed();
    await world.#live();
    assert.deepEqual(world.reports, []);
    return world;
  }

  /** Tells all checkers of something. */
  tell<K extends Exclude<keyof Checker, "invariant">>(
    what: K,
    ...args: Parameters<NonNullable<Checker[K]>>
  ): void {
    for (const checker of this.#checkers) {
      (checker[what] as ((...args: unknown[]) => void) | undefined)?.(...args);
    }
  }

  /** Tells of a step of `ana`'s replica that never was: with such effects, by a replica that differs so. */
  tellStep(changes: Partial<ReplicaStep>, replica: Changes = {}): void {
    this.tell("onReplica", this.stepOf(this.ana, changes, replica));
  }

  /** A peer's last step, changed. */
  stepOf(peer: SimulatedPeer, changes: Partial<ReplicaStep>, replica: Changes = {}): ReplicaStep {
    const last = this.steps.findLast((step) => step.peer === peer)!;
    return { ...last, effects: [], ...changes, replica: altered(last.replica, replica) };
  }

  /** All is quiet. */
  tellQuiet(): void {
    this.tell("onQuiet", this.sim.all);
  }

  /** What is reported by now: the invariants, each once. */
  reported(): string[] {
    return [...new Set(this.reports.map((report) => report.split(":")[0]!))];
  }

  /** The newest event of its kind about a record. */
  recordEvent(cause: string): ReplicaEvent & { kind: "record" } {
    for (const { effects } of this.steps.toReversed()) {
      for (const effect of effects) {
        if (effect.kind === "emit" && effect.event.kind === "record" && effect.event.cause === cause) {
          return effect.event;
        }
      }
    }
    return assert.fail(`no record was ${cause}`);
  }

  /** Items of `ana`'s set. */
  items(): Item[] {
    return [...this.replica.set.entries()].map(({ item }) => item);
  }

  get replica(): Replica {
    return this.steps.findLast(({ peer }) => peer === this.ana)!.replica;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.close();
  }

  async #live(): Promise<void> {
    const { sim } = this;
    [this.ana, this.ben] = await sim.peers(2);
    await sim.run(this.ben.peer.names.bootstrap([this.ana.bootstrap]));
    const group = await sim.run(this.ana.peer.groups.create("Observed"));
    const other = await sim.run(this.ben.peer.groups.join(await sim.run(group.invite())));
    const [kept, gone] = await sim.run(
      Promise.all([group.records.add("note", "first"), group.records.add("note", "second")]),
    );
    await sim.run(2_000);
    await sim.run(group.records.update(kept.id, "changed"));
    await sim.run(group.records.delete(gone.id));
    await sim.run(other.records.add("note", "of ben"));
    await sim.run(60_000);
    sim.judgeQuiet();
    await sim.run(60_000);
    sim.judgeIdle(60_000);
  }

  #recorder(): Checker {
    return {
      invariant: "",
      onReplica: (step) => void this.steps.push(step),
      onCloud: (step) => void this.clouds.push(step),
      onNetwork: (event) => void this.network.push({ ...event, content: event.content.slice() }),
    };
  }
}

/** An object that is another but for some of its members. */
export function altered<T extends object>(real: T, changes: Changes): T {
  return new Proxy(real, {
    get: (target, name) => {
      if (typeof name === "string" && name in changes) return changes[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

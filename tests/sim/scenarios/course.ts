/**
 * The course that a scenario of records takes, in a graph as in a group: users and faults in turn, as the seed
 * draws them; then calm, in which everything that the invariants promise must come true.
 */

import { below, pick } from "../../../lib/base/random.ts";
import type { Records } from "../../../lib/peer/surface.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";
import { type FaultKind, Storm } from "../../../lib/sim/storm.ts";
import { Calls } from "./calls.ts";
import { Reader } from "./readers.ts";

/** Storm, calls and readers of one scenario. */
export class Course {
  readonly storm: Storm;
  readonly calls: Calls;
  readonly #sim: Simulation;
  #readers: Reader[] = [];

  /** `onRestart` hears of peers that run again after a crash; `without` are faults that do not come. */
  constructor(
    sim: Simulation,
    onRestart: (peer: SimulatedPeer) => void,
    without: readonly FaultKind[] = [],
  ) {
    this.#sim = sim;
    this.storm = new Storm(sim, onRestart, without);
    this.calls = new Calls(sim);
  }

  /** Has a reader at a peer from now on, until it crashes. */
  read(peer: SimulatedPeer, records: Records): void {
    this.#readers = this.#readers.filter((reader) => reader.isAlive);
    this.#readers.push(new Reader(this.#sim, peer, records));
  }

  /** Users, who do what `act` says, and faults. */
  async rage(peers: readonly SimulatedPeer[], act: () => void): Promise<void> {
    const { random } = this.#sim;
    for (let step = 40 + below(random, 150); step > 0; step--) {
      if (below(random, 5) === 0) this.storm.step(peers);
      else act();
      await this.#sim.run(below(random, pick(random, [5, 50, 500, 5_000, 20_000])));
      this.calls.check();
    }
  }

  /** After all was mended: calls end, sets become equal, readers know all, and traffic rests. */
  async settle(): Promise<void> {
    for (let spanMs = 0; spanMs < settleMsMax; spanMs += settleStepMs) {
      await this.#sim.run(settleStepMs);
      if (this.calls.areOver && this.#sim.differences().length === 0) break;
    }
    this.#sim.assert(this.calls.areOver, "I9: every call has ended once all is mended");
    this.#sim.judgeQuiet();
    for (const reader of this.#readers.filter((reader) => reader.isAlive)) await reader.check();
    await this.#sim.run(idleMs);
    this.#sim.judgeIdle(idleMs);
  }
}

/**
 * What peers have to come to one state once all is mended. A clock that was set ahead by half an hour stamped
 * items that nobody takes before their time comes (protocol §4).
 */
const settleMsMax = 2_700_000;
const settleStepMs = 30_000;
const idleMs = 120_000;

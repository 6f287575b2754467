/** Readers of records as applications have them: what they were told must be what there is (I10). */

import type { Records, RecordView } from "../../../lib/peer/surface.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";

/** One watch of one start of a peer. */
export class Reader {
  readonly peer: SimulatedPeer;
  readonly #sim: Simulation;
  readonly #records: Records;
  readonly #starts: number;
  readonly #shown = new Map<string, string>();
  #isOver = false;

  constructor(sim: Simulation, peer: SimulatedPeer, records: Records) {
    this.peer = peer;
    this.#sim = sim;
    this.#records = records;
    this.#starts = peer.starts;
    this.#read();
  }

  /** Whether its peer still runs. */
  get isAlive(): boolean {
    return !this.#isOver && this.peer.isUp && this.peer.starts === this.#starts;
  }

  /** What it was told adds up to what there is. */
  async check(): Promise<void> {
    const listed = await this.#sim.run(this.#records.list());
    const there = new Map(listed.map((record) => [record.id, stateOf(record)]));
    for (const [id, state] of there) {
      this.#sim.assert(
        this.#shown.get(id) === state,
        `I10: a reader at ${this.peer.name} was not told of ${id} ${state}, but ${this.#shown.get(id)}`,
      );
    }
    for (const id of this.#shown.keys()) {
      this.#sim.assert(there.has(id), `I10: a reader at ${this.peer.name} was not told that ${id} is gone`);
    }
  }

  async #read(): Promise<void> {
    for await (const { kind, record } of this.#records.watch()) {
      if (kind === "conflict") continue;
      const isThere = kind === "added" || kind === "updated" || kind === "returned";
      if (isThere) {
        const state = stateOf(record);
        this.#sim.assert(
          this.#shown.get(record.id) !== state,
          `I10: ${this.peer.name} was told twice of ${record.id} ${state}`,
        );
        this.#shown.set(record.id, state);
      } else this.#shown.delete(record.id);
    }
    this.#isOver = true;
  }
}

function stateOf({ version, value, expires }: RecordView): string {
  return `version ${version} "${value}" until ${expires.getTime()}`;
}

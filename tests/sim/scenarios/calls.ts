/** The calls that a scenario makes and does not wait for: each ends within its limit, and fails only in documented ways. */

import { PeerError } from "../../../lib/base/errors.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";

/** One call under way. */
interface Call {
  readonly peer: SimulatedPeer;
  readonly starts: number;
  readonly what: string;
  /** By its machine's monotonic clock, and in truth. */
  readonly sinceMs: number;
  readonly trulySinceMs: number;
}

/** All calls of a scenario. */
export class Calls {
  readonly #sim: Simulation;
  readonly #open = new Set<Call>();
  /** How many ended, by what was called and `ok` or the code. */
  readonly ended: Map<string, number> = new Map();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** Makes a call; `then` gets what it yields. A peer that crashes takes its calls with it. */
  make<T>(
    peer: SimulatedPeer,
    what: string,
    call: () => Promise<T>,
    then: (value: T) => void = () => {},
  ): void {
    const sinceMs = peer.clock.now().monoMs;
    const made: Call = { peer, starts: peer.starts, what, sinceMs, trulySinceMs: this.#sim.nowMs };
    this.#open.add(made);
    const end = (how: string) => {
      this.#open.delete(made);
      const key = `${what} ${how}`;
      this.ended.set(key, (this.ended.get(key) ?? 0) + 1);
    };
    Promise.try(call).then((value) => {
      end("ok");
      then(value);
    }, (error) => {
      if (error instanceof PeerError) return end(error.code);
      throw error; // taken by nobody: the simulation fails with it
    });
  }

  /** Whether every call of a peer that lives has ended. */
  get areOver(): boolean {
    return this.#alive().length === 0;
  }

  /**
   * Fails for calls that are open for longer than any call may be. Their own machine's clock counts as well: it
   * may have stood still, and only what it says is due falls due.
   */
  check(): void {
    for (const { peer, what, sinceMs, trulySinceMs } of this.#alive()) {
      if (peer.isPaused) continue;
      const tookMs = Math.min(peer.clock.now().monoMs - sinceMs, this.#sim.nowMs - trulySinceMs);
      this.#sim.assert(tookMs <= callMsMax, `I9: ${what} of ${peer.name} is open after ${tookMs} ms`);
    }
  }

  #alive(): Call[] {
    const alive = [...this.#open].filter(({ peer, starts }) => peer.isUp && peer.starts === starts);
    for (const call of this.#open) if (!alive.includes(call)) this.#open.delete(call);
    return alive;
  }
}

/** The longest default of any call is 60 s for the store, 30 s for a join; a call may have two such parts. */
const callMsMax = 130_000;

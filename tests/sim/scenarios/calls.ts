/** The calls that a scenario makes and does not wait for: each ends within its limit, and fails only in documented ways. */

import { PeerError } from "../../../lib/base/errors.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";

/** One call under way. */
interface Call {
  readonly peer: SimulatedPeer;
  readonly starts: number;
  readonly what: string;
  readonly sinceMs: number;
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
    const made: Call = { peer, starts: peer.starts, what, sinceMs: peer.clock.now().monoMs };
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

  /** Fails for calls that are open for longer than any call may be, by their own machine's clock. */
  check(): void {
    for (const { peer, what, sinceMs } of this.#alive()) {
      if (peer.isPaused) continue;
      const tookMs = peer.clock.now().monoMs - sinceMs;
      this.#sim.assert(tookMs <= callMsMax, `I9: ${what} of ${peer.name} is open after ${tookMs} ms`);
    }
  }

  #alive(): Call[] {
    const alive = [...this.#open].filter(({ peer, starts }) => peer.isUp && peer.starts === starts);
    for (const call of this.#open) if (!alive.includes(call)) this.#open.delete(call);
    return alive;
  }
}

/** The longest default of any call (store 60 s, join 30 s), with the leap of a clock beside it. */
const callMsMax = 3_900_000;

/** One seed of the swarm: which scenario, which cryptography, and what came of it. */

import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { Kem, Random } from "../../lib/base/ports.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { Simulation } from "../../lib/sim/simulation.ts";
import type { SimulationOptions } from "../../lib/sim/simulation_options.ts";
import { graphScenario } from "./scenarios/graph_scenario.ts";
import { groupScenario } from "./scenarios/group_scenario.ts";
import { namesScenario } from "./scenarios/names_scenario.ts";

/** What a seed came to. */
export interface SeedOutcome {
  readonly seed: number;
  readonly scenario: string;
  readonly events: number;
  readonly traceHash: string;
  readonly virtualMs: number;
  /** What does not hold, or `null`. */
  readonly violation: { readonly invariant: string; readonly message: string } | null;
}

/** Scenarios by name. */
export const scenarios: Readonly<Record<string, (sim: Simulation) => Promise<void>>> = {
  group: groupScenario,
  graph: graphScenario,
  names: namesScenario,
};

/** How a seed is run. */
export interface SeedOptions {
  /** By the seed if not given. */
  readonly scenario?: string;
  /** Checkers besides Kith's own. */
  readonly checkers?: NonNullable<SimulationOptions["checkers"]>;
  /** Takes a picture of the run as SVG. */
  readonly onDrawn?: (svg: string) => void;
}

/** Runs one seed. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedOutcome> {
  const scenario = options.scenario ?? scenarioOf(seed);
  const sim = new Simulation({
    seed,
    // In nine of ten seeds cryptography is a stand-in: the machines around it are what is tried.
    ...(seed % 10 === 0 && { crypto: createCrypto(), kem: createSeededKem }),
    replay: (failed) => `deno task sim --seeds ${failed}..${failed} --scenario ${scenario}`,
    draws: options.onDrawn !== undefined,
    ...(options.checkers !== undefined && { checkers: options.checkers }),
  });
  let violation: SeedOutcome["violation"] = null;
  try {
    await scenarios[scenario]!(sim);
    await sim.close();
  } catch (error) {
    const { invariant, message, cause } = sim.failureOf(error);
    const stack = cause instanceof Error ? `\n${cause.stack}` : "";
    violation = { invariant, message: message + stack };
  } finally {
    sim.drop();
  }
  options.onDrawn?.(sim.svg(`scenario ${scenario}`));
  const { events, nowMs: virtualMs } = sim;
  return { seed, scenario, events, traceHash: sim.trace.hash, virtualMs, violation };
}

function scenarioOf(seed: number): string {
  // Turned by one in each ten, so that the seeds with real cryptography go through all of them.
  return ["group", "names", "graph", "names", "group"][(seed + Math.floor(seed / 10)) % 5]!;
}

/** ML-KEM-768 that draws from the seed, as the platform's cannot. */
function createSeededKem(random: Random): Kem {
  return {
    generate: () => {
      const { publicKey, secretKey } = ml_kem768.keygen(random.bytes(64));
      const decapsulate = (ciphertext: Uint8Array) =>
        Promise.resolve(ml_kem768.decapsulate(ciphertext, secretKey));
      return Promise.resolve({ publicKey, decapsulate });
    },
    encapsulate: (publicKey) => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, random.bytes(32));
      return Promise.resolve({ ciphertext: cipherText, sharedSecret });
    },
  };
}

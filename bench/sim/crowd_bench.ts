/**
 * How many full peers one process simulates: the peers that users open, with their codecs, links, stores and
 * checkers, in one cloud and one graph; cryptography is a stand-in.
 *
 * ```text
 * deno task bench crowd
 * deno run -A --v8-flags=--max-old-space-size=9000 bench/sim/crowd_bench.ts --peers 1000
 * ```
 *
 * As a program it prints one line of JSON, and how far it is to the standard error. It fails if a record of any
 * writer does not reach every peer, or a name is not found.
 */

import process from "node:process";
import { Simulation } from "../../lib/sim/simulation.ts";
import { type CrowdOutcome, gatherCrowd } from "../../tests/sim/scenarios/crowd.ts";
import { type Bench, measure, type Result, resultOf, type Scale } from "../measure.ts";

/** Measures events of a simulated crowd. */
export const crowdBench: Bench = { name: "crowd", run };

interface Report extends CrowdOutcome {
  readonly events: number;
  readonly virtualMs: number;
  readonly traceHash: string;
  readonly peakHeapBytes: number;
}

async function run(scale: Scale): Promise<Result[]> {
  const peers = scale.isSmoke ? smokePeers : benchPeers;
  let report: Report | null = null;
  const sample = await measure(1, async () => {
    report = await simulate(peers);
  });
  const { events, traceHash } = report!;
  return [
    resultOf(`crowd/${peers} full peers, events`, "/s", [{ ...sample, operations: events }], traceHash),
  ];
}

/** One crowd from its first peer to its last name. */
async function simulate(peers: number, tell: (line: string) => void = () => {}): Promise<Report> {
  let peakHeapBytes = 0;
  let events = 0;
  const onEvent = (): void => {
    events++;
    if (events % heapLooksEvery === 1) peakHeapBytes = Math.max(peakHeapBytes, Deno.memoryUsage().heapUsed);
    if (events % toldEvery === 0) {
      tell(`${events} events, ${sim.nowMs} virtual ms, heap ${peakHeapBytes} bytes`);
    }
  };
  const sim = new Simulation({ seed: 1, checkers: () => [{ invariant: "", onEvent }] });
  try {
    const outcome = await gatherCrowd(sim, { peers, writers: Math.min(peers, writersMax) });
    const { nowMs: virtualMs, trace } = sim;
    return { ...outcome, events: sim.events, virtualMs, traceHash: trace.hash, peakHeapBytes };
  } finally {
    sim.drop();
  }
}

const smokePeers = 8;
const benchPeers = 100;
const writersMax = 10;
const heapLooksEvery = 4_096;
const toldEvery = 100_000;

if (import.meta.main) {
  const peers = Number(Deno.args[Deno.args.indexOf("--peers") + 1] ?? benchPeers);
  if (!Number.isSafeInteger(peers) || peers < 1) throw new RangeError("--peers takes a whole number from 1");
  let report: Report | null = null;
  const { wallMs, cpuMs } = await measure(1, async () => {
    report = await simulate(peers, (line) => console.error(line));
  });
  const { events, peakHeapBytes } = report!;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1_024;
  const figures = {
    wallMs: Math.round(wallMs),
    cpuMs: Math.round(cpuMs),
    eventsPerSecond: Math.round(events * 1_000 / wallMs),
    cpuMicrosecondsEach: Math.round(cpuMs * 1_000 / events),
    peakMemoryBytes,
    heapBytesEach: Math.round(peakHeapBytes / peers),
    memoryBytesEach: Math.round(peakMemoryBytes / peers),
  };
  console.log(JSON.stringify({ ...report!, ...figures }));
}

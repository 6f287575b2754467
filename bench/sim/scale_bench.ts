/**
 * How large a network one process simulates: cloud machines and replicas whose messages travel by
 * reference, with stand-ins for cryptography (`lib/sim/lean_cloud.ts`, `lib/sim/lean_graph.ts`).
 *
 * ```text
 * deno task bench scale
 * deno run -A --v8-flags=--max-old-space-size=9000,--max-semi-space-size=64 \
 *   bench/sim/scale_bench.ts --contacts 100000 --awake 1000
 * deno run -A --v8-flags=--max-old-space-size=9000,--max-semi-space-size=64 \
 *   bench/sim/scale_bench.ts --nodes 10000 --records 5
 * ```
 *
 * As a program it prints one line of JSON for each network. Contacts are placed: a table begins with contacts drawn
 * by chance from those that belong into each bucket, as in a cloud that has run for long; what is
 * published and resolved then goes by the protocol, with 5 % loss and a tenth of the contacts dead. Those
 * that are not awake answer, but do not look after their tables. Nodes join by the protocol.
 */

import process from "node:process";
import { LeanCloud } from "../../lib/sim/lean_cloud.ts";
import { LeanGraph } from "../../lib/sim/lean_graph.ts";
import { type Bench, measure, type Result, resultOf, type Scale } from "../measure.ts";

/** Measures events of a simulated cloud and of a simulated graph. */
export const scaleBench: Bench = { name: "scale", run };

interface CloudSize {
  readonly contacts: number;
  readonly awake: number;
  readonly names: number;
  readonly resolves: number;
}

interface GraphSize {
  readonly nodes: number;
  readonly records: number;
}

async function run(scale: Scale): Promise<Result[]> {
  const cloud = scale.isSmoke ? smokeCloud : benchCloud;
  const graph = scale.isSmoke ? smokeGraph : benchGraph;
  return [
    await benchOf(`${cloud.contacts} contacts`, () => runCloud(cloud)),
    await benchOf(
      `${graph.nodes} nodes`,
      () => runGraph(graph),
    ),
  ];
}

async function benchOf(name: string, work: () => Report): Promise<Result> {
  let report: Report = { events: 0 };
  const sample = await measure(1, () => {
    report = work();
  });
  const { events } = report;
  return resultOf(`scale/${name}, events`, "/s", [{ ...sample, operations: events }], `${events} events`);
}

interface Report extends Readonly<Record<string, unknown>> {
  readonly events: number;
}

/** A cloud in which names are published and resolved. */
function runCloud(size: CloudSize): Report {
  const cloud = new LeanCloud({ seed: 1, lossShare: 0.05 });
  cloud.place(size.contacts, size.awake);
  const placed = { events: cloud.world.events, ...spent(size.contacts) };
  const published = cloud.publish(size.names);
  cloud.stop(0.1);
  const resolved = cloud.resolve(size.resolves);
  const { events, datagrams } = cloud.world;
  return { ...size, placed, published, resolved, datagrams, events, ...spent(size.contacts) };
}

/** A graph in which records spread. */
function runGraph(size: GraphSize): Report {
  const graph = new LeanGraph({ seed: 1 });
  graph.join(size.nodes, 5, (nodes) => {
    if (nodes % 1_000 === 0) console.error(`${nodes} nodes, ${graph.world.events} events`);
  });
  const joined = { events: graph.world.events, ...spent(size.nodes) };
  const neighbors = graph.nodes.map(({ replica }) => replica.neighbors().length);
  const spread = graph.spread(size.records);
  const { events, dials } = graph.world;
  return {
    ...size,
    joined,
    neighborsMin: Math.min(...neighbors),
    neighborsMax: Math.max(...neighbors),
    spread,
    dials,
    events,
    ...spent(size.nodes),
  };
}

/** What this process has used so far. */
function spent(count: number): Readonly<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  const { heapUsed } = Deno.memoryUsage();
  return {
    wallMs: Math.round(performance.now()),
    cpuMs: Math.round((user + system) / 1_000),
    heapBytesEach: Math.round(heapUsed / count),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1_024,
  };
}

function withRates(report: Report): Report {
  const { events, cpuMs, wallMs } = report as Report & { cpuMs: number; wallMs: number };
  const rates = { eventsPerSecond: events * 1_000 / wallMs, cpuMicrosecondsEach: cpuMs * 1_000 / events };
  return { ...report, ...rates };
}

/** The number behind an option; `fallback` if it is not there. */
function numberOf(option: string, fallback: number): number {
  const index = Deno.args.indexOf(option);
  const value = index < 0 ? fallback : Number(Deno.args[index + 1]);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${option} takes a whole number`);
  return value;
}

function main(): void {
  const contacts = numberOf("--contacts", 0);
  const nodes = numberOf("--nodes", 0);
  if (contacts > 0) {
    const awake = Math.min(numberOf("--awake", contacts), contacts);
    const size = {
      contacts,
      awake,
      names: numberOf("--names", 500),
      resolves: numberOf("--resolves", 5_000),
    };
    console.log(JSON.stringify(withRates(runCloud(size))));
  }
  if (nodes > 0) {
    console.log(JSON.stringify(withRates(runGraph({ nodes, records: numberOf("--records", 20) }))));
  }
}

const smokeCloud: CloudSize = { contacts: 30, awake: 5, names: 2, resolves: 5 };
const smokeGraph: GraphSize = { nodes: 5, records: 2 };
const benchCloud: CloudSize = { contacts: 5_000, awake: 100, names: 100, resolves: 1_000 };
const benchGraph: GraphSize = { nodes: 200, records: 10 };

if (import.meta.main) main();

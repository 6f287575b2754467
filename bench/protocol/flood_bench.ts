/**
 * Records of 1 KiB flooded to 16 nodes over real TCP, signed and encrypted, all in this process. A
 * delivery is one record at one of the 15 others; the CPU time of a delivery is that of all peers
 * together, for every copy that any of them sent, opened and looked at.
 */

import { type Graph, Peer } from "@kith/peer";
import { type Bench, measure, type Result, resultOf, type Sample, type Scale, summary } from "../measure.ts";

/** Measures deliveries, singly and in bursts. */
export const floodBench: Bench = { name: "flood", run };

async function run(scale: Scale): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const nodes = await openNodes(scale.isSmoke ? 3 : nodeCount, stack);
  const watches = nodes.slice(1).map((node) => new Watch(node));
  stack.defer(async () => {
    for (const watch of watches) await watch.end();
  });
  const [writer] = nodes as [Graph];
  const latenciesMs: number[] = [];
  const single = async (): Promise<void> => {
    latenciesMs.push(...await spread(writer, watches, 1));
  };
  const warmUps = scale.runs(10);
  for (let i = 0; i < warmUps; i++) await spread(writer, watches, 1);
  // All single records first: copies that a burst leaves on the links would wait before them.
  const singly = await samplesOf(scale.runs(100), watches.length, single);
  const together = scale.count(burst);
  await spread(writer, watches, together);
  const work = () => spread(writer, watches, together);
  const bursts = await samplesOf(scale.runs(15), watches.length * together, work);
  const links = nodes.reduce((sum, node) => sum + node.nodes().length, 0) / 2;
  return [
    summary("flood/one record, until it is at a node", "ms", latenciesMs),
    resultOf("flood/deliveries, one record at a time", "/s", singly, `${links} links`),
    resultOf("flood/deliveries, bursts of 100", "/s", bursts, `${links} links`),
  ];
}

async function samplesOf(runs: number, deliveries: number, work: () => Promise<unknown>): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (samples.length < runs) samples.push(await measure(deliveries, work));
  return samples;
}

/** Nodes of one graph. All know the first; the graph finds its other links itself. */
async function openNodes(count: number, stack: AsyncDisposableStack): Promise<Graph[]> {
  const first = stack.use(await Peer.open());
  const nodes = [await first.graphs.create()];
  const endpoint = first.status().endpoints[0]!.replace("tcp://", "");
  while (nodes.length < count) {
    const peer = stack.use(await Peer.open());
    nodes.push(await peer.graphs.open(nodes[0]!.id, { endpoints: [endpoint] }));
  }
  return nodes;
}

/** Writes records and gives how long each delivery took from when they were handed over. */
async function spread(writer: Graph, watches: readonly Watch[], together: number): Promise<number[]> {
  const startedMs = performance.now();
  const arrivals = watches.map((watch) => watch.next(together));
  await Promise.all(Array.from({ length: together }, () => writer.records.add("note", text)));
  return (await Promise.all(arrivals)).flat().map((arrivedMs) => arrivedMs - startedMs);
}

/** Reads one node's records from now on. */
class Watch {
  readonly #controller = new AbortController();
  readonly #reading: Promise<void>;
  #arrivedMs: number[] = [];
  #wanted = 0;
  #resolve: (arrivedMs: number[]) => void = () => {};

  constructor(node: Graph) {
    this.#reading = this.#read(node);
  }

  /** When so many records arrived, from this call on. */
  next(count: number): Promise<number[]> {
    const { promise, resolve } = Promise.withResolvers<number[]>();
    this.#arrivedMs = [];
    this.#wanted = count;
    this.#resolve = resolve;
    return promise;
  }

  async end(): Promise<void> {
    this.#controller.abort();
    await this.#reading;
  }

  async #read(node: Graph): Promise<void> {
    const { signal } = this.#controller;
    for await (const { kind } of node.records.watch("note", { signal })) {
      if (kind !== "added") continue;
      this.#arrivedMs.push(performance.now());
      if (this.#arrivedMs.length === this.#wanted) this.#resolve(this.#arrivedMs);
    }
  }
}

const nodeCount = 16;
const burst = 100;
const text = "heron at the north pond ".repeat(43).slice(0, 1_024);

/**
 * Signed records from one peer to another over real TCP on loopback, both in this process: while they
 * are written, and all at once to a newcomer. The writer's part (signing, storing) is in the live
 * figures; in those of catch-up it is not.
 */

import { type Graph, Peer, type Records } from "@kith/peer";
import { type Bench, type Case, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures live records and catch-up. */
export const replicationBench: Bench = { name: "replication", run };

async function run(scale: Scale): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "kith-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const inMemory = [stack.use(await Peer.open()), stack.use(await Peer.open())] as const;
  const onDisk = [
    stack.use(await Peer.open({ store: `${folder}/alice.kv` })),
    stack.use(await Peer.open({ store: `${folder}/bob.kv` })),
  ] as const;
  const [source] = inMemory;
  const full = stack.use(await source.graphs.create());
  const caughtUp = scale.count(5_000);
  await write(full.records, caughtUp, burst);
  return await measureCases([
    live("replication/live, bursts of 100", inMemory, scale.count(2_000), burst),
    live("replication/live, one after the other", inMemory, scale.count(500), 1),
    live("replication/live, bursts of 100, stores on disk", onDisk, scale.count(2_000), burst),
    catchUp("replication/catch-up", source, full, caughtUp),
  ], scale.runs(15));
}

/** Records written at one peer until they all are shown at the other. Each run has a graph of its own. */
function live(name: string, peers: readonly [Peer, Peer], operations: number, together: number): Case {
  const [alice, bob] = peers;
  let graphs: readonly [Graph, Graph];
  return {
    name,
    unit: "/s",
    operations,
    async prepare() {
      const graph = await alice.graphs.create();
      graphs = [graph, await bob.graphs.open(graph.id, { endpoints: [endpointOf(alice)] })];
    },
    async work() {
      const [near, far] = graphs;
      const arrived = countArrivals(far.records, operations);
      await write(near.records, operations, together);
      return await arrived;
    },
    async finish() {
      for (const graph of graphs) await graph.close();
    },
  };
}

/** All records of a graph to a peer that has none. The link stands before; another graph uses it. */
function catchUp(name: string, source: Peer, full: Graph, operations: number): Case {
  let bob: Peer;
  let first: Graph;
  return {
    name,
    unit: "/s",
    operations,
    async prepare() {
      bob = await Peer.open();
      first = await source.graphs.create();
      await bob.graphs.open(first.id, { endpoints: [endpointOf(source)] });
    },
    async work() {
      const same = await bob.graphs.open(full.id, { endpoints: [endpointOf(source)] });
      return await countArrivals(same.records, operations);
    },
    async finish() {
      await bob.close();
      await first.close();
    },
  };
}

async function write(records: Records, count: number, together: number): Promise<void> {
  for (let from = 0; from < count; from += together) {
    const length = Math.min(together, count - from);
    await Promise.all(Array.from({ length }, (_, i) => records.add("note", `${from + i} ${text}`)));
  }
}

async function countArrivals(records: Records, count: number): Promise<number> {
  const seen = new Set<string>();
  for await (const { record } of records.watch("note")) {
    if (seen.add(record.id).size === count) return count;
  }
  throw new Error(`Only ${seen.size} of ${count} records came`);
}

function endpointOf(peer: Peer): string {
  return peer.status().endpoints[0]!.replace("tcp://", "");
}

const burst = 100;
const text = "heron ".repeat(42);

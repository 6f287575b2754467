/**
 * Time to the first record of two cold peers on loopback, from the opening of the first to the record in
 * the second's `watch`: through a group and its invitation, and through a plain graph.
 *
 * Peers are opened anew for each run. In a process that has done it before, code and threads are
 * warm; what a user meets first is a fresh process, so that is measured too, one child a run.
 */

import { Peer, type Records } from "@kith/peer";
import { type Bench, measure, type Result, resultOf, type Sample, type Scale, summary } from "../measure.ts";

/** Measures first records, warm and in fresh processes, with the parts of the way. */
export const firstRecordBench: Bench = { name: "first_record", run };

/** Which way a record takes. */
type Way = "group" | "group on disk" | "plain graph";

/** One first record. */
interface Trip extends Sample {
  /** Milliseconds of each part of the way, in order. */
  readonly parts: Readonly<Record<string, number>>;
}

const ways: readonly Way[] = ["group", "group on disk", "plain graph"];

async function run(scale: Scale): Promise<Result[]> {
  const results: Result[] = [];
  const warm = await takeTurns(scale.runs(25), scale.runs(5), travel);
  for (const way of ways) results.push(...resultsOf(`first_record/${way}`, warm.get(way)!));
  const starts: number[] = [];
  const fresh = await takeTurns(scale.runs(15), 0, async (way) => {
    const { trip, startMs } = await travelInChild(way);
    starts.push(startMs);
    return trip;
  });
  for (const way of ways) results.push(...resultsOf(`first_record/fresh process, ${way}`, fresh.get(way)!));
  results.push(summary("first_record/fresh process, start and import", "ms", starts));
  return results;
}

/** The ways take turns, so that noise falls on all alike. */
async function takeTurns(
  rounds: number,
  warmUps: number,
  once: (way: Way) => Promise<Trip>,
): Promise<Map<Way, Trip[]>> {
  const trips = new Map<Way, Trip[]>(ways.map((way) => [way, []]));
  for (let round = -warmUps; round < rounds; round++) {
    for (const way of ways) {
      const trip = await once(way);
      if (round >= 0) trips.get(way)!.push(trip);
    }
  }
  return trips;
}

function resultsOf(name: string, trips: readonly Trip[]): Result[] {
  const parts = Object.keys(trips[0]!.parts);
  return [
    resultOf(name, "ms", trips),
    ...parts.map((part) => summary(`${name}: ${part}`, "ms", trips.map((trip) => trip.parts[part]!))),
  ];
}

/** Opens two peers, brings one record over, and closes them. */
async function travel(way: Way): Promise<Trip> {
  const folder = way === "group on disk" ? await Deno.makeTempDir({ prefix: "kith-bench-" }) : null;
  await using stack = new AsyncDisposableStack();
  if (folder !== null) stack.defer(() => Deno.remove(folder, { recursive: true }));
  const open = async (name: string): Promise<Peer> =>
    stack.use(await Peer.open(folder === null ? {} : { store: `${folder}/${name}.kv` }));
  const parts: Record<string, number> = {};
  let beganMs = performance.now();
  const passed = (part: string): void => {
    const nowMs = performance.now();
    parts[part] = nowMs - beganMs;
    beganMs = nowMs;
  };
  const work = way === "plain graph" ? throughPlainGraph : throughGroup;
  const sample = await measure(1, () => work(open, passed));
  return { ...sample, parts };
}

type Open = (name: string) => Promise<Peer>;
type Passed = (part: string) => void;

async function throughGroup(open: Open, passed: Passed): Promise<void> {
  const alice = await open("alice");
  passed("open the first");
  const group = await alice.groups.create("Field notes");
  passed("create");
  const invitation = await group.invite();
  passed("invite");
  await group.records.add("note", value);
  passed("add");
  const bob = await open("bob");
  passed("open the second");
  const joined = await bob.groups.join(invitation);
  passed("join");
  await arrival(joined.records);
  passed("watch");
}

async function throughPlainGraph(open: Open, passed: Passed): Promise<void> {
  const alice = await open("alice");
  passed("open the first");
  const graph = await alice.graphs.create();
  passed("create");
  await graph.records.add("note", value);
  passed("add");
  const bob = await open("bob");
  passed("open the second");
  const same = await bob.graphs.open(graph.id, { endpoints: [endpointOf(alice)] });
  passed("open by id");
  await arrival(same.records);
  passed("watch");
}

async function arrival(records: Records): Promise<void> {
  for await (const { record } of records.watch("note")) {
    if (record.value === value) return;
  }
  throw new Error("The record never came");
}

function endpointOf(peer: Peer): string {
  return peer.status().endpoints[0]!.replace("tcp://", "");
}

/** One first record in a process of its own, and how long that process took to be ready for it. */
async function travelInChild(way: Way): Promise<{ readonly trip: Trip; readonly startMs: number }> {
  const spawnedMs = performance.timeOrigin + performance.now();
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, way],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`The child process for "${way}" failed`);
  const { trip, readyMs } = JSON.parse(new TextDecoder().decode(stdout)) as { trip: Trip; readyMs: number };
  return { trip, startMs: readyMs - spawnedMs };
}

async function runInChild(way: string | undefined): Promise<void> {
  const readyMs = performance.timeOrigin + performance.now();
  const known = ways.find((other) => other === way);
  if (known === undefined) throw new TypeError(`There is no way "${way}": there are ${ways.join(", ")}`);
  console.log(JSON.stringify({ trip: await travel(known), readyMs }));
}

const value = "heron at the north pond";

if (import.meta.main) await runInChild(Deno.args[0]);

/**
 * A crowd in good weather: many full peers in one process, in one cloud and one plain graph that is opened
 * through a few endpoints. Records of some reach all, and names are found by whoever asks.
 */

import { below, pick } from "../../../lib/base/random.ts";
import type { Graph } from "../../../lib/peer/surface.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";

/** How large a crowd is. */
export interface CrowdSize {
  readonly peers: number;
  /** Who write one record each and register a name each, spread over the crowd. */
  readonly writers: number;
}

/** What a crowd came to. */
export interface CrowdOutcome {
  readonly peers: number;
  /** Records that each peer shows in the end. */
  readonly records: number;
  /** Names that others found. */
  readonly names: number;
  /** Virtual time until all had joined, and from the first record until all peers showed all. */
  readonly joinMs: number;
  readonly spreadMs: number;
}

/** Brings a crowd together; fails the simulation if a record does not reach a peer or a name is not found. */
export async function gatherCrowd(sim: Simulation, size: CrowdSize): Promise<CrowdOutcome> {
  const peers: SimulatedPeer[] = await sim.peers(size.peers);
  const openedMs = sim.nowMs;
  const graphs = await join(sim, peers);
  const joinMs = sim.nowMs - openedMs;
  const writers = Array.from(
    { length: size.writers },
    (_, i) => peers[Math.floor(i * peers.length / size.writers)]!,
  );
  const spreadMs = await spread(sim, graphs, writers);
  const names = await findNames(sim, peers, writers);
  return { peers: peers.length, records: size.writers, names, joinMs, spreadMs };
}

/** All come in turn, over the few that came first: bootstraps of the cloud and endpoints of the graph. */
async function join(
  sim: Simulation,
  peers: readonly SimulatedPeer[],
): Promise<ReadonlyMap<SimulatedPeer, Graph>> {
  const [first, ...others] = peers;
  const doors = peers.slice(0, Math.ceil(peers.length / peersPerDoor)).map(({ bootstrap }) => bootstrap);
  const graphs = new Map<SimulatedPeer, Graph>();
  const founded = await sim.run(first!.peer.graphs.create());
  graphs.set(first!, founded);
  const calls: Promise<unknown>[] = [];
  for (const [i, peer] of others.entries()) {
    const known = doors.slice(0, i + 1);
    calls.push(peer.peer.names.bootstrap(known.slice(0, bootstrapsMax)));
    calls.push(
      peer.peer.graphs.open(founded.id, { endpoints: [pick(sim.random, known)] }).then((graph) =>
        void graphs.set(peer, graph)
      ),
    );
    await sim.run(arrivalMs);
  }
  await sim.run(Promise.all(calls));
  return graphs;
}

/** Writers write at once; returns how long it takes until every peer shows every record. */
async function spread(
  sim: Simulation,
  graphs: ReadonlyMap<SimulatedPeer, Graph>,
  writers: readonly SimulatedPeer[],
): Promise<number> {
  const startMs = sim.nowMs;
  await sim.run(
    Promise.all(writers.map((peer) => graphs.get(peer)!.records.add("note", `from ${peer.name}`))),
  );
  const missing = new Set(graphs.values());
  while (missing.size > 0) {
    sim.assert(
      sim.nowMs - startMs <= spreadMsMax,
      `${missing.size} peers lack records after ${spreadMsMax} ms`,
    );
    await sim.run(lookMs);
    for (const graph of missing) {
      if ((await sim.run(graph.records.list())).length === writers.length) missing.delete(graph);
    }
  }
  return sim.nowMs - startMs;
}

/** Each writer registers a name and another peer, drawn, resolves it. */
async function findNames(
  sim: Simulation,
  peers: readonly SimulatedPeer[],
  writers: readonly SimulatedPeer[],
): Promise<number> {
  const nameOf = (peer: SimulatedPeer) => `${peer.id}.crowd`;
  await sim.run(
    Promise.all(writers.map((peer) => peer.peer.names.register(nameOf(peer), { comment: peer.name }))),
  );
  const found = await sim.run(Promise.all(writers.map((peer) => {
    const others = peers.filter((other) => other !== peer);
    return others[below(sim.random, others.length)]!.peer.names.resolve(nameOf(peer));
  })));
  for (const [i, registrations] of found.entries()) {
    const peer = writers[i]!;
    const isFound = registrations.some(({ verified, comment }) => verified && comment === peer.name);
    sim.assert(isFound, `the name of ${peer.name} is found`);
  }
  return found.length;
}

/** Peers over which the others come into the cloud. */
const bootstrapsMax = 5;
/**
 * Of so many peers one lets others in: all who come over one door do so within seconds, and a peer takes no more
 * than `inboundLinksMax` links that others dialled.
 */
const peersPerDoor = 12;
/** Between two arrivals: two hundred a second. */
const arrivalMs = 5;
const lookMs = 250;
const spreadMsMax = 120_000;

/**
 * A plain graph under a storm, with more peers than have links to each other: records travel over several.
 */

import { below, pick } from "../../../lib/base/random.ts";
import type { AddOptions, Graph } from "../../../lib/peer/surface.ts";
import { plainMark } from "../../../lib/sim/invariants/network.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";
import type { Calls } from "./calls.ts";
import { Course } from "./course.ts";
import { Places } from "./places.ts";

/** Runs the scenario. */
export async function graphScenario(sim: Simulation): Promise<void> {
  const scenario = new GraphScenario(sim);
  await scenario.begin();
  await scenario.storm();
  await scenario.settle();
}

class GraphScenario {
  readonly #sim: Simulation;
  readonly #course: Course;
  readonly #calls: Calls;
  readonly #graphs = new Map<SimulatedPeer, Graph>();
  #peers: SimulatedPeer[] = [];
  #graphId = "";
  #written = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#course = new Course(sim, (peer) => this.#onRestart(peer));
    this.#calls = this.#course.calls;
  }

  async begin(): Promise<void> {
    const { random } = this.#sim;
    const count = 3 + below(random, 12);
    const places = new Places(random, count, { privateCount: 1 });
    this.#peers = await this.#sim.peers(count, { host: places.host });
    const first = this.#peers[0]!;
    const graph = await this.#sim.run(first.peer.graphs.create());
    this.#graphId = graph.id;
    this.#onGraph(first, graph);
    for (const [i, peer] of this.#peers.entries()) {
      this.#course.storm.prepare(peer, { isReachable: i < reachable || places.of(i) === "global" });
      if (i > 0) this.#open(peer, pick(random, this.#peers.slice(0, Math.min(i, reachable))));
    }
    await this.#sim.run(5_000);
    this.#course.storm.begin();
  }

  storm(): Promise<void> {
    return this.#course.rage(this.#peers, () => this.#act());
  }

  async settle(): Promise<void> {
    await this.#course.storm.mend();
    // Who reached nobody when it opened the graph knows nobody there: its user tries once more.
    for (const peer of this.#peers.slice(1)) if (!this.#graphs.has(peer)) this.#open(peer, this.#peers[0]!);
    await this.#course.settle();
  }

  #act(): void {
    const { random } = this.#sim;
    const up = this.#peers.filter((peer) => this.#mayWrite(peer) && this.#graphs.has(peer));
    if (up.length === 0) return;
    const peer = pick(random, up);
    const { records } = this.#graphs.get(peer)!;
    const act = pick(random, ["add", "add", "add", "update", "delete", "extend"] as const);
    const value = `${plainMark} ${++this.#written}`;
    if (act === "add") {
      for (let i = below(random, 8); i >= 0; i--) {
        const options = this.#lifeOf(peer);
        this.#calls.make(peer, act, () => records.add("reading", `${value}/${i}`, options));
      }
      return;
    }
    this.#calls.make(peer, "list", () => records.list({ creator: peer.id }), (listed) => {
      if (listed.length === 0 || !this.#mayWrite(peer)) return;
      const record = pick(random, listed);
      if (act === "update") this.#calls.make(peer, act, () => records.update(record.id, value));
      else if (act === "delete") this.#calls.make(peer, act, () => records.delete(record.id));
      else this.#calls.make(peer, act, () => records.extend(record.id, record.until));
    });
  }

  #mayWrite(peer: SimulatedPeer): boolean {
    return peer.isUp && !this.#course.storm.leaping.has(peer);
  }

  /** How long a record lives; some are over for good soon after, so that a clock that is ahead passes their end. */
  #lifeOf({ clock }: SimulatedPeer): AddOptions {
    const { random } = this.#sim;
    const lifeMs = pick(random, lives);
    const isShort = below(random, 2) === 0;
    return isShort ? { lifeMs, until: new Date(clock.now().wallMs + lifeMs + untilMs) } : { lifeMs };
  }

  #open(peer: SimulatedPeer, by: SimulatedPeer): void {
    const options = { endpoints: [by.bootstrap] };
    this.#calls.make(
      peer,
      "open",
      () => peer.peer.graphs.open(this.#graphId, options),
      (graph) => this.#onGraph(peer, graph),
    );
  }

  #onGraph(peer: SimulatedPeer, graph: Graph): void {
    this.#graphs.set(peer, graph);
    this.#course.read(peer, graph.records);
  }

  #onRestart(peer: SimulatedPeer): void {
    const graph = peer.peer.graphs.list().find(({ id }) => id === this.#graphId);
    if (graph !== undefined) this.#onGraph(peer, graph);
    else this.#open(peer, this.#peers[0]!);
  }
}

/** The first peers stand behind no translator. */
const reachable = 3;
const lives = [60_000, 600_000, 3_600_000, 86_400_000];
/** From the end of a short record's life to its `until`: peer time may be ahead of a wall clock by as much. */
const untilMs = 600_000;

/**
 * A group under a storm: members write, update, delete, extend, invite, join, leave and are removed, while
 * the seed's faults strike. Then all is mended, and everything that the invariants promise must come true.
 */

import { below, pick } from "../../../lib/base/random.ts";
import type { Group } from "../../../lib/peer/surface.ts";
import { plainMark } from "../../../lib/sim/invariants/network.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";
import type { Calls } from "./calls.ts";
import { Course } from "./course.ts";
import { Places } from "./places.ts";

/** Runs the scenario. */
export async function groupScenario(sim: Simulation): Promise<void> {
  const scenario = new GroupScenario(sim);
  await scenario.begin();
  await scenario.storm();
  await scenario.settle();
}

class GroupScenario {
  readonly #sim: Simulation;
  readonly #course: Course;
  readonly #calls: Calls;
  readonly #peers: SimulatedPeer[] = [];
  readonly #groups = new Map<SimulatedPeer, Group>();
  readonly #endpoints: string[] = [];
  #invitations: string[] = [];
  #groupId = "";
  #written = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#course = new Course(sim, (peer) => this.#onRestart(peer), ["wall leap"]);
    this.#calls = this.#course.calls;
  }

  /** A founder and a few members, in good weather. */
  async begin(): Promise<void> {
    const { random } = this.#sim;
    const count = 2 + below(random, 6);
    const places = new Places(random, count, { privateCount: 1 });
    for (const [i, peer] of (await this.#sim.peers(count, { host: places.host })).entries()) {
      this.#peers.push(peer);
      this.#course.storm.prepare(peer, { isReachable: i === 0 || places.of(i) === "global" });
      if (i < 3) this.#endpoints.push(peer.bootstrap);
    }
    const founder = this.#peers[0]!;
    this.#onGroup(founder, await this.#sim.run(founder.peer.groups.create("Simulated")));
    this.#groupId = this.#groups.get(founder)!.id;
    const invitation = await this.#sim.run(this.#groups.get(founder)!.invite({ uses: count + 2 }));
    this.#invitations.push(invitation);
    for (const peer of this.#peers.slice(1)) this.#join(peer, invitation);
    if (below(random, 3) > 0) await this.#sim.run(5_000);
    this.#course.storm.begin();
  }

  storm(): Promise<void> {
    return this.#course.rage(this.#peers, () => this.#act());
  }

  async settle(): Promise<void> {
    await this.#course.storm.mend();
    await this.#course.settle();
  }

  #act(): void {
    const { random } = this.#sim;
    const up = this.#peers.filter((peer) => peer.isUp && this.#groups.has(peer));
    if (up.length === 0) return;
    const peer = pick(random, up);
    const group = this.#groups.get(peer)!;
    const act = pick(random, acts);
    if (act === "add") { for (let i = below(random, 5); i >= 0; i--) this.#add(peer, group); }
    else if (act === "join") this.#addJoiners();
    else if (act === "invite") this.#invite(peer, group);
    else if (act === "remove") this.#remove(peer, group);
    else if (act === "leave") {
      if (peer !== this.#peers[0] && below(random, 3) === 0) this.#calls.make(peer, act, () => group.leave());
    } else this.#change(act, peer, group);
  }

  #add(peer: SimulatedPeer, { records }: Group): void {
    const { random } = this.#sim;
    const value = `${plainMark} ${++this.#written} ${
      "x".repeat(below(random, pick(random, [10, 100, 3_000])))
    }`;
    const lifeMs = pick(random, [undefined, 60_000, 600_000, 86_400_000]);
    this.#calls.make(peer, "add", () => records.add("note", value, lifeMs === undefined ? {} : { lifeMs }));
  }

  /** Updates, deletes or extends some record that the peer shows. */
  #change(act: "update" | "delete" | "extend", peer: SimulatedPeer, { records }: Group): void {
    const { random } = this.#sim;
    this.#calls.make(peer, "list", () => records.list(), (listed) => {
      if (listed.length === 0 || !peer.isUp) return;
      const record = pick(random, listed);
      const value = `${plainMark} ${++this.#written}`;
      if (act === "update") this.#calls.make(peer, act, () => records.update(record.id, value));
      else if (act === "delete") this.#calls.make(peer, act, () => records.delete(record.id));
      else this.#calls.make(peer, act, () => records.extend(record.id, record.until));
    });
  }

  #invite(peer: SimulatedPeer, group: Group): void {
    const { random } = this.#sim;
    const role = below(random, 4) === 0 ? "admin" as const : "member" as const;
    const options = { role, uses: 1 + below(random, 3), lifeMs: pick(random, [60_000, 86_400_000]) };
    this.#calls.make(peer, "invite", () => group.invite(options), (text) => this.#invitations.push(text));
  }

  /** One or two who come with the same invitation. */
  #addJoiners(): void {
    const invitation = this.#invitation();
    for (let i = below(this.#sim.random, 2); i >= 0; i--) {
      if (this.#peers.length >= peersMax) return;
      const peer = this.#sim.addMachine();
      this.#peers.push(peer);
      this.#course.storm.prepare(peer, { isReachable: false });
      peer.open().then(() => {
        this.#sim.started(peer);
        this.#join(peer, invitation);
      }, (error) => this.#sim.note(`${peer.name} does not open: ${error}`));
    }
  }

  /** The newest in half of all cases: it is when many use one invitation that its limit is tried. */
  #invitation(): string {
    const { random } = this.#sim;
    return below(random, 2) === 0 ? this.#invitations.at(-1)! : pick(random, this.#invitations);
  }

  #join(peer: SimulatedPeer, invitation: string): void {
    const options = { endpoints: this.#endpoints };
    this.#calls.make(
      peer,
      "join",
      () => peer.peer.groups.join(invitation, options),
      (group) => this.#onGroup(peer, group),
    );
  }

  #remove(peer: SimulatedPeer, group: Group): void {
    const { random } = this.#sim;
    const subject = pick(random, this.#peers);
    if (subject === peer || below(random, 3) > 0) return;
    const undoSince = new Date(this.#sim.clock.now().wallMs - below(random, 60_000));
    const options = below(random, 3) === 0 ? { undoSince } : {};
    this.#calls.make(peer, "remove", () => group.members.remove(subject.id, options));
  }

  #onGroup(peer: SimulatedPeer, group: Group): void {
    this.#groups.set(peer, group);
    this.#course.read(peer, group.records);
  }

  /** A peer runs again: it has its group, or tries to join once more. */
  #onRestart(peer: SimulatedPeer): void {
    this.#groups.delete(peer);
    const group = peer.peer.groups.get(this.#groupId);
    if (group !== null) this.#onGroup(peer, group);
    else this.#join(peer, this.#invitation());
  }
}

const acts = [
  ...["add", "add", "add", "add", "add", "update", "update", "update", "delete", "extend"] as const,
  ...["invite", "join", "remove", "leave"] as const,
];

/** Peers of one run, joiners included. */
const peersMax = 10;

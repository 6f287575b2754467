/**
 * A cloud under a storm: peers come, register, change, withdraw and resolve names, crash and return. Then all
 * is mended: every name that a live peer publishes is found, and none that was withdrawn (I12).
 */

import { below, pick } from "../../../lib/base/random.ts";
import type { Registration } from "../../../lib/peer/names_surface.ts";
import type { SimulatedPeer } from "../../../lib/sim/simulated_peer.ts";
import type { Simulation } from "../../../lib/sim/simulation.ts";
import { Storm } from "../../../lib/sim/storm.ts";
import { Calls } from "./calls.ts";
import { Places } from "./places.ts";

/** Runs the scenario. */
export async function namesScenario(sim: Simulation): Promise<void> {
  const scenario = new NamesScenario(sim);
  await scenario.begin();
  await scenario.storm();
  await scenario.settle();
}

/** A name that a start of a peer publishes. */
interface Published {
  readonly peer: SimulatedPeer;
  readonly starts: number;
  readonly registration: Registration;
  /** What it may say: the change that was acknowledged last, and those that were asked for since. */
  readonly comments: string[];
}

class NamesScenario {
  readonly #sim: Simulation;
  readonly #storm: Storm;
  readonly #calls: Calls;
  readonly #peers: SimulatedPeer[] = [];
  readonly #published = new Map<string, Published>();
  readonly #withdrawn = new Set<string>();
  /** Who knows global peers only, and is found by them only. */
  readonly #islands = new Set<SimulatedPeer>();
  #bootstraps: string[] = [];
  #globalBootstraps: string[] = [];
  #names = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#storm = new Storm(sim, (peer) => this.#bootstrap(peer), ["wall leap"]);
    this.#calls = new Calls(sim);
  }

  /** A cloud in good weather. */
  async begin(): Promise<void> {
    const { random } = this.#sim;
    const count = 5 + below(random, 34);
    const places = new Places(random, count, { privateCount: bootstraps, islandsMax: 2 });
    this.#peers.push(...await this.#sim.peers(count, { host: places.host }));
    this.#bootstraps = this.#peers.slice(0, bootstraps).map(({ bootstrap }) => bootstrap);
    const globals = this.#peers.filter((_, i) => places.of(i) === "global");
    this.#globalBootstraps = globals.slice(0, bootstraps).map(({ bootstrap }) => bootstrap);
    for (const [i, peer] of this.#peers.entries()) {
      if (places.of(i) === "island") this.#islands.add(peer);
      this.#storm.prepare(peer, { isReachable: i < bootstraps || places.of(i) !== "private" });
      if (i > 0) this.#bootstrap(peer);
      await this.#sim.run(50);
    }
    await this.#sim.run(10_000);
    this.#storm.begin();
  }

  async storm(): Promise<void> {
    const { random } = this.#sim;
    for (let step = 180 + below(random, 340); step > 0; step--) {
      if (below(random, 5) === 0) this.#storm.step(this.#peers);
      else this.#act();
      await this.#sim.run(below(random, pick(random, [5, 50, 500, 5_000])));
      this.#calls.check();
    }
  }

  async settle(): Promise<void> {
    await this.#storm.mend();
    await this.#sim.run(settleMs);
    this.#sim.assert(this.#calls.areOver, "I9: every call has ended once all is mended");
    this.#sim.judgeQuiet();
    await this.#sim.run(idleMs);
    this.#sim.judgeIdle(idleMs);
    await this.#findAll();
    await this.#missWithdrawn();
  }

  #act(): void {
    const { random } = this.#sim;
    const up = this.#peers.filter((peer) => peer.isUp);
    if (up.length === 0) return;
    const peer = pick(random, up);
    const act = pick(random, ["register", "resolve", "resolve", "resolve", "update", "unregister"] as const);
    const [name, published] = pick(random, [...this.#live(), ["", null] as const]);
    if (act === "register") this.#register(peer);
    else if (published === null) return;
    else if (act === "resolve") this.#calls.make(peer, act, () => peer.peer.names.resolve(name));
    else if (act === "update") {
      const comment = `change ${this.#names++}`;
      const { comments } = published;
      comments.push(comment);
      this.#calls.make(published.peer, act, () => published.registration.update({ comment }), () => {
        comments.splice(0, comments.indexOf(comment));
      });
    } else {
      this.#published.delete(name);
      this.#calls.make(
        published.peer,
        act,
        () => published.registration.unregister(),
        () => this.#withdrawn.add(name),
      );
    }
  }

  #register(peer: SimulatedPeer): void {
    const number = this.#names++;
    const { starts } = peer;
    const isSecured = number % 2 === 0;
    const name = `${isSecured ? peer.id : "0"}.name-${number}`;
    const payload = number % 3 === 0 ? `payload ${"x".repeat(below(this.#sim.random, 3_000))}` : "";
    const content = { comment: `name ${number}`, ...(payload !== "" && { payload }) };
    this.#calls.make(peer, "register", () => peer.peer.names.register(name, content), (registration) => {
      this.#published.set(name, { peer, starts, registration, comments: [content.comment] });
    });
  }

  #bootstrap(peer: SimulatedPeer): void {
    const known = this.#islands.has(peer) ? this.#globalBootstraps : this.#bootstraps;
    const others = known.filter((bootstrap) => bootstrap !== peer.bootstrap);
    this.#calls.make(peer, "bootstrap", () => peer.peer.names.bootstrap(others));
  }

  /** Names that a start of a peer that still runs publishes. */
  #live(): [string, Published][] {
    return [...this.#published].filter(([, { peer, starts }]) => peer.isUp && peer.starts === starts);
  }

  async #findAll(): Promise<void> {
    const { random } = this.#sim;
    const askers = this.#peers.filter((peer) => peer.isUp && !this.#islands.has(peer));
    for (const [name, { peer, comments }] of this.#live()) {
      if (this.#islands.has(peer)) continue;
      const asker = pick(random, askers);
      const found = await this.#sim.run(asker.peer.names.resolve(name).catch((error) => [`${error.code}`]));
      const isWhole = found.some((one) =>
        typeof one !== "string" && comments.includes(one.comment) &&
        (one.verified || this.#storm.translated.has(peer) || this.#storm.translated.has(asker))
      );
      const said = JSON.stringify(found);
      this.#sim.assert(isWhole, `I12: ${asker.name} did not find ${name} of ${peer.name} as it is: ${said}`);
    }
  }

  async #missWithdrawn(): Promise<void> {
    for (const name of [...this.#withdrawn].slice(0, withdrawnMax)) {
      const asker = pick(this.#sim.random, this.#peers.filter((other) => other.isUp));
      const outcome = await this.#sim.run(
        asker.peer.names.resolve(name).then(
          (found) => found.map((one) => one.verified ? "verified" : "hearsay"),
          (error) => [error.code],
        ),
      );
      this.#sim.assert(
        !outcome.includes("verified"),
        `I12: ${asker.name} found ${name}, which was withdrawn`,
      );
    }
  }
}

/** The first peers are those that all but islands begin from. */
const bootstraps = 3;
/** What a cloud has to mend itself: contacts that are gone are found out, and new ones looked for. */
const settleMs = 180_000;
const idleMs = 120_000;
const withdrawnMax = 5;

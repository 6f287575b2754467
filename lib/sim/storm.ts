/**
 * Faults as a seed draws them (swarm testing: Groce et al. 2012). Each seed switches each kind on or off and
 * draws how strong it is, so that some seeds are calm but for one thing and some have everything at once:
 * what one fault hides another run shows.
 */

import { below, fraction, pick, shuffled } from "../base/random.ts";
import type { SeededRandom } from "../base/random.ts";
import { unprovenHost } from "./invariants/network.ts";
import { peerPort, type SimulatedPeer } from "./simulated_peer.ts";
import type { Simulation } from "./simulation.ts";

/** Kinds of faults, and what each does where a seed has it. */
export const faults = {
  "loss": "some of all datagrams are lost",
  "bursts": "for spells most datagrams are lost (Gilbert and Elliott)",
  "duplicates": "datagrams come twice",
  "reorder": "datagrams overtake others",
  "corruption": "bits of datagrams flip",
  "latency": "everything takes up to 300 ms",
  "asymmetry": "one direction between two peers is slow",
  "capacity": "lines carry 20 to 220 kB a second, and queue what is more",
  "partition": "two to four islands between which nothing goes, until it heals or another comes",
  "one-way cut": "nothing goes from one peer to another, but back it does",
  "translators": "some peers stand behind address translators (four kinds), which restart",
  "crash": "a peer ends as by a power cut, and starts again after up to a minute",
  "stop": "a peer is closed, which may leave nothing behind, and starts again after up to a minute",
  "pause": "a machine stands still for up to two minutes, and its clock counts that or does not",
  "skew": "wall clocks are off by up to ten minutes from the start",
  "drift": "wall and monotonic clocks run too fast or too slow by up to 500 millionths, each for itself",
  "wall jump": "a wall clock jumps by up to a day back, or half an hour ahead of true time",
  "wall leap": "a wall clock leaps up to three days ahead, and is set right within a minute",
  "mono leap": "a monotonic clock leaps ahead by up to an hour, as after sleep",
  "slow disk": "commits take up to 400 ms, a part of it after they are written and before they are durable",
  "disk full": "a store refuses all writes for up to a minute",
  "disk error": "a fifth of all commits fail, in any of the ways that stores fail",
  "lost answer":
    "a third to nine tenths of all commits end without an answer; half of these count all the same; some machines crash then",
  "spoofing": "datagrams come from addresses where nobody is: noise, and real ones that are sent again",
} as const;

/** Kinds of faults. */
export type FaultKind = keyof typeof faults;

/** All of them. */
export const faultKinds: readonly FaultKind[] = Object.keys(faults) as FaultKind[];

/** The faults of one simulation. */
export class Storm {
  /** Which kinds this seed has. */
  readonly kinds: ReadonlySet<FaultKind>;
  /** How often each was brought about. */
  readonly done: Map<FaultKind, number> = new Map();
  /** Peers behind a translator: others reach them only as far as its kind lets them. */
  readonly translated: Set<SimulatedPeer> = new Set();
  /** Peers whose wall clock is days ahead: what they write now nobody would take for days (protocol §4). */
  readonly leaping: Set<SimulatedPeer> = new Set();
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #strength: number;
  readonly #restarts = new Set<Promise<void>>();
  readonly #onRestart: (peer: SimulatedPeer) => void;
  #slowed: (readonly [from: string, to: string])[] = [];
  #spoofs = 0;
  #isOver = false;

  /**
   * Draws which faults there are, but for those of `without`; `onRestart` hears of peers that run again after
   * a crash.
   */
  constructor(
    sim: Simulation,
    onRestart: (peer: SimulatedPeer) => void = () => {},
    without: readonly FaultKind[] = [],
  ) {
    this.#sim = sim;
    this.#random = sim.random;
    this.#onRestart = onRestart;
    this.#strength = fraction(sim.random);
    const share = pick(sim.random, [0, 0.15, 0.3, 0.6, 1]);
    const drawn = faultKinds.filter(() => fraction(sim.random) < share);
    this.kinds = new Set(drawn.filter((kind) => !without.includes(kind)));
    sim.noteFaults([...this.kinds]);
  }

  /** Sets up a new machine: its clocks, its disk, its place in the network. */
  prepare(peer: SimulatedPeer, options: { readonly isReachable: boolean }): void {
    const { host, clock } = peer;
    if (this.#has("skew")) clock.jumpWall(this.#signed(600_000 * this.#strength));
    if (this.#has("drift")) clock.drift({ wallDriftPpm: this.#signed(500), monoDriftPpm: this.#signed(500) });
    if (this.#has("slow disk")) peer.store.delay(0, 1 + below(this.#random, 400));
    if (!options.isReachable && this.#has("translators") && below(this.#random, 3) === 0) {
      const kind = pick(
        this.#random,
        ["full_cone", "address_restricted", "port_restricted", "symmetric"] as const,
      );
      this.translated.add(peer);
      this.#sim.network.translate(host, { kind, publicHost: `172.16.0.${1 + below(this.#random, 4)}` });
    }
  }

  /** Makes the network as bad as this seed has it. */
  begin(): void {
    const weak = this.#strength / 2;
    this.#sim.network.change({
      ...(this.#has("loss") && { lossShare: 0.3 * weak }),
      ...(this.#has("bursts") && { burst: { enterShare: 0.02, leaveShare: 0.1, lossShare: 0.9 } }),
      ...(this.#has("duplicates") && { duplicateShare: 0.5 * this.#strength }),
      ...(this.#has("reorder") && { reorderShare: 0.3, reorderMs: 200 }),
      ...(this.#has("corruption") && { corruptShare: 0.02 }),
      ...(this.#has("latency") &&
        { latencyMs: 1 + below(this.#random, 200), jitterMs: 1 + below(this.#random, 100) }),
      ...(this.#has("capacity") && { bytesPerSecond: 20_000 + below(this.#random, 200_000) }),
    });
  }

  /** Brings about one fault, if this seed has one that may happen at any moment. */
  step(peers: readonly SimulatedPeer[]): void {
    const sudden = suddenKinds.filter((kind) => this.kinds.has(kind));
    if (sudden.length === 0) return;
    const kind = pick(this.#random, sudden);
    const up = peers.filter((peer) => peer.isUp);
    if (up.length === 0) return;
    const peer = pick(this.#random, up);
    this.#sim.note(`${kind} strikes ${peer.name}`);
    if (this.#strike(kind, peer, up)) this.#count(kind);
  }

  /** Mends everything: what is down starts again, what is slow is fast, and all clocks are right. */
  async mend(): Promise<void> {
    this.#isOver = true;
    this.leaping.clear();
    this.#sim.heal();
    this.#sim.network.change({
      ...{ latencyMs: 1, jitterMs: 9, lossShare: 0, burst: null, duplicateShare: 0, reorderShare: 0 },
      ...{ corruptShare: 0, bytesPerSecond: null },
    });
    for (const [from, to] of this.#slowed) this.#sim.network.changeLink(from, to, null);
    this.#slowed = [];
    for (const peer of this.#sim.all) {
      if (peer.isPaused) peer.resume();
      const { store, clock } = peer;
      store.failAlways(null);
      store.disturb({});
      store.delay(0);
      clock.drift({ wallDriftPpm: 0, monoDriftPpm: 0 });
      clock.jumpWall(this.#sim.clock.now().wallMs - clock.now().wallMs);
    }
    while (this.#restarts.size > 0) await this.#sim.run(Promise.all(this.#restarts));
  }

  #strike(kind: FaultKind, peer: SimulatedPeer, up: readonly SimulatedPeer[]): boolean {
    const { network } = this.#sim;
    switch (kind) {
      case "asymmetry":
        return this.#slowDown(peer, pick(this.#random, up));
      case "partition":
        return this.#partition(up);
      case "one-way cut":
        network.cut(peer.host, pick(this.#random, up).host, { oneWay: true });
        return true;
      case "translators":
        network.rebind(peer.host);
        return true;
      case "crash":
        this.#crash(peer);
        return true;
      case "stop":
        this.#stop(peer);
        return true;
      case "pause":
        return this.#pause(peer);
      case "wall jump":
        this.#jumpWall(peer);
        return true;
      case "wall leap":
        return this.#leapWall(peer);
      case "mono leap":
        // An hour of its own beyond the end of what it holds, and it drops that for good.
        if (this.leaping.has(peer)) return false;
        peer.clock.jumpMono(below(this.#random, pick(this.#random, [2_000, 60_000, 3_600_000])));
        return true;
      case "spoofing":
        return this.#spoof(peer);
      default:
        return this.#strikeDisk(kind, peer);
    }
  }

  /** Makes one direction between two slow. */
  #slowDown({ host: from }: SimulatedPeer, { host: to }: SimulatedPeer): boolean {
    this.#sim.network.changeLink(from, to, { latencyMs: below(this.#random, 400) });
    this.#slowed.push([from, to]);
    return true;
  }

  /** Ahead by half an hour at most: what is stamped then is taken by others only when that time has come. */
  #jumpWall({ clock }: SimulatedPeer): void {
    const byMs = this.#signed(pick(this.#random, [2_000, 300_000, 1_800_000, 86_400_000]));
    const aheadMs = clock.now().wallMs - this.#sim.clock.now().wallMs;
    clock.jumpWall(Math.min(byMs, aheadMsMax - aheadMs));
  }

  /** Ahead by days, and back to where it was. */
  #leapWall(peer: SimulatedPeer): boolean {
    if (this.leaping.has(peer)) return false;
    const { clock } = peer;
    const aheadMs = (): number => clock.now().wallMs - this.#sim.clock.now().wallMs;
    const beforeMs = aheadMs();
    this.leaping.add(peer);
    clock.jumpWall(below(this.#random, pick(this.#random, [7_200_000, 259_200_000])));
    this.#sim.clock.set(below(this.#random, 60_000), () => {
      if (!this.leaping.delete(peer)) return;
      clock.jumpWall(Math.min(0, beforeMs - aheadMs()));
    });
    return true;
  }

  #strikeDisk(kind: FaultKind, peer: SimulatedPeer): boolean {
    const { clock } = this.#sim;
    const { store } = peer;
    if (kind === "disk full") store.failAlways("store_full");
    else if (kind === "disk error") store.disturb({ failing: 0.2 });
    else store.disturb(pick(this.#random, [{ lost: 0.3 }, { lost: 0.9 }, { lost: 0.5, failing: 0.3 }]));
    // What counted although nobody was told is found by the next start.
    const crashes = kind === "lost answer" && below(this.#random, 2) === 0;
    clock.set(below(this.#random, 60_000), () => {
      store.failAlways(null);
      store.disturb({});
      if (crashes && peer.isUp && peer.store === store && !this.#isOver) this.#crash(peer);
    });
    return true;
  }

  #partition(up: readonly SimulatedPeer[]): boolean {
    if (below(this.#random, 2) === 0) {
      this.#sim.heal();
      return true;
    }
    const mixed = shuffled(this.#random, up);
    const islands = 2 + below(this.#random, 3);
    this.#sim.partition(
      ...Array.from({ length: islands }, (_, i) => mixed.filter((_, j) => j % islands === i)),
    );
    return true;
  }

  /** Ends a peer, which starts again after a while. */
  #crash(peer: SimulatedPeer): void {
    this.#sim.crash(peer);
    this.#restartLater(peer);
  }

  /** The same with time for a farewell. */
  #stop(peer: SimulatedPeer): void {
    const stopping = peer.close().then(() => {
      this.#restarts.delete(stopping);
      this.#sim.closed(peer);
      this.#restartLater(peer);
    });
    this.#restarts.add(stopping);
  }

  /** Opens a peer again after a while, over and over if the disk is against it. */
  #restartLater(peer: SimulatedPeer): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const tracked: Promise<void> = promise.finally(() => this.#restarts.delete(tracked));
    this.#restarts.add(tracked);
    const restart = (): void => {
      peer.open().then(() => {
        this.#sim.started(peer);
        this.#onRestart(peer);
        resolve();
      }, (error) => {
        this.#sim.note(`${peer.name} does not start: ${error instanceof Error ? error.message : error}`);
        this.#sim.clock.set(1_000, restart);
      });
    };
    this.#sim.clock.set(below(this.#random, pick(this.#random, [10, 1_000, 60_000])), restart);
  }

  #pause(peer: SimulatedPeer): boolean {
    if (peer.isPaused) return false;
    peer.pause({ countsSleep: below(this.#random, 2) === 0 });
    this.#sim.clock.set(below(this.#random, pick(this.#random, [500, 10_000, 120_000])), () => {
      if (peer.isPaused) peer.resume();
    });
    return true;
  }

  /** Sends a datagram in the name of an address where nobody is: any bytes, or such as really were sent. */
  #spoof(peer: SimulatedPeer): boolean {
    const bytes = this.#sim.overheard() ?? this.#random.bytes(1 + below(this.#random, 1_200));
    const host = unprovenHost(this.#spoofs++);
    const socket = this.#sim.network.datagrams(host).bind({ host, port: 0 });
    socket.then((bound) => bound.send(bytes, { host: peer.host, port: peerPort }));
    return true;
  }

  #has(kind: FaultKind): boolean {
    if (this.kinds.has(kind)) this.#count(kind);
    return this.kinds.has(kind);
  }

  #count(kind: FaultKind): void {
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
  }

  #signed(most: number): number {
    return Math.floor((2 * fraction(this.#random) - 1) * most);
  }
}

/** How far ahead of true time a wall clock is set at most. */
const aheadMsMax = 1_800_000;

/** Faults that happen at a moment; the others are how the world is. */
const suddenKinds: readonly FaultKind[] = [
  "asymmetry",
  "partition",
  "one-way cut",
  "translators",
  "crash",
  "stop",
  "pause",
  "wall jump",
  "wall leap",
  "mono leap",
  "disk full",
  "disk error",
  "lost answer",
  "spoofing",
];

/**
 * Real peers in a virtual world: the same code that runs on sockets, disks and clocks, on a network, disks
 * and clocks that fail as a seed draws, watched by checkers. A seed repeats a run exactly.
 */

import { SeededRandom } from "../base/random.ts";
import { MemoryNetwork } from "../../transports/memory.ts";
import type { Checker, CloudStep, ReplicaStep, Report } from "./checker.ts";
import { createFakeKem } from "./fake_kem.ts";
import { CryptoWork } from "./crypto_work.ts";
import { type Checkers, createCheckers, type Watched } from "./invariants.ts";
import { createLightCrypto } from "./light_crypto.ts";
import { runMsDefault } from "./limits.ts";
import { Machines } from "./machines.ts";
import { NetworkTrace } from "./network_trace.ts";
import { shutOutRealWorld } from "./real_world.ts";
import type { SimulatedPeer } from "./simulated_peer.ts";
import { checkCount, checkSeed } from "./misuse.ts";
import { replayByHand, replayCommand, seedsToRun } from "./replay.ts";
import { Runner } from "./runner.ts";
import { failureText, SimulationFailure } from "./simulation_failure.ts";
import type {
  Crew,
  MachineOptions,
  RunUntil,
  SimulatedPeerOptions,
  SimulationOptions,
} from "./simulation_options.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { VirtualClock } from "./virtual_clock.ts";

/**
 * A simulation. From its making to its end ({@linkcode Simulation.close}, {@linkcode Simulation.drop}, or the end
 * of an `await using`) the real clock, real timers and real chance throw in this thread, between its runs as
 * well: what a test calls there is code of peers too. A simulation that is never ended leaves them shut. What
 * measures real time starts before it; timers that were set before it go on.
 *
 * @example A note crosses a partition once it heals
 * ```ts
 * import { Simulation } from "@kith/peer/testing";
 *
 * await Simulation.each(3, async (sim) => {
 *   const [ana, ben] = await sim.peers(2);
 *   const group = await sim.run(ana.peer.groups.create("Notes"));
 *   const invitation = await sim.run(group.invite());
 *   const notes = (await sim.run(ben.peer.groups.join(invitation))).records;
 *
 *   sim.partition([ana], [ben]);
 *   await sim.run(group.records.add("note", "heron"));
 *   await sim.run(60_000); // a minute of virtual time
 *   sim.assert((await sim.run(notes.list())).length === 0, "nothing crosses a partition");
 *
 *   sim.heal();
 *   await sim.run(120_000);
 *   sim.assert((await sim.run(notes.list())).length === 1, "the note arrives");
 * });
 * ```
 */
export class Simulation implements AsyncDisposable {
  /** Equal seeds give equal runs. */
  readonly seed: number;
  /** True time, which moves while the simulation runs. */
  readonly clock: VirtualClock = new VirtualClock();
  /** Chance for whoever writes the simulation, drawn from the seed. */
  readonly random: SeededRandom;
  /** The network, to be made fail. */
  readonly network: MemoryNetwork;
  /** What happened. */
  readonly trace: Trace = new Trace();
  readonly #replay: (seed: number) => string;
  readonly #machines: Machines;
  readonly #networkTrace: NetworkTrace;
  readonly #timeline: Timeline | null;
  readonly #own: Checkers;
  readonly #checkers: readonly Checker[];
  readonly #letIn: () => void;
  readonly #runner: Runner;
  #failure: SimulationFailure | null = null;
  #isOver = false;

  /** A world without peers. */
  constructor(options: SimulationOptions = {}) {
    this.seed = options.seed ?? 1;
    checkSeed(this.seed);
    this.random = new SeededRandom(this.seed);
    const random = new SeededRandom(this.random.uint32());
    const work = new CryptoWork(options.crypto ?? createLightCrypto());
    const kem = options.kem?.(new SeededRandom(random.uint32())) ??
      createFakeKem(work.uncounted, new SeededRandom(random.uint32()));
    this.#replay = options.replay ?? replayByHand(new Error().stack ?? "");
    this.network = new MemoryNetwork({
      timers: this.clock,
      random: new SeededRandom(random.uint32()),
      latencyMs: 1,
      jitterMs: 9,
      ...options.network,
    });
    this.network.observer = (event) => this.#tell((checker) => checker.onNetwork?.(event));
    const report: Report = (invariant, message) => this.#fail(invariant, message);
    this.#machines = new Machines({
      ...{ clock: this.clock, network: this.network, random, crypto: work.crypto, kem },
      ...{ trace: this.trace, report, note: (what) => this.note(what) },
      onReplica: (step) => this.#onReplica(step),
      onCloud: (step) => this.#onCloud(step),
    });
    this.#networkTrace = new NetworkTrace(this, (host) => this.#machines.nameOf(host));
    const watched: Watched = {
      work,
      wallMs: () => this.clock.now().wallMs,
      nowMs: () => this.nowMs,
    };
    this.#own = createCheckers(watched, report);
    this.#timeline = options.draws === true ? new Timeline(this) : null;
    this.#checkers = [
      this.#networkTrace, // first: a failure shows what it came of
      ...this.#own.all,
      ...this.#timeline === null ? [] : [this.#timeline],
      ...options.checkers?.(watched, report) ?? [],
    ];
    this.#runner = new Runner({
      clock: this.clock,
      look: () => this.#look(),
      fail: (invariant, message) => this.#fail(invariant, message),
    });
    this.#letIn = shutOutRealWorld(); // last: what throws above shuts nothing
  }

  /**
   * Runs `body` in a simulation for each of the seeds 1 to `count`, or for the one in the environment
   * variable `KITH_SEED`. A failure carries its seed and the command that repeats it.
   */
  static async each(
    count: number,
    body: (sim: Simulation) => Promise<void>,
    options: Omit<SimulationOptions, "seed"> = {},
  ): Promise<void> {
    const replay = options.replay ?? replayCommand(new Error().stack ?? "");
    checkCount("run seeds", count, 1);
    for (const seed of await seedsToRun(count)) {
      const sim = new Simulation({ ...options, replay, seed });
      try {
        await body(sim);
        await sim.close();
      } catch (error) {
        throw sim.failureOf(error);
      } finally {
        sim.drop();
      }
    }
  }

  /** Makes so many peers, each on a machine of its own, and runs until all are open. */
  peers<N extends number>(count: N, options: SimulatedPeerOptions = {}): Promise<Crew<N>> {
    return this.#runner.runsItself(this.#makePeers(count, options));
  }

  async #makePeers<N extends number>(count: N, options: SimulatedPeerOptions): Promise<Crew<N>> {
    this.#checkLive("make peers");
    checkCount("make peers", count, 1);
    const { clock, host, ...peerOptions } = options;
    const machine = { ...(clock && { clock }), ...(host && { host }) };
    const made = Array.from({ length: count }, () => this.addMachine(machine));
    await this.run(Promise.all(made.map((peer) => peer.open(peerOptions))));
    for (const peer of made) this.started(peer);
    return made as Crew<N>;
  }

  /** A machine without a peer; its {@linkcode SimulatedPeer.open} is for the caller to run. */
  addMachine(options: MachineOptions = {}): SimulatedPeer {
    return this.#machines.add(options);
  }

  /** Lets nothing through between the groups given; peers in none of them are cut off from nobody. Ends an earlier partition. */
  partition(...groups: readonly (readonly SimulatedPeer[])[]): void {
    groups.flat().forEach((peer) => this.#checkOwn("cut off", peer));
    this.note(`partition ${groups.map((group) => group.map(({ name }) => name).join("+")).join(" | ")}`);
    this.network.partition(groups.map((group) => group.map(({ host }) => host)));
  }

  /** Ends the partition and all cuts. */
  heal(): void {
    this.note("heal");
    this.network.healAll();
  }

  /** Ends a peer as a power cut does. What was durable stays for {@linkcode Simulation.restart}. */
  crash(peer: SimulatedPeer): void {
    this.#checkOwn("crash", peer);
    this.note(`crash ${peer.name}`);
    peer.crash();
    this.#tell((checker) => checker.onCrash?.(peer));
  }

  /** Opens a peer again that crashed or was closed; resolves when it is open. */
  restart(peer: SimulatedPeer): Promise<void> {
    return this.#runner.runsItself(this.#restart(peer));
  }

  async #restart(peer: SimulatedPeer): Promise<void> {
    this.#checkOwn("restart", peer);
    this.note(`restart ${peer.name}`);
    await this.run(peer.open());
    this.started(peer);
  }

  /** Tells the checkers of a peer that its caller closed; nothing of it may be left. */
  closed(peer: SimulatedPeer): void {
    const { timerCount } = peer;
    if (timerCount > 0) this.#fail("I29", `${peer.name} is closed and left ${timerCount} timers`);
    this.#tell((checker) => checker.onClosed?.(peer));
  }

  /** Tells the checkers of a peer that its caller opened. */
  started(peer: SimulatedPeer): void {
    this.#tell((checker) => checker.onStart?.(peer));
  }

  /**
   * Runs: for so many virtual milliseconds, until a condition holds, or until a promise settles, whose
   * outcome it gives. A condition or promise that takes longer than `maxMs` (an hour of virtual time if
   * not given) fails the simulation, and so does an invariant that does not hold.
   */
  async run<T = void>(until: RunUntil<T>, maxMs: number = runMsDefault): Promise<T> {
    this.#checkLive("run");
    return await this.#runner.run(until, maxMs) as T;
  }

  /** Fails the simulation unless the condition holds. */
  assert(condition: boolean, message: string): void {
    if (typeof condition !== "boolean") {
      throw new TypeError(`Cannot assert ${String(condition)}: it takes true or false`);
    }
    if (!condition) throw this.#failed("assert", message);
  }

  /** Writes a line into the trace. */
  note(what: string): void {
    this.trace.add(this.nowMs, "simulation", what);
    this.#tell((checker) => checker.onNote?.(what));
  }

  /** Writes into the trace, and on the picture, which kinds of faults there are. */
  noteFaults(kinds: readonly string[]): void {
    this.note(`faults: ${kinds.join(", ") || "none"}`);
    this.#tell((checker) => checker.onFaults?.(kinds));
  }

  /** Tells the checkers that all faults are mended and the peers had time to settle. */
  judgeQuiet(): void {
    this.note("quiet");
    this.#tell((checker) => checker.onQuiet?.(this.all));
    if (this.#failure !== null) throw this.#failure;
  }

  /** {@linkcode Simulation.judgeQuiet} once more, after so long in which nobody asked anything: the peers must rest. */
  judgeIdle(spanMs: number): void {
    this.note("idle");
    this.#tell((checker) => checker.onIdle?.(this.all, spanMs));
    if (this.#failure !== null) throw this.#failure;
  }

  /** Virtual milliseconds since the simulation began. */
  get nowMs(): number {
    return this.clock.now().monoMs;
  }

  /** How many things happened: timers that fired, pieces of traffic that arrived, commits that took time. */
  get events(): number {
    return this.clock.fired;
  }

  /** All its peers, in the order in which they were made. */
  get all(): readonly SimulatedPeer[] {
    return this.#machines.all;
  }

  /** In what peers of one graph differ now, in words; nothing once they hold the same. */
  differences(): string[] {
    return this.#own.differences().map(({ message }) => message);
  }

  /**
   * A picture of the peers and their faults over time, as SVG, if {@linkcode SimulationOptions.draws} asked for
   * one. `title` is added to the seed; a failure is marked.
   */
  svg(title: string = ""): string {
    if (this.#timeline === null) {
      throw new TypeError("Cannot draw this simulation: it must be made with draws: true");
    }
    return this.#timeline.svg(title, this.#failure);
  }

  /** A datagram that was sent of late, as somebody on the path may repeat it; `null` if none was. */
  overheard(): Uint8Array | null {
    return this.#networkTrace.overheard;
  }

  /** Any error as the failure of this simulation: with its seed, moment, trace and the command that repeats it. */
  failureOf(error: unknown): SimulationFailure {
    if (error instanceof SimulationFailure) return error;
    const message = error instanceof Error ? error.message : String(error);
    return this.#failed("error", message, { cause: error });
  }

  /** Closes all peers; nothing of them may be left. */
  async close(): Promise<void> {
    this.network.healAll();
    for (const peer of this.all) {
      if (peer.isPaused) peer.resume();
      if (peer.isUp) await this.run(peer.close());
      this.closed(peer);
    }
    if (this.#failure !== null) throw this.#failure;
    this.drop();
  }

  /** Ends everything where it stands, without a word to the peers. Once it has ended this changes nothing. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const peer of this.all) {
      if (peer.isUp || peer.isOpening) peer.crash();
      peer.clock.forget();
    }
    this.network.close();
    this.#letIn();
  }

  /** {@linkcode Simulation.close}, unless the simulation has failed already or a run of it was left alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === null && !this.#runner.isRunning) await this.close();
    else this.drop();
  }

  /** After each event: lets the checkers look; what the simulation failed with, if it has. */
  #look(): SimulationFailure | null {
    this.#tell((checker) => checker.onEvent?.());
    return this.#failure;
  }

  #onReplica(step: ReplicaStep): void {
    if (this.#halts(step.peer)) return;
    this.#tell((checker) => checker.onReplica?.(step));
  }

  #onCloud(step: CloudStep): void {
    if (this.#halts(step.peer)) return;
    this.#tell((checker) => checker.onCloud?.(step));
  }

  /** Once something does not hold no peer goes on: one that asks itself again and again would let no event end. */
  #halts(peer: SimulatedPeer): boolean {
    if (this.#failure === null) return false;
    peer.crash();
    return true;
  }

  #tell(what: (checker: Checker) => void): void {
    for (const checker of this.#checkers) what(checker);
  }

  #checkLive(what: string): void {
    if (this.#isOver) throw new TypeError(`Cannot ${what}: the simulation has ended`);
  }

  #checkOwn(what: string, peer: SimulatedPeer): void {
    this.#checkLive(what);
    if (!this.all.includes(peer)) throw new TypeError(`Cannot ${what} a peer of another simulation`);
  }

  #fail(invariant: string, message: string): void {
    this.#failure ??= this.#failed(invariant, message);
  }

  #failed(invariant: string, message: string, options?: ErrorOptions): SimulationFailure {
    const { seed, nowMs, events, trace } = this;
    const place = this.#runner.placeOf(options?.cause);
    const replay = this.#replay(seed);
    const text = failureText(`${invariant}: ${message}`, { seed, nowMs, events, trace, place, replay });
    return this.#failure ??= new SimulationFailure(seed, invariant, text, options);
  }
}

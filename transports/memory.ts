/**
 * A network inside one process: hosts by address, streams and datagrams between them, and the ways
 * in which real networks fail. Peers of one process talk over it, and simulations are built on it.
 *
 * With a latency of 0 everything arrives at once and no timer is used. A stream keeps its order
 * whatever the network does; a cut holds its bytes up, as TCP sends them again, and loses datagrams.
 */

import { parseHost } from "../lib/base/address.ts";
import type { Address, Clock, Datagrams, Random, Streams, Timers } from "../lib/base/ports.ts";
import { calmConditions, changedConditions, type NetworkConditions } from "./memory_conditions.ts";
import { DatagramCarrier, type Places } from "./memory_datagrams.ts";
import { MemoryDatagrams, MemoryHost, MemoryStreams } from "./memory_host.ts";
import { Ledger, type NetworkEvent, type NetworkTraffic } from "./memory_ledger.ts";
import { Direction, Place } from "./memory_link.ts";
import { type NatOptions, translationOf, Translator } from "./memory_nat.ts";
import { Schedule } from "./memory_schedule.ts";
import { createStreamPair, type MemoryStream } from "./memory_stream.ts";
import { Wire, type WireWorld } from "./memory_wire.ts";

export type { BurstLoss, NetworkConditions } from "./memory_conditions.ts";
export type { NetworkDropReason, NetworkEvent, NetworkTraffic } from "./memory_ledger.ts";
export type { NatKind, NatOptions } from "./memory_nat.ts";

/** What a network is built on. */
export interface NetworkPorts {
  /** Carry what takes time. */
  readonly timers: Timers;
  /** Tells the time; may be left out where `timers` does too, as a `VirtualClock` does. */
  readonly clock?: Clock;
  /** All chance that the network draws. */
  readonly random: Random;
}

/**
 * The network.
 *
 * @example Two hosts on a virtual clock
 * ```ts
 * import { MemoryNetwork, SeededRandom, VirtualClock } from "@kith/peer/testing";
 *
 * const clock = new VirtualClock();
 * const network = new MemoryNetwork({ timers: clock, random: new SeededRandom(1), latencyMs: 40 });
 * const socket = await network.datagrams("10.0.0.2").bind({ host: "10.0.0.2", port: 4000 });
 * const sender = await network.datagrams("10.0.0.1").bind({ host: "10.0.0.1", port: 0 });
 *
 * sender.send(Uint8Array.of(1), socket.address);
 * clock.advance(40);
 * for await (const datagram of socket) {
 *   console.log(datagram.from.host); // 10.0.0.1
 *   break;
 * }
 * ```
 *
 * @example Two islands, and a line that is slow in one direction
 * ```ts
 * import { MemoryNetwork, SeededRandom, VirtualClock } from "@kith/peer/testing";
 *
 * const network = new MemoryNetwork({ timers: new VirtualClock(), random: new SeededRandom(1) });
 * network.partition([["10.0.0.1", "10.0.0.2"], ["10.0.0.3"]]);
 * network.changeLink("10.0.0.1", "10.0.0.2", { bytesPerSecond: 32_000, lossShare: 0.02 });
 * network.healAll(); // the slow line stays slow
 * ```
 */
export class MemoryNetwork {
  readonly #schedule: Schedule;
  readonly #ledger = new Ledger();
  readonly #places = new Map<string, Place>();
  readonly #heldUp = new Set<Wire>();
  readonly #wireWorld: WireWorld;
  readonly #carrier: DatagramCarrier;
  #conditions: NetworkConditions;
  #islands: ReadonlyMap<string, number> | null = null;
  #cuts: readonly (readonly [from: string, to: string])[] | null = null;

  /** A network without hosts or faults that takes no time, unless told otherwise. */
  constructor(options: NetworkPorts & Partial<NetworkConditions>) {
    const { timers, clock, random, ...conditions } = options;
    this.#schedule = new Schedule(timers, clock ?? clockIn(timers), random);
    this.#conditions = changedConditions(calmConditions, conditions);
    this.#wireWorld = { schedule: this.#schedule, ledger: this.#ledger, heldUp: this.#heldUp };
    const places: Places = {
      find: (name) => this.#places.get(name) ?? null,
      direction: (from, to) => this.#direction(from, to),
    };
    this.#carrier = new DatagramCarrier(places, this.#schedule, this.#ledger);
  }

  /** Told of all that happens, as it happens; it may look, and change nothing. `null`: nobody. */
  get observer(): ((event: NetworkEvent) => void) | null {
    return this.#ledger.observer;
  }

  set observer(observer: ((event: NetworkEvent) => void) | null) {
    this.#ledger.observer = observer;
  }

  /** The streams of a host. */
  streams(host: string): Streams {
    const [place, at] = this.#host(host);
    return new MemoryStreams(at, (to, settle) => this.#openStream(place, at, to, settle));
  }

  /** The datagrams of a host. */
  datagrams(host: string): Datagrams {
    const [place, at] = this.#host(host);
    return new MemoryDatagrams(at, (from, to, bytes) => this.#carrier.send(place, from, to, bytes));
  }

  /** Changes how the network treats what is sent from now on; throws a `RangeError` for impossible conditions. */
  change(conditions: Partial<NetworkConditions>): void {
    this.#conditions = changedConditions(this.#conditions, conditions);
    for (const place of this.#places.values()) {
      for (const direction of place.directions.values()) direction.follow(this.#conditions);
    }
  }

  /**
   * Changes one direction alone, over what holds for all; `null`: what holds for all holds there again.
   * A direction leads from host to host, also where a translator is between.
   */
  changeLink(from: string, to: string, conditions: Partial<NetworkConditions> | null): void {
    this.#direction(this.#place(from), this.#place(to)).change(this.#conditions, conditions);
  }

  /** The number of the island on which each host of the partition stands; another map after each change of it. */
  get islands(): ReadonlyMap<string, number> {
    return this.#islands ??= new Map(
      [...this.#places.values()].flatMap(({ name, island }) => island === null ? [] : [[name, island]]),
    );
  }

  /** Which hosts nothing goes from, and where to, for cuts alone; another list after each change of them. */
  get cuts(): readonly (readonly [from: string, to: string])[] {
    return this.#cuts ??= [...this.#places.values()].flatMap((place) =>
      [...place.directions].flatMap(([to, { isCut }]) => isCut ? [[place.name, to.name] as const] : [])
    );
  }

  /** Lets nothing through between two hosts, or only not from the first to the second. */
  cut(from: string, to: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#direction(this.#place(from), this.#place(to)).isCut = true;
    if (!options.oneWay) this.#direction(this.#place(to), this.#place(from)).isCut = true;
    this.#cuts = null;
  }

  /** Ends all cuts between two hosts: streams go on with what was held up. A partition stays. */
  heal(a: string, b: string): void {
    this.#direction(this.#place(a), this.#place(b)).isCut = false;
    this.#direction(this.#place(b), this.#place(a)).isCut = false;
    this.#cuts = null;
    this.#resumeWires();
  }

  /**
   * Lets nothing through between hosts of different groups, in place of the partition before. Hosts
   * in no group reach all; no groups, no partition. A host in two groups is a `TypeError`.
   */
  partition(groups: readonly (readonly string[])[]): void {
    const named = groups.flat();
    if (new Set(named).size !== named.length) throw new TypeError("A host is in two groups of the partition");
    for (const place of this.#places.values()) place.island = null;
    for (const [island, names] of groups.entries()) {
      for (const name of names) this.#place(name).island = island;
    }
    this.#islands = null;
    this.#resumeWires();
  }

  /** Ends all cuts and the partition. */
  healAll(): void {
    for (const place of this.#places.values()) {
      place.island = null;
      for (const direction of place.directions.values()) direction.isCut = false;
    }
    this.#islands = this.#cuts = null;
    this.#resumeWires();
  }

  /**
   * Stalls a host, as a process that hangs: what arrives waits until it goes on, in its order, and
   * datagrams that find its sockets' queues full are lost. What it sends still leaves.
   */
  pause(host: string): void {
    this.#place(host).isPaused = true;
  }

  /** Lets a stalled host go on, with all that waited. */
  resume(host: string): void {
    const place = this.#place(host);
    place.isPaused = false;
    this.#carrier.release(place);
    this.#resumeWires();
  }

  /**
   * Puts a host behind a translator, or with `null` on the open network. Behind it, the host's
   * datagrams come from the outside address, only what the translator lets in comes back, and an
   * attempt from outside to open a stream is lost without a sign; it opens streams itself as before.
   * The outside address belongs to no host, else it is a `TypeError`.
   */
  translate(host: string, options: NatOptions | null): void {
    const place = this.#place(host);
    const outside = options === null ? null : this.#place(options.publicHost);
    if (outside !== null && (outside.host !== null || outside.behind !== null || outside === place)) {
      throw new TypeError(`'${outside.name}' is a host; a translator needs an address of its own`);
    }
    this.rebind(host);
    place.behind = null;
    if (options === null || outside === null) return;
    const translator = outside.outside ?? new Translator(outside.name);
    place.behind = translationOf(translator, options);
    outside.outside = translator;
  }

  /**
   * Lets the translator of a host forget it, as one that restarts does: from now on it comes from
   * other ports, and its streams through the translator break. Without one nothing happens.
   */
  rebind(host: string): void {
    const place = this.#place(host);
    place.behind?.translator.forget(place);
    for (const end of [...place.crossings]) end();
  }

  /**
   * Ends a host as a crash does: its sockets and listeners are gone and its streams break, at the
   * other ends too once that gets through. The same address may then be a new host.
   */
  closeHost(host: string): void {
    const place = this.#places.get(host);
    if (place === undefined) return;
    place.host?.close();
    place.host = null;
    this.resume(host);
  }

  /** Ends all hosts and drops what is under way; no timer is left. */
  close(): void {
    for (const host of this.#places.keys()) this.closeHost(host);
    this.#ledger.dropAll();
    this.#schedule.cancelAll();
    this.#heldUp.clear();
  }

  /** What went over the network so far. */
  traffic(): NetworkTraffic {
    return this.#ledger.traffic();
  }

  #openStream(
    origin: Place,
    host: MemoryHost,
    to: Address,
    settle: (stream: MemoryStream | null) => void,
  ): void {
    const from = { host: host.name, port: host.freePort() };
    const target = this.#place(to.host);
    const isInside = origin.behind !== null && origin.behind.translator === target.behind?.translator;
    this.#ledger.note("sent", "connect", from, to);
    if (target.outside !== null || (target.behind !== null && !isInside)) {
      return this.#ledger.note("dropped", "connect", from, to, undefined, "nat");
    }
    const crosses = isInside ? null : origin.behind;
    const seen = crosses === null
      ? from
      : { host: crosses.translator.publicHost, port: crosses.translator.freePort() };
    const forth = new Wire(this.#wireWorld, this.#direction(origin, target), from, to);
    const back = new Wire(this.#wireWorld, this.#direction(target, origin), to, from);
    forth.carry(() => {
      this.#ledger.note("delivered", "connect", seen, to);
      const server = target.host;
      const { near, far } = createStreamPair(seen, to, forth, back);
      if (server?.listeners.get(to.port)?.arrive(far) !== true) {
        this.#ledger.note("refused", "stream", seen, to);
        return back.carry(() => settle(null));
      }
      this.#ledger.opened(seen, to);
      server.own(far, back, near);
      host.own(near, forth, far, crosses === null ? null : origin.crossings);
      back.carry(() => settle(near));
    });
  }

  #resumeWires(): void {
    for (const wire of [...this.#heldUp]) wire.resume();
  }

  #place(name: string): Place {
    let place = this.#places.get(name);
    if (place === undefined) {
      if (parseHost(name) === null) {
        throw new TypeError(`"${name}" is no address of a machine; a simulated peer's is its "host"`);
      }
      this.#places.set(name, place = new Place(name));
    }
    return place;
  }

  #host(name: string): [Place, MemoryHost] {
    const place = this.#place(name);
    if (place.outside !== null) throw new TypeError(`'${name}' is the outside of a translator, not a host`);
    place.host ??= new MemoryHost(name);
    return [place, place.host];
  }

  #direction(from: Place, to: Place): Direction {
    let direction = from.directions.get(to);
    if (direction === undefined) {
      direction = new Direction(from, to, this.#conditions, this.#schedule);
      from.directions.set(to, direction);
    }
    return direction;
  }
}

/** The clock that timers are as well. */
function clockIn(timers: Timers & Partial<Clock>): Clock {
  if (timers.now === undefined) {
    throw new TypeError("The network needs a 'clock': its timers do not tell the time");
  }
  return timers as Timers & Clock;
}

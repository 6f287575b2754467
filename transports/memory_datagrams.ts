/** Datagrams on a network in memory: from the socket that sends to the one that receives, or to their end. */

import { BoundedQueue } from "../lib/base/bounded.ts";
import type { Address, TimerHandle } from "../lib/base/ports.ts";
import { datagramQueueBytesMax, datagramQueueCountMax } from "./limits.ts";
import type { Ledger, NetworkDropReason } from "./memory_ledger.ts";
import type { Direction, Place } from "./memory_link.ts";
import type { Mapping } from "./memory_nat.ts";
import type { Schedule } from "./memory_schedule.ts";

/** One datagram under way, or one copy of it. */
export class Flight {
  /** The sender's own address. */
  readonly from: Address;
  /** Where it was sent. */
  readonly to: Address;
  /** What arrives; the receiver's own. */
  readonly bytes: Uint8Array;
  /** The sender's address as the receiver sees it. */
  seenFrom: Address;
  /** The mapping through which it comes in. */
  mapping: Mapping | null = null;
  /** The port of the receiver. */
  port: number;
  timer: TimerHandle | null = null;

  /** A datagram that sets out. */
  constructor(from: Address, to: Address, bytes: Uint8Array) {
    this.from = from;
    this.to = to;
    this.bytes = bytes;
    this.seenFrom = from;
    this.port = to.port;
  }

  /** A second one of the same. */
  copy(): Flight {
    const copy = new Flight(this.from, this.to, this.bytes.slice());
    copy.seenFrom = this.seenFrom;
    copy.mapping = this.mapping;
    copy.port = this.port;
    return copy;
  }
}

/** Where datagrams can go. */
export interface Places {
  /** The address of this name, or `null` if the network never heard of it. */
  find(name: string): Place | null;
  /** The direction from one to the other. */
  direction(from: Place, to: Place): Direction;
}

/** Carries datagrams. */
export class DatagramCarrier {
  readonly #places: Places;
  readonly #schedule: Schedule;
  readonly #ledger: Ledger;

  /** Carries between these places. */
  constructor(places: Places, schedule: Schedule, ledger: Ledger) {
    this.#places = places;
    this.#schedule = schedule;
    this.#ledger = ledger;
  }

  /** Sends a datagram from a place. */
  send(origin: Place, from: Address, to: Address, bytes: Uint8Array): void {
    const flight = new Flight(from, to, bytes.slice());
    this.#ledger.sent(flight);
    const target = this.#translate(origin, flight);
    if (typeof target === "string") return this.#ledger.dropped(flight, target);
    const direction = this.#places.direction(origin, target);
    if (bytes.length > direction.conditions.datagramBytesMax) {
      return this.#ledger.dropped(flight, "too_large");
    }
    const queueMs = direction.enqueue(bytes.length);
    if (queueMs === null) return this.#ledger.dropped(flight, "capacity");
    const loss = direction.loss();
    if (loss !== null) return this.#ledger.dropped(flight, loss);
    const copy = direction.isDoubled() ? flight.copy() : null;
    if (copy !== null) this.#ledger.duplicated(copy);
    this.#depart(flight, direction, queueMs);
    if (copy !== null) this.#depart(copy, direction, queueMs);
  }

  /** Hands over what waited for a host that was paused, or is gone. */
  release(place: Place): void {
    const waiting = [...place.held.values()];
    place.held.clear();
    for (const queue of waiting) {
      for (let flight = queue.shift(); flight !== undefined; flight = queue.shift()) {
        this.#deliver(flight, place);
      }
    }
  }

  /** Where the datagram leads, and as whose it is seen there; or why it leads nowhere. */
  #translate(origin: Place, flight: Flight): Place | NetworkDropReason {
    const target = this.#places.find(flight.to.host);
    const { behind } = origin;
    const isInside = behind !== null && target?.behind?.translator === behind.translator;
    if (behind !== null && !isInside) {
      const nowMs = this.#schedule.nowMs();
      flight.seenFrom = behind.translator.sends(origin, behind, flight.from.port, flight.to, nowMs);
    }
    if (target === null) return "no_host";
    if (target.behind !== null && !isInside) return "nat";
    if (target.outside === null) return target;
    flight.mapping = target.outside.mappingAt(flight.to.port);
    if (flight.mapping === null) return "nat";
    flight.port = flight.mapping.port;
    return flight.mapping.place;
  }

  #depart(flight: Flight, direction: Direction, queueMs: number): void {
    direction.corrupt(flight.bytes);
    const delayMs = queueMs + direction.datagramMs();
    if (delayMs <= 0) return this.#arrive(flight, direction);
    flight.timer = this.#schedule.set(delayMs, () => this.#arrive(flight, direction));
  }

  #arrive(flight: Flight, direction: Direction): void {
    if (direction.isSevered) return this.#ledger.dropped(flight, "cut");
    const { mapping } = flight;
    if (mapping !== null) {
      const { translator } = mapping.translation;
      const isLetIn = translator.letsIn(mapping, flight.seenFrom, this.#schedule.nowMs());
      if (!isLetIn) return this.#ledger.dropped(flight, "nat");
    }
    if (direction.to.isPaused) this.#hold(flight, direction.to);
    else this.#deliver(flight, direction.to);
  }

  /** A paused host's sockets still take what fits into their queues, as its system does. */
  #hold(flight: Flight, place: Place): void {
    if (place.host?.sockets.has(flight.port) !== true) return this.#deliver(flight, place);
    let queue = place.held.get(flight.port);
    if (queue === undefined) {
      queue = new BoundedQueue(datagramQueueCountMax, datagramQueueBytesMax, ({ bytes }) => bytes.length);
      place.held.set(flight.port, queue);
    }
    if (!queue.push(flight)) this.#ledger.dropped(flight, "socket_queue");
  }

  #deliver(flight: Flight, place: Place): void {
    const { bytes, seenFrom } = flight;
    if (place.host === null) return this.#ledger.dropped(flight, "no_host");
    const socket = place.host.sockets.get(flight.port);
    if (socket === undefined) return this.#ledger.dropped(flight, "no_socket");
    if (!socket.arrive({ bytes, from: seenFrom })) return this.#ledger.dropped(flight, "socket_queue");
    this.#ledger.delivered(flight, socket.address);
  }
}

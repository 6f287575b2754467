/** What goes over a network in memory: the books on every datagram, and what an observer is told. */

import { assert } from "../lib/base/assert.ts";
import type { Address } from "../lib/base/ports.ts";
import type { Flight } from "./memory_datagrams.ts";

/** Why something did not arrive. */
export type NetworkDropReason =
  /** Longer than the direction carries. */
  | "too_large"
  /** The queue of a direction of limited capacity was full. */
  | "capacity"
  /** Lost by chance. */
  | "loss"
  /** Lost in a burst. */
  | "burst"
  /** A cut or a partition was between. */
  | "cut"
  /** A translator let it not in. */
  | "nat"
  /** No host stood at the address. */
  | "no_host"
  /** The host had no socket at the port. */
  | "no_socket"
  /** Too many waited at the socket already. */
  | "socket_queue"
  /** The other end of the stream, or the network, had ended. */
  | "closed";

/** Something that happened on the network. */
export interface NetworkEvent {
  /**
   * `sent`, `duplicated`, `delivered` and `dropped` tell of datagrams, chunks of streams and attempts
   * to connect; `opened`, `refused` and `broken` of streams, where `broken` comes once for each end.
   */
  readonly kind: "sent" | "duplicated" | "delivered" | "dropped" | "opened" | "refused" | "broken";
  /** What it happened to. */
  readonly what: "datagram" | "chunk" | "connect" | "stream";
  /** Its sender's own address; where it is delivered through a translator, the address that the receiver sees. */
  readonly from: Address;
  /** Where it was sent; where it is delivered, the receiver's own address. */
  readonly to: Address;
  /** Length of `content`. */
  readonly bytes: number;
  /** What is carried. It belongs to the receiver: an observer neither changes nor keeps it. */
  readonly content: Uint8Array;
  /** Why it was dropped; `null` for all other kinds. */
  readonly reason: NetworkDropReason | null;
}

/**
 * What went over the network since it was made. At any moment
 * `sent + duplicated = delivered + all dropped + underWay`.
 */
export interface NetworkTraffic {
  /** Datagrams sent. */
  readonly sent: number;
  /** Their bytes. */
  readonly sentBytes: number;
  /** Second copies that the network made of them. */
  readonly duplicated: number;
  /** Datagrams and copies that reached a socket. */
  readonly delivered: number;
  /** Datagrams and copies that did not, by reason. */
  readonly dropped: Readonly<Record<NetworkDropReason, number>>;
  /** Datagrams and copies of which neither is decided, those for paused hosts included. */
  readonly underWay: number;
  /** Streams opened. */
  readonly streams: number;
}

/** The books. They balance at any moment, or an assertion fails. */
export class Ledger {
  /** Told of all that happens. */
  observer: ((event: NetworkEvent) => void) | null = null;
  readonly #underWay = new Set<Flight>();
  readonly #dropped: Record<NetworkDropReason, number> = { ...noneDropped };
  #sent = 0;
  #sentBytes = 0;
  #duplicated = 0;
  #delivered = 0;
  #droppedCount = 0;
  #streams = 0;

  /** A datagram sets out. */
  sent(flight: Flight): void {
    this.#sent++;
    this.#sentBytes += flight.bytes.length;
    this.#underWay.add(flight);
    this.note("sent", "datagram", flight.from, flight.to, flight.bytes);
  }

  /** The network makes a copy of one. */
  duplicated(flight: Flight): void {
    this.#duplicated++;
    this.#underWay.add(flight);
    this.note("duplicated", "datagram", flight.from, flight.to, flight.bytes);
  }

  /** A datagram reached the socket at `to`. */
  delivered(flight: Flight, to: Address): void {
    this.#delivered++;
    this.#settle(flight);
    this.note("delivered", "datagram", flight.seenFrom, to, flight.bytes);
  }

  /** A datagram went no further. */
  dropped(flight: Flight, reason: NetworkDropReason): void {
    this.#dropped[reason]++;
    this.#droppedCount++;
    this.#settle(flight);
    this.note("dropped", "datagram", flight.from, flight.to, flight.bytes, reason);
  }

  /** Drops all that is under way, as the network ends. */
  dropAll(): void {
    for (const flight of [...this.#underWay]) {
      flight.timer?.cancel();
      this.dropped(flight, "closed");
    }
  }

  /** A stream was opened. */
  opened(from: Address, to: Address): void {
    this.#streams++;
    this.note("opened", "stream", from, to, nothing);
  }

  /** Tells the observer, if there is one. */
  note(
    kind: NetworkEvent["kind"],
    what: NetworkEvent["what"],
    from: Address,
    to: Address,
    content: Uint8Array = nothing,
    reason: NetworkDropReason | null = null,
  ): void {
    this.observer?.({ kind, what, from, to, bytes: content.length, content, reason });
  }

  /** What went over the network so far. */
  traffic(): NetworkTraffic {
    return {
      sent: this.#sent,
      sentBytes: this.#sentBytes,
      duplicated: this.#duplicated,
      delivered: this.#delivered,
      dropped: { ...this.#dropped },
      underWay: this.#underWay.size,
      streams: this.#streams,
    };
  }

  #settle(flight: Flight): void {
    assert(this.#underWay.delete(flight), "a datagram is delivered or dropped once");
    const settled = this.#delivered + this.#droppedCount;
    const balance = this.#sent + this.#duplicated - settled - this.#underWay.size;
    assert(balance === 0, "no datagram disappears without a counted reason");
  }
}

const nothing: Uint8Array = new Uint8Array(0);

const noneDropped: Readonly<Record<NetworkDropReason, number>> = {
  "too_large": 0,
  capacity: 0,
  loss: 0,
  burst: 0,
  cut: 0,
  nat: 0,
  "no_host": 0,
  "no_socket": 0,
  "socket_queue": 0,
  closed: 0,
};

/** What stands at one address of a network in memory: its listeners, sockets and streams. */

import type {
  Address,
  ByteStream,
  Datagram,
  Datagrams,
  DatagramSocket,
  StreamListener,
  Streams,
} from "../lib/base/ports.ts";
import { addressText } from "../lib/base/address.ts";
import { BoundedQueue } from "../lib/base/bounded.ts";
import { PeerError, throwIfAborted } from "../lib/base/errors.ts";
import { datagramQueueBytesMax, datagramQueueCountMax, memoryBacklogMax } from "./limits.ts";
import type { MemoryStream } from "./memory_stream.ts";
import type { Wire } from "./memory_wire.ts";

/** What stands at one address, until it crashes. */
export class MemoryHost {
  /** Its address. */
  readonly name: string;
  /** Who accepts streams, by port. */
  readonly listeners: Map<number, MemoryListener> = new Map();
  /** Who takes datagrams, by port. */
  readonly sockets: Map<number, MemorySocket> = new Map();
  readonly #endings = new Set<() => void>();
  #nextPort = firstFreePort;
  #closed = false;

  /** A host without anything on it. */
  constructor(name: string) {
    this.name = name;
  }

  /** A port that no listener or socket of this host has. */
  freePort(): number {
    for (;;) {
      const port = this.#nextPort;
      this.#nextPort = port === 65_535 ? firstFreePort : port + 1;
      if (!this.listeners.has(port) && !this.sockets.has(port)) return port;
    }
  }

  /** The address to stand at, checked: this host's own, with a free port. */
  claim(address: Address, taken: ReadonlyMap<number, unknown>): Address {
    this.checkOpen();
    if (address.host !== this.name) {
      const message = `Cannot listen on ${addressText(address)}: this host is ${this.name}`;
      throw new PeerError("invalid_address", message);
    }
    if (taken.has(address.port)) {
      const message = `Cannot listen on ${
        addressText(address)
      }: the port is taken. Choose another, or 0 for any`;
      throw new PeerError("port_in_use", message);
    }
    return { host: this.name, port: address.port === 0 ? this.freePort() : address.port };
  }

  /**
   * Breaks `stream` when this host ends, and `other` at the far end when that gets through along
   * `wire`; what is in `endings` besides breaks it too.
   */
  own(stream: MemoryStream, wire: Wire, other: MemoryStream, endings: Set<() => void> | null = null): void {
    const end = () => {
      stream.break();
      wire.carry(() => other.break());
    };
    const stay = this.whenClosed(end);
    endings?.add(end);
    stream.whenClosed(() => {
      stay();
      endings?.delete(end);
    });
  }

  /** Calls back when this host ends; the function returned takes that back. */
  whenClosed(callback: () => void): () => void {
    this.#endings.add(callback);
    return () => void this.#endings.delete(callback);
  }

  /** Throws once the host has ended. */
  checkOpen(): void {
    if (this.#closed) throw new PeerError("closed", `The host ${this.name} has ended; make it again`);
  }

  /** Ends everything on it. */
  close(): void {
    this.#closed = true;
    for (const listener of [...this.listeners.values()]) listener.close();
    for (const socket of [...this.sockets.values()]) socket.close();
    for (const end of [...this.#endings]) end();
    this.#endings.clear();
  }
}

/** Sets out for an address and reports the stream, or `null` when it is refused. */
export type OpenStream = (to: Address, settle: (stream: MemoryStream | null) => void) => void;

/** Lets a datagram go. */
export type SendDatagram = (from: Address, to: Address, bytes: Uint8Array) => void;

/** The streams of one host. */
export class MemoryStreams implements Streams {
  readonly #host: MemoryHost;
  readonly #open: OpenStream;

  /** Streams of `host` over the network behind `open`. */
  constructor(host: MemoryHost, open: OpenStream) {
    this.#host = host;
    this.#open = open;
  }

  /** Accepts streams at the host's address. */
  async listen(address: Address): Promise<StreamListener> {
    const claimed = await Promise.try(() => this.#host.claim(address, this.#host.listeners));
    return new MemoryListener(claimed, this.#host.listeners);
  }

  /** Opens a stream to another host; while a cut is between, the attempt waits for the signal. */
  async connect(address: Address, signal: AbortSignal): Promise<ByteStream> {
    const action = `Connecting to ${addressText(address)}`;
    throwIfAborted(signal, action);
    this.#host.checkOpen();
    const stream = await this.#attempt(address, signal);
    if (stream !== null && !signal.aborted) return stream;
    stream?.close();
    throwIfAborted(signal, action);
    this.#host.checkOpen();
    throw new PeerError(
      "connect_failed",
      `${action} failed: it was refused. Check that a peer listens there`,
    );
  }

  /** The stream, or `null` if it was refused, the signal fired or this host ended. */
  async #attempt(address: Address, signal: AbortSignal): Promise<MemoryStream | null> {
    const { promise, resolve } = Promise.withResolvers<MemoryStream | null>();
    let over = false;
    const settle = (stream: MemoryStream | null) => {
      if (over) stream?.close(); // came too late
      over = true;
      resolve(stream);
    };
    const giveUp = () => settle(null);
    const stay = this.#host.whenClosed(giveUp);
    signal.addEventListener("abort", giveUp, { once: true });
    this.#open(address, settle);
    const stream = await promise;
    signal.removeEventListener("abort", giveUp);
    stay();
    return stream;
  }
}

class MemoryListener implements StreamListener {
  readonly address: Address;
  readonly #listeners: Map<number, MemoryListener>;
  readonly #accepted = new Arrivals<MemoryStream>(memoryBacklogMax, memoryBacklogMax, () => 1);

  constructor(address: Address, listeners: Map<number, MemoryListener>) {
    this.address = address;
    this.#listeners = listeners;
    listeners.set(address.port, this);
  }

  /** Takes a stream that came, unless too many wait. */
  arrive(stream: MemoryStream): boolean {
    return this.#accepted.push(stream);
  }

  close(): void {
    if (this.#listeners.get(this.address.port) === this) this.#listeners.delete(this.address.port);
    for (const stream of this.#accepted.end()) stream.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ByteStream> {
    return this.#accepted.iterate();
  }
}

/** The datagrams of one host. */
export class MemoryDatagrams implements Datagrams {
  readonly #host: MemoryHost;
  readonly #send: SendDatagram;

  /** Datagrams of `host` over the network behind `send`. */
  constructor(host: MemoryHost, send: SendDatagram) {
    this.#host = host;
    this.#send = send;
  }

  /** Opens a socket at the host's address. */
  async bind(address: Address): Promise<DatagramSocket> {
    const claimed = await Promise.try(() => this.#host.claim(address, this.#host.sockets));
    return new MemorySocket(this.#send, claimed, this.#host.sockets);
  }
}

class MemorySocket implements DatagramSocket {
  readonly address: Address;
  readonly #send: SendDatagram;
  readonly #sockets: Map<number, MemorySocket>;
  readonly #arrived = new Arrivals<Datagram>(
    datagramQueueCountMax,
    datagramQueueBytesMax,
    (datagram) => datagram.bytes.length,
  );

  constructor(send: SendDatagram, address: Address, sockets: Map<number, MemorySocket>) {
    this.#send = send;
    this.address = address;
    this.#sockets = sockets;
    sockets.set(address.port, this);
  }

  /** Takes a datagram that came, unless too many wait. */
  arrive(datagram: Datagram): boolean {
    return this.#arrived.push(datagram);
  }

  send(bytes: Uint8Array, to: Address): void {
    if (this.#sockets.get(this.address.port) !== this) return; // closed
    this.#send(this.address, to, bytes);
  }

  close(): void {
    if (this.#sockets.get(this.address.port) === this) this.#sockets.delete(this.address.port);
    this.#arrived.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Datagram> {
    return this.#arrived.iterate();
  }
}

/** What has come and waits to be taken, in a bounded queue with an asynchronous end. */
class Arrivals<T> {
  readonly #queue: BoundedQueue<T>;
  #wakes: (() => void)[] = [];
  #over = false;

  constructor(countMax: number, bytesMax: number, bytesOf: (item: T) => number) {
    this.#queue = new BoundedQueue(countMax, bytesMax, bytesOf);
  }

  push(item: T): boolean {
    if (this.#over || !this.#queue.push(item)) return false;
    this.#wake();
    return true;
  }

  /** Ends the iteration and returns what nobody took. */
  end(): T[] {
    this.#over = true;
    this.#wake();
    const left: T[] = [];
    while (this.#queue.size > 0) left.push(this.#queue.shift()!);
    return left;
  }

  async *iterate(): AsyncGenerator<T, void, void> {
    while (!this.#over) {
      if (this.#queue.size > 0) yield this.#queue.shift()!;
      else await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}

/** Where the ports begin that are chosen for who asks for none (RFC 6335, dynamic ports). */
const firstFreePort = 49_152;

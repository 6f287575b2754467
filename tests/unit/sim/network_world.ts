/** Two hosts on a virtual network, with what tests of its faults need. */

import type { Address, ByteStream, Datagram, DatagramSocket } from "../../../lib/base/ports.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { MemoryNetwork, type NetworkConditions, type NetworkEvent } from "../../../transports/memory.ts";

export const a = "10.0.0.1";
export const b = "10.0.0.2";

/** Hosts `a` and `b`, and any others. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;

  constructor(conditions: Partial<NetworkConditions> = { latencyMs: 10 }, seed = 7) {
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork({ timers: this.clock, random: this.random, ...conditions });
  }

  /** A stream from `a` to `b`. */
  streams(): Promise<{ near: ByteStream; far: ByteStream }> {
    return this.clock.until(this.openStreams(), 1_000);
  }

  /** A stream from `a` to `b`, as soon as virtual time brings it. */
  async openStreams(): Promise<{ near: ByteStream; far: ByteStream }> {
    const listener = await this.network.streams(b).listen({ host: b, port: 0 });
    const accepted = listener[Symbol.asyncIterator]().next();
    const dialled = this.network.streams(a).connect(listener.address, new AbortController().signal);
    const [near, far] = await Promise.all([dialled, accepted]);
    listener.close();
    return { near, far: far.value! };
  }

  /** A socket at `a`, and one at `b` with what arrives there. */
  async sockets(): Promise<{ from: DatagramSocket; to: DatagramSocket; arrived: Datagram[] }> {
    const [from, { socket: to, arrived }] = [await this.bind(a), await this.reader(b)];
    return { from, to, arrived };
  }

  /** A socket of a host. */
  bind(host: string, port = 0): Promise<DatagramSocket> {
    return this.network.datagrams(host).bind({ host, port });
  }

  /** A socket of a host, and what arrives there. */
  async reader(host: string, port = 4000): Promise<{ socket: DatagramSocket; arrived: Datagram[] }> {
    const socket = await this.bind(host, port);
    const arrived: Datagram[] = [];
    void (async () => {
      for await (const datagram of socket) arrived.push(datagram);
    })();
    return { socket, arrived };
  }

  /** Sends numbered datagrams, one each millisecond, and tells the numbers that arrive, in order. */
  async numbered(count: number, from: DatagramSocket, to: Address, arrived: Datagram[]): Promise<number[]> {
    const before = arrived.length;
    for (let i = 0; i < count; i++) {
      from.send(numberBytes(i), to);
      await this.clock.run(1);
    }
    await this.clock.run(10_000);
    return arrived.slice(before).map(({ bytes }) => numberOf(bytes));
  }

  /** Keeps every event from now on, as text. */
  watch(): string[] {
    const events: string[] = [];
    this.network.observer = (event) => void events.push(`${this.clock.now().monoMs} ${eventText(event)}`);
    return events;
  }

  /** Reads until the end and keeps what came, with the time of the end. */
  drain(stream: ByteStream): { bytes: number[]; outcome: string | null; endedMs: number | null } {
    const seen: ReturnType<World["drain"]> = { bytes: [], outcome: null, endedMs: null };
    const buffer = new Uint8Array(4);
    const all = async () => {
      for (let count = await stream.read(buffer); count !== null; count = await stream.read(buffer)) {
        seen.bytes.push(...buffer.subarray(0, count));
      }
    };
    const end = (outcome: string) => void (seen.outcome = outcome, seen.endedMs = this.clock.now().monoMs);
    all().then(() => end("end"), (error) => end(error instanceof PeerError ? error.code : "other"));
    return seen;
  }
}

/** Four bytes that {@linkcode numberOf} reads. */
export function numberBytes(number: number): Uint8Array {
  return Uint8Array.of(number & 255, (number >> 8) & 255, (number >> 16) & 255, 0);
}

/** The number in a datagram. */
export function numberOf(bytes: Uint8Array): number {
  return bytes[0]! + (bytes[1]! << 8) + (bytes[2]! << 16);
}

/** Everything that an event tells. */
export function eventText({ kind, what, from, to, bytes, content, reason }: NetworkEvent): string {
  const route = `${from.host}:${from.port} ${to.host}:${to.port}`;
  return `${kind} ${what} ${route} ${bytes} ${content.toHex()}${reason === null ? "" : ` ${reason}`}`;
}

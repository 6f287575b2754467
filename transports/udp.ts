/**
 * Datagrams over UDP. Deno's own sockets need the flag `--unstable-net` and are 2.5 times as fast;
 * without the flag `node:dgram` serves. Sending never throws: port 0, an unroutable or a forbidden
 * destination and a datagram that is too large are lost and counted, as anything on UDP may be lost.
 */

import dgram from "node:dgram";
import type { Address, Datagram, Datagrams, DatagramSocket } from "../lib/base/ports.ts";
import { addressText, isSendable, observedAddress } from "../lib/base/address.ts";
import { BoundedMap, BoundedQueue } from "../lib/base/bounded.ts";
import { messageOf, PeerError } from "../lib/base/errors.ts";
import {
  datagramPermissionsMax,
  datagramQueueBytesMax,
  datagramQueueCountMax,
  datagramReceiveBytesMax,
  datagramSocketBytes,
} from "./limits.ts";
import { allowsNet, deniedError, requireNet } from "./permission.ts";

/** Which part of the platform carries the datagrams. */
export type UdpBackEnd = "deno" | "node";

/** A UDP socket, with what was lost on the way out. */
export interface UdpSocket extends DatagramSocket {
  /** Datagrams that could not be sent. */
  readonly lost: number;
}

/** Datagrams over UDP. */
export class UdpDatagrams implements Datagrams {
  /** Which part of the platform carries the datagrams. */
  readonly backEnd: UdpBackEnd;

  /** Takes Deno's sockets if they are there, unless told otherwise. */
  constructor(backEnd?: UdpBackEnd) {
    this.backEnd = backEnd ?? ("listenDatagram" in Deno ? "deno" : "node");
  }

  /** Opens a socket at an address; port 0 chooses one. */
  async bind(address: Address): Promise<UdpSocket> {
    // `node:dgram` reports a denied bind where nothing can catch it, so the question comes first.
    await requireNet(address, "receive datagrams on");
    try {
      return this.backEnd === "deno" ? bindDeno(address) : await bindNode(address);
    } catch (error) {
      throw bindError(error, address);
    }
  }
}

/** Remembers where Deno lets us send, so that a partial grant never prompts and is rarely asked. */
class SendPermission {
  readonly #everywhere = allowsNet();
  readonly #known = new BoundedMap<string, boolean>(datagramPermissionsMax);

  allows(to: Address): boolean {
    if (this.#everywhere) return true;
    const key = addressText(to);
    let allowed = this.#known.get(key);
    if (allowed === undefined) {
      allowed = allowsNet(to);
      this.#known.set(key, allowed);
    }
    return allowed;
  }
}

function bindDeno(address: Address): UdpSocket {
  return new DenoSocket(
    Deno.listenDatagram({ transport: "udp", hostname: address.host, port: address.port }),
  );
}

/** A socket of `Deno.listenDatagram`. */
class DenoSocket implements UdpSocket {
  readonly address: Address;
  readonly #socket: Deno.DatagramConn;
  readonly #permission = new SendPermission();
  readonly #buffer = new Uint8Array(datagramReceiveBytesMax);
  #isClosed = false;
  #lost = 0;

  constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    const { hostname, port } = socket.addr as Deno.NetAddr;
    this.address = observedAddress(hostname, port);
  }

  get lost(): number {
    return this.#lost;
  }

  send(bytes: Uint8Array, to: Address): void {
    if (this.#isClosed || !isSendable(to) || !this.#permission.allows(to)) {
      this.#lost++;
      return;
    }
    this.#socket.send(bytes, { transport: "udp", hostname: to.host, port: to.port })
      .catch(() => this.#lost++);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, void> {
    while (!this.#isClosed) {
      const datagram = await this.#receive();
      if (datagram !== null) yield datagram;
    }
  }

  async #receive(): Promise<Datagram | null> {
    try {
      const [bytes, from] = await this.#socket.receive(this.#buffer);
      const { hostname, port } = from as Deno.NetAddr;
      // The buffer is used again for the next datagram.
      return { bytes: bytes.slice(), from: observedAddress(hostname, port) };
    } catch {
      // Closed by us, or an ICMP error about something sent earlier (Windows reports those here):
      // a socket that is open goes on receiving.
      return null;
    }
  }
}

async function bindNode(address: Address): Promise<UdpSocket> {
  const socket = dgram.createSocket({
    type: address.host.includes(":") ? "udp6" : "udp4",
    recvBufferSize: datagramSocketBytes,
    sendBufferSize: datagramSocketBytes,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.bind(address.port, address.host, resolve);
  try {
    await promise;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.removeListener("error", reject);
  return new NodeSocket(socket);
}

/** A socket of `node:dgram`, which pushes: what arrives waits in a bounded queue. */
class NodeSocket implements UdpSocket {
  readonly address: Address;
  readonly #socket: dgram.Socket;
  readonly #permission = new SendPermission();
  readonly #arrived: BoundedQueue<Datagram> = new BoundedQueue(
    datagramQueueCountMax,
    datagramQueueBytesMax,
    (datagram) => datagram.bytes.length,
  );
  #wake: (() => void) | null = null;
  #isClosed = false;
  #lost = 0;

  constructor(socket: dgram.Socket) {
    this.#socket = socket;
    const bound = socket.address();
    this.address = observedAddress(bound.address, bound.port);
    socket.on("error", () => {}); // about something sent earlier; the socket goes on
    socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
      this.#arrived.push({ bytes: new Uint8Array(bytes), from: observedAddress(from.address, from.port) });
      this.#wake?.();
    });
  }

  get lost(): number {
    return this.#lost;
  }

  send(bytes: Uint8Array, to: Address): void {
    if (this.#isClosed || !isSendable(to) || !this.#permission.allows(to)) {
      this.#lost++;
      return;
    }
    try {
      this.#socket.send(bytes, to.port, to.host, (error: Error | null) => {
        if (error) this.#lost++;
      });
    } catch {
      this.#lost++; // checked by `node:dgram` before it sends
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, void> {
    while (!this.#isClosed) {
      const datagram = this.#arrived.shift();
      if (datagram !== undefined) yield datagram;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function bindError(error: unknown, address: Address): PeerError {
  const where = addressText(address);
  if (error instanceof Deno.errors.AddrInUse || /EADDRINUSE/.test(messageOf(error))) {
    const message =
      `Cannot receive datagrams on ${where}: another program does. Choose another port, or 0 for any`;
    return new PeerError("port_in_use", message, { cause: error });
  }
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return deniedError(address, "receive datagrams on", error);
  }
  const message = `Cannot receive datagrams on ${where}: ${
    messageOf(error)
  }. Choose an address of this machine`;
  return new PeerError("invalid_address", message, { cause: error });
}

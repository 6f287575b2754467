/** A link in use: the hello of the other end and the channels on it. */

import type { Address, Clock, Instant } from "../base/ports.ts";
import { addressScope, type Endpoint, isSendable } from "../base/address.ts";
import { type ChannelRegistry, LinkChannels, type RegisteredGraph } from "./channels.ts";
import type { Hello, LinkMessage } from "./link_messages.ts";
import type { CloseReason, SecureLink } from "./secure_link.ts";

/** A link, as those see it who use it. */
export interface LinkHandle {
  /** The other end's identity. */
  readonly peer: Uint8Array;
  /** The same in hexadecimal text. */
  readonly peerIdHex: string;
  /** Whether this end dialled. */
  readonly dialled: boolean;
  /** Where the other end is. */
  readonly remote: Address;
  /** Where the other end says it accepts links; those that cannot be meant are left out. */
  readonly peerEndpoints: readonly Endpoint[];
  /** The other end's wall clock, and when that arrived here; `null` before its hello. */
  readonly peerClock: PeerClock | null;
  /** What program the other end says it is. */
  readonly peerAgent: string;
  /** Whether it can still carry anything. */
  readonly isOpen: boolean;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
  /** Settles when the link has ended. */
  readonly closed: Promise<CloseReason>;
  /** Ends the link for all its channels. */
  close(): void;
}

/** One reading of another peer's wall clock. */
export interface PeerClock {
  readonly wallMs: number;
  readonly at: Instant;
}

/** The link, its channels and what the other end said first. */
export class LiveLink implements LinkHandle {
  readonly #link: SecureLink;
  readonly #clock: Clock;
  readonly #channels: LinkChannels;
  #hello: Hello | null = null;
  #peerClock: PeerClock | null = null;
  #onHello: () => void = () => {};

  /** Says hello: nothing may go out before it. */
  constructor(link: SecureLink, clock: Clock, registry: ChannelRegistry, hello: Hello) {
    this.#link = link;
    this.#clock = clock;
    this.#channels = new LinkChannels(link, this, registry);
    link.send(hello);
  }

  /** Begins to listen; calls back once the other end has said hello too. */
  start(onHello: () => void): void {
    this.#onHello = onHello;
    this.#link.start({
      message: (message) => this.#onMessage(message),
      writable: () => this.#channels.onWritable(),
      drained: () => this.#channels.onDrained(),
    });
  }

  /** Asks for a channel; `false` if the link has ended. */
  open(graph: RegisteredGraph): boolean {
    return this.#channels.open(graph);
  }

  /** Ends the channel of a graph. */
  drop(graphIdHex: string): void {
    this.#channels.drop(graphIdHex);
  }

  /** The link has ended, and its channels with it. */
  end(reason: CloseReason): void {
    this.#channels.end(reason);
  }

  /** Another link stands for this one: its channels end at once, itself in a moment. Gives the graphs that were wanted on it. */
  replace(): readonly string[] {
    const wanted = this.#channels.replace();
    this.#link.close("duplicate");
    return wanted;
  }

  /** Ends the link for all its channels. */
  close(reason: "closed" | "duplicate" | "too_many" = "closed"): void {
    this.#channels.end(reason);
    this.#link.close(reason);
  }

  get peer(): Uint8Array {
    return this.#link.peer;
  }

  get peerIdHex(): string {
    return this.#link.peerIdHex;
  }

  get peerStatic(): Uint8Array {
    return this.#link.peerStatic;
  }

  get dialled(): boolean {
    return this.#link.dialled;
  }

  get remote(): Address {
    return this.#link.remote;
  }

  get openedMs(): number {
    return this.#link.openedMs;
  }

  get peerEndpoints(): readonly Endpoint[] {
    return usableEndpoints(this.#hello?.endpoints ?? [], this.remote);
  }

  get peerClock(): PeerClock | null {
    return this.#peerClock;
  }

  get peerAgent(): string {
    return this.#hello?.agent ?? "";
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** How many channels stand on it. */
  get channelCount(): number {
    return this.#channels.count;
  }

  get queuedBytes(): number {
    return this.#link.queuedBytes;
  }

  get closed(): Promise<CloseReason> {
    return this.#link.closed;
  }

  #onMessage(message: LinkMessage): void {
    // A hello comes first and only once.
    if ((message.kind === "hello") !== (this.#hello === null)) return this.#link.abort("bad_message");
    if (message.kind !== "hello") {
      if (!this.#channels.handle(message)) this.#link.abort("bad_message");
      return;
    }
    this.#hello = message;
    this.#peerClock = { wallMs: message.wallMs, at: this.#clock.now() };
    this.#onHello();
  }
}

/**
 * The endpoints of a hello that can be meant: an unspecified host is where the link comes from, and
 * loopback, link-local and private hosts count only on a link from such a place, or any peer
 * could have us dial around in our own networks (threat T18).
 */
export function usableEndpoints(endpoints: readonly Endpoint[], remote: Address): readonly Endpoint[] {
  const place = addressScope(remote.host);
  return endpoints
    .map(({ transport, address: { host, port } }): Endpoint => {
      const isUnspecified = host === "0.0.0.0" || host === "::";
      return { transport, address: { host: isUnspecified ? remote.host : host, port } };
    })
    .filter(({ address }) => {
      if (address.host === remote.host) return address.port > 0;
      const scope = addressScope(address.host);
      if (scope === "loopback") return isSendable(address) && place === "loopback";
      if (scope === "private" || scope === "link-local") return isSendable(address) && place !== "global";
      return isSendable(address);
    });
}

/**
 * All links of one peer: it listens, dials, and keeps one link for each other peer. Graphs are
 * registered here and get their channels from here.
 *
 * Everything it starts (handshakes, dials, accept loops, links) is kept track of, so
 * {@linkcode Links.close} leaves no timer, socket or promise behind.
 */

import type { Address, ByteStream, StreamListener, Streams } from "../base/ports.ts";
import { addressScope, addressText, type Endpoint } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes, hex } from "../base/bytes.ts";
import { messageOf, PeerError, throwIfAborted } from "../base/errors.ts";
import type { Signer } from "../wire/envelope.ts";
import type { ChannelHandlers, ChannelRegistry, RegisteredGraph } from "./channels.ts";
import { type Dial, type DialOutcome, joinDial, openingError, startDial, turnedAway } from "./dial.ts";
import {
  connectMsMax,
  helloEndpointsMax,
  idleLinkMsMin,
  inboundLinksMax,
  linksMax,
  pendingHandshakeMsMin,
  pendingHandshakesMax,
  pendingHandshakesPerAddressMax,
} from "./limits.ts";
import { keepsExisting, type LinkCandidate } from "./link_choice.ts";
import { type ByeReason, type Hello, isAgentText } from "./link_messages.ts";
import { type LinkHandle, LiveLink } from "./live_link.ts";
import { createLinkSelf, type LinkPorts, type LinkSelf, openLink } from "./open_link.ts";
import type { SecureLink } from "./secure_link.ts";

/** What links ask of the world. */
export interface LinksPorts extends LinkPorts {
  readonly streams: Streams;
}

/** How links are set up. */
export interface LinksOptions {
  /** Says to other peers what program this is; at most 64 bytes. */
  readonly agent?: string;
  /** Endpoints to tell other peers besides those listened on. */
  readonly endpoints?: readonly Endpoint[];
  /** Links at most; {@linkcode linksMax} by default. Half of them are for dialling. */
  readonly linksMax?: number;
}

/** How one connection is made. */
export interface ConnectOptions {
  /** The identity that must answer. */
  readonly expect?: Uint8Array;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long to wait; {@linkcode connectMsMax} by default. */
  readonly timeoutMs?: number;
}

/** The links of one peer. */
export class Links {
  readonly #ports: LinksPorts;
  readonly #self: LinkSelf;
  readonly #agent: string;
  readonly #extraEndpoints: readonly Endpoint[];
  readonly #linksMax: number;
  readonly #inboundMax: number;

  readonly #graphs = new Map<string, RegisteredGraph>();
  readonly #registry: ChannelRegistry;
  readonly #listeners = new Set<StreamListener>();
  /** The one link to each peer. */
  readonly #live = new Map<string, LiveLink>();
  /** All links that have not ended, those that are on their way in or out included. */
  readonly #all = new Set<SecureLink>();
  /** Dials under way by address and expected peer, and those of them that know who answered, by that peer. */
  readonly #dials = new Map<string, Dial>();
  readonly #reserved = new Map<string, { readonly dial: Dial; readonly peerStatic: Uint8Array }>();
  /** Called when a link to a peer stands. */
  readonly #waiting = new Map<string, Set<(link: LiveLink) => void>>();
  /** Accepted streams whose handshake is under way, and since when; the oldest first. */
  readonly #pending = new Map<ByteStream, number>();
  readonly #pendingByHost = new Map<string, number>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #channelId = 0;

  /** Links of the identity behind `signer`. Nothing is opened yet. */
  constructor(ports: LinksPorts, signer: Signer, options: LinksOptions = {}) {
    const agent = options.agent ?? "kith";
    assert(isAgentText(agent), "the agent text has at most 64 bytes");
    this.#ports = ports;
    this.#self = createLinkSelf(ports, signer);
    this.#agent = agent;
    this.#extraEndpoints = options.endpoints ?? [];
    this.#linksMax = options.linksMax ?? linksMax;
    this.#inboundMax = Math.min(inboundLinksMax, Math.floor(this.#linksMax / 2));
    this.#registry = {
      graphs: this.#graphs,
      crypto: ports.crypto,
      timers: ports.timers,
      nextChannelId: () => ++this.#channelId,
    };
  }

  /** Accepts links at an address; port 0 chooses one. Gives the address with the real port. */
  async listen(address: Address): Promise<Address> {
    this.#throwIfClosed("Listening");
    const listener = await this.#ports.streams.listen(address);
    if (this.isClosed) listener.close();
    this.#throwIfClosed("Listening");
    this.#listeners.add(listener);
    this.#track(this.#accept(listener));
    return listener.address;
  }

  /** The link to whoever answers at an address. If there is one already, that one. */
  async connect(address: Address, options: ConnectOptions = {}): Promise<LinkHandle> {
    const { expect, signal, timeoutMs = connectMsMax } = options;
    const action = `Connecting to ${addressText(address)}`;
    this.#throwIfClosed(action);
    throwIfAborted(signal, action);
    if (expect !== undefined && equalBytes(expect, this.#self.identityKey)) {
      throw openingError("connect_self", address);
    }
    const existing = this.#existing(address, expect);
    if (existing !== undefined) return existing;
    const dial = this.#sharedDial(address, expect);
    try {
      return await joinDial(dial, {
        action,
        timeoutMs,
        timers: this.#ports.timers,
        ...(signal && { signal }),
      });
    } catch (error) {
      this.#throwIfClosed(action);
      throw error;
    }
  }

  /** Holds a graph: other peers that hold it may open channels for it from now on. */
  register(graphId: Uint8Array, handlers: ChannelHandlers): void {
    const graphIdHex = hex(graphId);
    assert(!this.#graphs.has(graphIdHex), "a graph is registered once");
    this.#graphs.set(graphIdHex, { graphId, graphIdHex, handlers });
  }

  /** Lets go of a graph: its channels end. */
  unregister(graphId: Uint8Array): void {
    const graphIdHex = hex(graphId);
    for (const link of [...this.#live.values()]) link.drop(graphIdHex);
    this.#graphs.delete(graphIdHex);
  }

  /** Asks for a channel of a registered graph on a link; the graph's handlers hear what comes of it. `false` if no link stands. */
  openChannel(link: LinkHandle, graphId: Uint8Array): boolean {
    const graph = this.#graphs.get(hex(graphId));
    assert(graph !== undefined, "a channel is opened for a registered graph");
    // A link that was replaced meanwhile is stood for by the one that stands now.
    return this.#live.get(link.peerIdHex)?.open(graph) ?? false;
  }

  /** Closes everything and waits until it is closed. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    for (const dial of this.#dials.values()) dial.controller.abort();
    for (const link of [...this.#live.values()]) link.close();
    for (const link of this.#all) link.close();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** The link to each peer. */
  peers(): readonly LinkHandle[] {
    return [...this.#live.values()].filter((link) => link.isOpen);
  }

  /** The link to one peer, if there is one. */
  linkTo(peer: Uint8Array): LinkHandle | null {
    return this.#standingTo(hex(peer)) ?? null;
  }

  /** Where links are accepted. */
  get addresses(): readonly Address[] {
    return [...this.#listeners].map((listener) => listener.address);
  }

  /** Whether {@linkcode close} was called. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  // Accepting

  async #accept(listener: StreamListener): Promise<void> {
    for await (const stream of listener) {
      if (this.#admitsStream(stream.remote.host)) this.#track(this.#onStream(stream));
      else stream.close();
    }
  }

  #admitsStream(host: string): boolean {
    if (this.isClosed) return false;
    const isHostFull = (this.#pendingByHost.get(host) ?? 0) >= pendingHandshakesPerAddressMax;
    if (isHostFull && addressScope(host) !== "loopback") return false;
    return this.#pending.size < pendingHandshakesMax || this.#makePendingRoom();
  }

  /** Ends the oldest handshake if it has had its time: a flood of streams that stay silent keeps nobody out. */
  #makePendingRoom(): boolean {
    const [stream, sinceMs] = this.#pending.entries().next().value!;
    if (this.#ports.clock.now().monoMs - sinceMs < pendingHandshakeMsMin) return false;
    this.#pending.delete(stream);
    stream.close();
    return true;
  }

  async #onStream(stream: ByteStream): Promise<void> {
    const { host } = stream.remote;
    this.#pending.set(stream, this.#ports.clock.now().monoMs);
    this.#countPending(host, 1);
    try {
      const options = { role: "accept", signal: this.#closing.signal } as const;
      const opening = await openLink(stream, options, this.#ports, this.#self);
      if (opening.ok) this.#onAccepted(opening.link);
      else this.#ports.log.debug("An accepted stream became no link", { host, reason: opening.reason });
    } catch (error) {
      this.#ports.log.error(`A handshake failed: ${messageOf(error)}`, { host });
    } finally {
      this.#pending.delete(stream);
      this.#countPending(host, -1);
    }
  }

  #countPending(host: string, by: 1 | -1): void {
    const count = (this.#pendingByHost.get(host) ?? 0) + by;
    if (count > 0) this.#pendingByHost.set(host, count);
    else this.#pendingByHost.delete(host);
  }

  #onAccepted(link: SecureLink): void {
    this.#own(link);
    if (this.isClosed) return this.#turnAway(link, "closed");
    const reserved = this.#reserved.get(link.peerIdHex);
    const dialled = reserved && { dialled: true, openedMs: link.openedMs, peerStatic: reserved.peerStatic };
    if (this.#keeps(dialled, link) || this.#keeps(this.#standingTo(link.peerIdHex), link)) {
      return this.#turnAway(link, "duplicate");
    }
    const inbound = [...this.#all].filter((other) => !other.dialled).length;
    if ((inbound > this.#inboundMax || this.#all.size > this.#linksMax) && !this.#makeRoom()) {
      return this.#turnAway(link, "too_many");
    }
    const live = new LiveLink(link, this.#ports.clock, this.#registry, this.#hello());
    this.#bringUp(live);
    live.start(() => {});
  }

  /** Ends the oldest accepted link that carries no channel: who uses none takes nobody's place. */
  #makeRoom(): boolean {
    const { monoMs } = this.#ports.clock.now();
    const isIdle = (live: LiveLink): boolean =>
      live.isOpen && !live.dialled && live.channelCount === 0 && monoMs - live.openedMs >= idleLinkMsMin;
    const idle = [...this.#live.values()].filter(isIdle).sort((a, b) => a.openedMs - b.openedMs)[0];
    idle?.close("too_many");
    return idle !== undefined;
  }

  /** Ends a fresh link with a goodbye that says why; it is read meanwhile so that the goodbye arrives. */
  #turnAway(link: SecureLink, reason: ByeReason): void {
    link.start({ message: () => {}, writable: () => {} });
    link.close(reason);
  }

  // Dialling

  #existing(address: Address, expect: Uint8Array | undefined): LiveLink | undefined {
    const isThere = (link: LiveLink) =>
      link.isOpen && link.dialled && addressText(link.remote) === addressText(address);
    if (expect !== undefined) return this.#standingTo(hex(expect));
    return [...this.#live.values()].find(isThere);
  }

  #sharedDial(address: Address, expect: Uint8Array | undefined): Dial {
    const key = `${addressText(address)} ${expect === undefined ? "" : hex(expect)}`;
    const shared = this.#dials.get(key);
    if (shared !== undefined && !shared.controller.signal.aborted) return shared;
    if (this.#all.size + this.#dials.size >= this.#linksMax) {
      const message =
        `Connecting to ${addressText(address)} failed: this peer has ${this.#linksMax} links, ` +
        "as many as it may. Close some first";
      throw new PeerError("too_many", message);
    }
    const dial = startDial((dial) => this.#dial(address, expect, dial));
    this.#dials.set(key, dial);
    this.#track(dial.outcome.then(() => {
      if (this.#dials.get(key) === dial) this.#dials.delete(key);
    }));
    return dial;
  }

  async #dial(address: Address, expect: Uint8Array | undefined, dial: Dial): Promise<DialOutcome> {
    const { signal } = dial.controller;
    const stream = await this.#ports.streams.connect(address, signal);
    let peerIdHex = "";
    let admitted = true;
    const admit = (peer: Uint8Array, peerStatic: Uint8Array) => {
      peerIdHex = hex(peer);
      return admitted = this.#reserve(peerIdHex, peerStatic, dial);
    };
    try {
      const options = { role: "dial", signal, admit, ...(expect && { expect }) } as const;
      const opening = await openLink(stream, options, this.#ports, this.#self);
      if (opening.ok) return await this.#settleDialled(opening.link, address, dial);
      if (admitted) return { ok: false, error: openingError(opening.reason, address) };
    } finally {
      this.#release(peerIdHex, dial);
    }
    const outcome = await this.#rivalOf(peerIdHex, address, dial);
    // The rival may have been given up by those who wanted it, but this one is still wanted.
    const isLost = !outcome.ok && outcome.error.code === "aborted" && !signal.aborted;
    return isLost ? await this.#dial(address, expect, dial) : outcome;
  }

  /** Whether a dial that knows who answers goes on; then it stands for the link to come. */
  #reserve(peerIdHex: string, peerStatic: Uint8Array, dial: Dial): boolean {
    const live = this.#standingTo(peerIdHex);
    if (live !== undefined && equalBytes(live.peerStatic, peerStatic)) return false;
    if (this.#reserved.has(peerIdHex)) return false;
    this.#reserved.set(peerIdHex, { dial, peerStatic });
    return true;
  }

  #release(peerIdHex: string, dial: Dial): void {
    if (this.#reserved.get(peerIdHex)?.dial === dial) this.#reserved.delete(peerIdHex);
  }

  /** Waits for the other end's hello: it has the last word on whether this link stands. */
  async #settleDialled(link: SecureLink, address: Address, dial: Dial): Promise<DialOutcome> {
    this.#own(link);
    const live = new LiveLink(link, this.#ports.clock, this.#registry, this.#hello());
    const { promise: settled, resolve } = Promise.withResolvers<"up" | "kept">();
    const giveUp = () => link.abort("closed");
    dial.controller.signal.addEventListener("abort", giveUp, { once: true });
    live.start(() => {
      this.#release(link.peerIdHex, dial);
      if (this.#keeps(this.#standingTo(link.peerIdHex), link)) {
        live.close("duplicate");
        return resolve("kept");
      }
      this.#bringUp(live);
      resolve("up");
    });
    if (dial.controller.signal.aborted) giveUp();
    const end = await Promise.race([settled, link.closed]);
    dial.controller.signal.removeEventListener("abort", giveUp);
    if (end === "up") return { ok: true, link: live };
    if (end === "kept" || end === "duplicate") return await this.#standing(link.peerIdHex, address, dial);
    return { ok: false, error: turnedAway(end, address) };
  }

  /** What another dial, or a link that stands already, gives in place of this one. */
  async #rivalOf(peerIdHex: string, address: Address, dial: Dial): Promise<DialOutcome> {
    const rival = this.#reserved.get(peerIdHex)?.dial;
    if (rival === undefined) return await this.#standing(peerIdHex, address, dial);
    const outcome = await Promise.race([rival.outcome, dial.aborted]);
    return outcome ?? { ok: false, error: openingError("aborted", address) };
  }

  /** The link that stands, or will in a moment: the other end has said so. */
  async #standing(peerIdHex: string, address: Address, dial: Dial): Promise<DialOutcome> {
    const live = this.#standingTo(peerIdHex);
    if (live !== undefined) return { ok: true, link: live };
    const { promise, resolve } = Promise.withResolvers<LiveLink>();
    const waiting = this.#waiting.get(peerIdHex) ?? new Set();
    this.#waiting.set(peerIdHex, waiting.add(resolve));
    const link = await Promise.race([promise, dial.aborted]);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(peerIdHex);
    if (link !== null) return { ok: true, link };
    return { ok: false, error: openingError("aborted", address) };
  }

  // The one link to each peer

  #standingTo(peerIdHex: string): LiveLink | undefined {
    const live = this.#live.get(peerIdHex);
    return live?.isOpen ? live : undefined;
  }

  #keeps(existing: LinkCandidate | undefined, newer: SecureLink): boolean {
    if (existing === undefined) return false;
    return keepsExisting(existing, newer, compareBytes(this.#self.identityKey, newer.peer) < 0);
  }

  /** Makes a link the one to its peer. What was wanted on a link that it replaces is wanted on it. */
  #bringUp(live: LiveLink): void {
    const former = this.#live.get(live.peerIdHex);
    const wanted = former?.replace() ?? [];
    this.#live.set(live.peerIdHex, live);
    this.#track(this.#watchEnd(live));
    for (const resolve of this.#waiting.get(live.peerIdHex) ?? []) resolve(live);
    for (const graphIdHex of wanted) {
      const graph = this.#graphs.get(graphIdHex);
      if (graph !== undefined) live.open(graph);
    }
  }

  async #watchEnd(live: LiveLink): Promise<void> {
    const reason = await live.closed;
    if (this.#live.get(live.peerIdHex) === live) this.#live.delete(live.peerIdHex);
    live.end(reason);
  }

  /** Counts a link until it has ended. */
  #own(link: SecureLink): void {
    this.#all.add(link);
    this.#track(link.closed.then(() => void this.#all.delete(link)));
  }

  #hello(): Hello {
    const listening = this.addresses.map((address): Endpoint => ({ transport: "tcp", address }));
    const endpoints = [...this.#extraEndpoints, ...listening].slice(0, helloEndpointsMax);
    const { wallMs } = this.#ports.clock.now();
    return { kind: "hello", endpoints, wallMs: Math.max(0, Math.floor(wallMs)), agent: this.#agent };
  }

  #track(task: Promise<void>): void {
    const tracked: Promise<void> = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  #throwIfClosed(action: string): void {
    if (this.isClosed) throw new PeerError("closed", `${action} failed: the peer was closed`);
  }
}

/**
 * All links of one peer: it listens, dials, and keeps one link for each other peer. Graphs are
 * registered here and get their channels from here.
 *
 * Everything it starts (handshakes, dials, accept loops, links) is kept track of, so
 * {@linkcode Links.close} leaves no timer, socket or promise behind.
 */

import type { Address, ByteStream, StreamListener, Streams } from "../base/ports.ts";
import { addressText, type Endpoint } from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { equalBytes, hex } from "../base/bytes.ts";
import { messageOf, PeerError, throwIfAborted } from "../base/errors.ts";
import type { Signer } from "../wire/envelope.ts";
import type { ChannelHandlers, ChannelRegistry, RegisteredGraph } from "./channels.ts";
import { type Dial, type DialOutcome, joinDial, openingError, startDial, turnedAway } from "./dial.ts";
import { connectMsMax, helloEndpointsMax, linksMax } from "./limits.ts";
import { type ByeReason, type Hello, isAgentText } from "./link_messages.ts";
import { LinkTable } from "./link_table.ts";
import { type LinkHandle, LiveLink } from "./live_link.ts";
import { createLinkSelf, type LinkPorts, type LinkSelf, openLink } from "./open_link.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";
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

  readonly #graphs = new Map<string, RegisteredGraph>();
  readonly #registry: ChannelRegistry;
  readonly #listeners = new Set<StreamListener>();
  readonly #table: LinkTable;
  readonly #pending = new PendingHandshakes();
  /** Dials under way by address and expected peer, and those of them that know who answered, by that peer. */
  readonly #dials = new Map<string, Dial>();
  readonly #reserved = new Map<string, { readonly dial: Dial; readonly peerStatic: Uint8Array }>();
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
    this.#table = new LinkTable({
      identityKey: signer.publicKey,
      linksMax: this.#linksMax,
      graphs: this.#graphs,
      track: (task) => this.#track(task),
    });
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
    const existing = expect === undefined
      ? this.#table.dialledAt(address)
      : this.#table.standingTo(hex(expect));
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
    this.#table.drop(graphIdHex);
    this.#graphs.delete(graphIdHex);
  }

  /** Asks for a channel of a registered graph on a link; the graph's handlers hear what comes of it. `false` if no link stands. */
  openChannel(link: LinkHandle, graphId: Uint8Array): boolean {
    const graph = this.#graphs.get(hex(graphId));
    assert(graph !== undefined, "a channel is opened for a registered graph");
    // A link that was replaced meanwhile is stood for by the one that stands now.
    return this.#table.open(link.peerIdHex, graph);
  }

  /** Closes everything and waits until it is closed. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    for (const dial of this.#dials.values()) dial.controller.abort();
    this.#table.close();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** The link to each peer. */
  peers(): readonly LinkHandle[] {
    return this.#table.standing();
  }

  /** The link to one peer, if there is one. */
  linkTo(peer: Uint8Array): LinkHandle | null {
    return this.#table.standingTo(hex(peer)) ?? null;
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
    return !this.isClosed && this.#pending.hasRoom(host, this.#ports.clock.now().monoMs);
  }

  async #onStream(stream: ByteStream): Promise<void> {
    const { host } = stream.remote;
    this.#pending.add(stream, this.#ports.clock.now().monoMs);
    try {
      const options = { role: "accept", signal: this.#closing.signal } as const;
      const opening = await openLink(stream, options, this.#ports, this.#self);
      if (opening.ok) this.#onAccepted(opening.link);
      else this.#ports.log.debug("An accepted stream became no link", { host, reason: opening.reason });
    } catch (error) {
      this.#ports.log.error(`A handshake failed: ${messageOf(error)}`, { host });
    } finally {
      this.#pending.delete(stream);
    }
  }

  #onAccepted(link: SecureLink): void {
    this.#table.own(link);
    if (this.isClosed) return this.#turnAway(link, "closed");
    const reserved = this.#reserved.get(link.peerIdHex);
    const dialled = reserved && { dialled: true, openedMs: link.openedMs, peerStatic: reserved.peerStatic };
    if (this.#table.keeps(dialled, link) || this.#table.keeps(this.#table.standingTo(link.peerIdHex), link)) {
      return this.#turnAway(link, "duplicate");
    }
    if (!this.#table.hasRoom(this.#ports.clock.now().monoMs)) return this.#turnAway(link, "too_many");
    const live = new LiveLink(link, this.#ports.clock, this.#registry, this.#hello());
    this.#table.bringUp(live);
    live.start(() => {});
  }

  /** Ends a fresh link with a goodbye that says why; it is read meanwhile so that the goodbye arrives. */
  #turnAway(link: SecureLink, reason: ByeReason): void {
    link.start({ message: () => {}, writable: () => {} });
    link.close(reason);
  }

  // Dialling

  #sharedDial(address: Address, expect: Uint8Array | undefined): Dial {
    const key = `${addressText(address)} ${expect === undefined ? "" : hex(expect)}`;
    const shared = this.#dials.get(key);
    if (shared !== undefined && !shared.controller.signal.aborted) return shared;
    if (this.#table.size + this.#dials.size >= this.#linksMax) {
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
    const live = this.#table.standingTo(peerIdHex);
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
    this.#table.own(link);
    const live = new LiveLink(link, this.#ports.clock, this.#registry, this.#hello());
    const { promise: settled, resolve } = Promise.withResolvers<"up" | "kept">();
    const giveUp = () => link.abort("closed");
    dial.controller.signal.addEventListener("abort", giveUp, { once: true });
    live.start(() => {
      this.#release(link.peerIdHex, dial);
      if (this.#table.keeps(this.#table.standingTo(link.peerIdHex), link)) {
        live.close("duplicate");
        return resolve("kept");
      }
      this.#table.bringUp(live);
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
    const live = this.#table.standingTo(peerIdHex);
    if (live !== undefined) return { ok: true, link: live };
    const link = await this.#table.nextTo(peerIdHex, dial.aborted);
    return link === null ? { ok: false, error: openingError("aborted", address) } : { ok: true, link };
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

/**
 * Which links one peer has: all that have not ended, and among them the one that stands to each other
 * peer. How many there may be is judged here, who is dialled or let in elsewhere.
 */

import type { Address } from "../base/ports.ts";
import { addressText } from "../base/address.ts";
import { compareBytes } from "../base/bytes.ts";
import type { RegisteredGraph } from "./channels.ts";
import { idleLinkMsMin, inboundLinksMax } from "./limits.ts";
import { keepsExisting, type LinkCandidate } from "./link_choice.ts";
import type { LiveLink } from "./live_link.ts";
import type { SecureLink } from "./secure_link.ts";

/** What a table of links is made of. */
export interface LinkTableOptions {
  /** The own identity's public key. */
  readonly identityKey: Uint8Array;
  /** Links at most. Half of them are for dialling. */
  readonly linksMax: number;
  /** The graphs held here, by id in hexadecimal text. */
  readonly graphs: ReadonlyMap<string, RegisteredGraph>;
  /** Takes what has to be waited for before the peer is closed. */
  readonly track: (task: Promise<void>) => void;
}

/** All links of one peer. */
export class LinkTable {
  readonly #options: LinkTableOptions;
  readonly #inboundMax: number;
  /** The one link to each peer. */
  readonly #live = new Map<string, LiveLink>();
  /** All links that have not ended, those that are on their way in or out included. */
  readonly #all = new Set<SecureLink>();
  /** Called when a link to a peer stands. */
  readonly #waiting = new Map<string, Set<(link: LiveLink) => void>>();

  constructor(options: LinkTableOptions) {
    this.#options = options;
    this.#inboundMax = Math.min(inboundLinksMax, Math.floor(options.linksMax / 2));
  }

  /** Counts a link until it has ended. */
  own(link: SecureLink): void {
    this.#all.add(link);
    this.#options.track(link.closed.then(() => void this.#all.delete(link)));
  }

  /** Whether a link that is there, or on its way, stays and the newer one to that peer goes. */
  keeps(existing: LinkCandidate | undefined, newer: SecureLink): boolean {
    if (existing === undefined) return false;
    return keepsExisting(existing, newer, compareBytes(this.#options.identityKey, newer.peer) < 0);
  }

  /** Makes a link the one to its peer. What was wanted on a link that it replaces is wanted on it. */
  bringUp(live: LiveLink): void {
    const former = this.#live.get(live.peerIdHex);
    const wanted = former?.replace() ?? [];
    this.#live.set(live.peerIdHex, live);
    this.#options.track(this.#watchEnd(live));
    for (const resolve of this.#waiting.get(live.peerIdHex) ?? []) resolve(live);
    for (const graphIdHex of wanted) {
      const graph = this.#options.graphs.get(graphIdHex);
      if (graph !== undefined) live.open(graph);
    }
  }

  /** The link that stands to a peer. */
  standingTo(peerIdHex: string): LiveLink | undefined {
    const live = this.#live.get(peerIdHex);
    return live?.isOpen ? live : undefined;
  }

  /** The link that stands to whoever was dialled at an address. */
  dialledAt(address: Address): LiveLink | undefined {
    const isThere = (link: LiveLink) =>
      link.isOpen && link.dialled && addressText(link.remote) === addressText(address);
    return [...this.#live.values()].find(isThere);
  }

  /** All links that stand. */
  standing(): readonly LiveLink[] {
    return [...this.#live.values()].filter((link) => link.isOpen);
  }

  /** The next link that stands to a peer, or `null` once `aborted` settles. */
  async nextTo(peerIdHex: string, aborted: Promise<null>): Promise<LiveLink | null> {
    const { promise, resolve } = Promise.withResolvers<LiveLink>();
    const waiting = this.#waiting.get(peerIdHex) ?? new Set();
    this.#waiting.set(peerIdHex, waiting.add(resolve));
    const link = await Promise.race([promise, aborted]);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(peerIdHex);
    return link;
  }

  /** Asks for a channel on the link to a peer; `false` if there is none. */
  open(peerIdHex: string, graph: RegisteredGraph): boolean {
    return this.#live.get(peerIdHex)?.open(graph) ?? false;
  }

  /** Ends the channels of a graph on all links. */
  drop(graphIdHex: string): void {
    for (const link of [...this.#live.values()]) link.drop(graphIdHex);
  }

  /** Whether the links that are owned are no more than there may be; an idle one may have to end for it. */
  hasRoom(monoMs: number): boolean {
    const inbound = [...this.#all].filter((link) => !link.dialled).length;
    return (inbound <= this.#inboundMax && this.#all.size <= this.#options.linksMax) ||
      this.#makeRoom(monoMs);
  }

  /** Ends all links. */
  close(): void {
    for (const link of [...this.#live.values()]) link.close();
    for (const link of this.#all) link.close();
  }

  /** How many links have not ended. */
  get size(): number {
    return this.#all.size;
  }

  /** Ends the oldest accepted link that carries no channel: who uses none takes nobody's place. */
  #makeRoom(monoMs: number): boolean {
    const isIdle = (live: LiveLink): boolean =>
      live.isOpen && !live.dialled && live.channelCount === 0 && monoMs - live.openedMs >= idleLinkMsMin;
    const idle = [...this.#live.values()].filter(isIdle).sort((a, b) => a.openedMs - b.openedMs)[0];
    idle?.close("too_many");
    return idle !== undefined;
  }

  async #watchEnd(live: LiveLink): Promise<void> {
    const reason = await live.closed;
    if (this.#live.get(live.peerIdHex) === live) this.#live.delete(live.peerIdHex);
    live.end(reason);
  }
}

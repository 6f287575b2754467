/**
 * Many replicas of one graph on one virtual clock: links with a seeded delay, a disk for each that
 * fails and survives crashes, cuts and healing. No promises and no sockets: what a replica wants done
 * is carried out at once or by a timer, so a seed repeats a run exactly.
 */

import { hex } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { below, SeededRandom } from "../base/random.ts";
import type { LinkId, ReplicaEvent } from "../graph/machine.ts";
import type { ContactHint } from "../graph/messages.ts";
import { ReplicaLink } from "./replica_link.ts";
import { ReplicaNode, type ReplicaNodeOptions } from "./replica_node.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** How a world behaves. */
export interface ReplicaWorldOptions {
  readonly crypto: Crypto;
  /** Equal seeds give equal runs; 1 by default. */
  readonly seed?: number;
  /** Time that a message takes, in whole milliseconds; 1 to 20 by default. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** Longest time that a commit takes; 4 ms by default. */
  readonly storeMsMax?: number;
  /** Whether disks keep what is written; if not, no node can be started again. `true` by default. */
  readonly keepsDisks?: boolean;
}

/** Sees each frame that arrives. */
export type FrameTap = (from: ReplicaNode, to: ReplicaNode, bytes: Uint8Array) => void;

/** Replicas, their links and their disks. */
export class ReplicaWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly crypto: Crypto;
  readonly keepsDisks: boolean;
  readonly nodes: ReplicaNode[] = [];
  /** Sees each frame that arrives. */
  tap: FrameTap = () => {};
  /** Sees each event of a node. */
  watch: (node: ReplicaNode, event: ReplicaEvent) => void = () => {};
  /** Dials so far, those that failed included. */
  dials = 0;
  /** Inputs that replicas have handled. */
  events = 0;
  readonly #latencyMs: readonly [number, number];
  readonly #storeMsMax: number;
  readonly #cuts = new Set<string>();
  readonly #links = new Map<string, ReplicaLink>();
  readonly #linksById = new Map<LinkId, ReplicaLink>();
  readonly #nodesByEndpoint = new Map<string, ReplicaNode>();
  #linkId = 0;

  constructor(options: ReplicaWorldOptions) {
    this.crypto = options.crypto;
    this.random = new SeededRandom(options.seed ?? 1);
    this.#latencyMs = options.latencyMs ?? [1, 20];
    this.#storeMsMax = options.storeMsMax ?? 4;
    this.keepsDisks = options.keepsDisks ?? true;
  }

  /** A node that starts now, at an address of its own. */
  addNode(options: ReplicaNodeOptions): ReplicaNode {
    const node = new ReplicaNode(this, this.nodes.length, options);
    this.nodes.push(node);
    this.#nodesByEndpoint.set(node.endpoint, node);
    node.restart();
    return node;
  }

  /** Dials from one node to another, as a caller who knows the address does. */
  connect(from: ReplicaNode, to: ReplicaNode): void {
    this.dial(from, { peer: to.signer.publicKey, endpoints: [to.endpoint] });
  }

  /** Breaks the way between two nodes: links go down, dials fail. */
  cut(a: ReplicaNode, b: ReplicaNode): void {
    this.#cuts.add(pairOf(a, b));
    this.#links.get(pairOf(a, b))?.break("cut");
  }

  /** Mends the way between two nodes. */
  heal(a: ReplicaNode, b: ReplicaNode): void {
    this.#cuts.delete(pairOf(a, b));
  }

  /** Cuts every way between the two sides. */
  split(left: readonly ReplicaNode[], right: readonly ReplicaNode[]): void {
    for (const a of left) for (const b of right) this.cut(a, b);
  }

  /** Mends everything. */
  healAll(): void {
    this.#cuts.clear();
  }

  /** Moves time on. */
  run(byMs: number): void {
    this.clock.advance(byMs);
  }

  /** Moves time on until `reached` holds; tells whether it did. */
  runUntil(reached: () => boolean, maxMs: number): boolean {
    return this.clock.advanceUntil(reached, maxMs);
  }

  /** Whether two nodes have a link. */
  areLinked(a: ReplicaNode, b: ReplicaNode): boolean {
    return this.#links.has(pairOf(a, b));
  }

  /** Whether all nodes that are up hold the same set of items. */
  areEqual(nodes: readonly ReplicaNode[] = this.nodes.filter((node) => node.isUp)): boolean {
    return new Set(nodes.map((node) => node.fingerprint)).size <= 1;
  }

  /** Carries out a `connect`; not for tests, which call {@linkcode ReplicaWorld.connect}. */
  dial(from: ReplicaNode, contact: ContactHint): void {
    this.dials++;
    const start = from.starts;
    this.clock.set(this.latency(), () => {
      if (from.starts !== start || !from.isUp) return;
      const endpoint = contact.endpoints.find((text) => this.#nodesByEndpoint.has(text));
      const to = endpoint === undefined ? undefined : this.#nodesByEndpoint.get(endpoint);
      const pair = to === undefined ? "" : pairOf(from, to);
      if (this.#links.has(pair)) return; // the other end's dial was first
      const isWrong = to === undefined || hex(to.signer.publicKey) !== hex(contact.peer);
      if (isWrong || to === from || !to.isUp || this.#cuts.has(pair)) {
        return from.input({ kind: "connectFailed", peer: hex(contact.peer), reason: "connect_failed" });
      }
      const link = new ReplicaLink(this, ++this.#linkId, from, to, () => {
        this.#links.delete(pair);
        this.#linksById.delete(link.id);
      });
      this.#links.set(pair, link);
      this.#linksById.set(link.id, link);
      link.begin();
    });
  }

  /** Carries out a `send` or `disconnect`; not for tests. */
  link(id: LinkId): ReplicaLink | null {
    return this.#linksById.get(id) ?? null;
  }

  /** How long the next message takes. */
  latency(): number {
    const [min, max] = this.#latencyMs;
    return min + below(this.random, max - min + 1);
  }

  /** How long the next commit takes. */
  commitTime(): number {
    return below(this.random, this.#storeMsMax + 1);
  }

  /** Breaks the links of a node that stopped. */
  unlink(node: ReplicaNode): void {
    for (const link of [...this.#links.values()]) if (link.joins(node)) link.break("reset");
  }
}

function pairOf(a: ReplicaNode, b: ReplicaNode): string {
  return a.index < b.index ? `${a.index}-${b.index}` : `${b.index}-${a.index}`;
}

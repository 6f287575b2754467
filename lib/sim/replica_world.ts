/**
 * Many replicas of one graph on one virtual clock: links with a seeded delay, a disk for each that
 * fails and survives crashes, cuts and healing. No promises and no sockets: what a replica wants done
 * is carried out at once or by a timer, so a seed repeats a run exactly.
 */

import { assert } from "../base/assert.ts";
import { hex } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Crypto, Random, StoreEntry, StoreKey, TimerHandle } from "../base/ports.ts";
import { below, SeededRandom } from "../base/random.ts";
import type { Effect, Input, LinkId, Outcome, ReplicaEvent, Request } from "../graph/machine.ts";
import type { ContactHint } from "../graph/messages.ts";
import type { GraphPolicy } from "../graph/policy.ts";
import { Replica } from "../graph/replica.ts";
import type { GraphWire } from "../graph/wire.ts";
import type { Signer } from "../wire/envelope.ts";
import { type ClockView, VirtualClock } from "./virtual_clock.ts";

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

/** What a node is: it keeps all this over a crash. */
export interface ReplicaNodeOptions {
  readonly graph: Uint8Array;
  readonly signer: Signer;
  /** The policy of a fresh start. */
  readonly policy: (random: Random) => GraphPolicy;
  /** How far its wall clock is off; 0 by default. */
  readonly wallOffsetMs?: number;
  /** What its replica sends and receives through; the codec if left out. */
  readonly wire?: GraphWire;
}

/** What became of a call. */
export type ReplicaCallEnd =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/**
 * How a disk fails: `full` writes nothing and says so; `lost` may have written all the same, and what
 * asked does not learn whether.
 */
export type DiskFault = "full" | "lost";

/** Sees each frame that arrives. */
export type FrameTap = (from: ReplicaNode, to: ReplicaNode, bytes: Uint8Array) => void;

/** Replicas, their links and their disks. */
export class ReplicaWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly crypto: Crypto;
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
  readonly keepsDisks: boolean;
  readonly #cuts = new Set<string>();
  readonly #links = new Map<string, WorldLink>();
  readonly #linksById = new Map<LinkId, WorldLink>();
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
      const link = new WorldLink(this, ++this.#linkId, from, to, () => {
        this.#links.delete(pair);
        this.#linksById.delete(link.id);
      });
      this.#links.set(pair, link);
      this.#linksById.set(link.id, link);
      link.begin();
    });
  }

  /** Carries out a `send` or `disconnect`; not for tests. */
  link(id: LinkId): WorldLink | null {
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

/** One node: a replica while it is up, and a disk that stays. */
export class ReplicaNode {
  readonly world: ReplicaWorld;
  readonly index: number;
  readonly signer: Signer;
  /** Where others dial it. */
  readonly endpoint: string;
  readonly clock: ClockView;
  /** What became of each call, over all starts. */
  readonly ends: Map<number, ReplicaCallEnd> = new Map();
  /** What happened, over all starts. */
  readonly events: ReplicaEvent[] = [];
  /** Whether it takes what others send; if not, their links never report that they are writable. */
  isReading = true;
  /** How its next commits fail. */
  fault: DiskFault | null = null;
  /** How often it was started. */
  starts = 0;
  readonly #options: ReplicaNodeOptions;
  readonly #disk = new Map<string, StoreEntry>();
  #queue: (Effect & { kind: "store" })[] = [];
  #replica: Replica | null = null;
  #timer: TimerHandle | null = null;
  #dueMs: number | null = null;
  #calls = 0;

  constructor(world: ReplicaWorld, index: number, options: ReplicaNodeOptions) {
    this.world = world;
    this.index = index;
    this.signer = options.signer;
    this.endpoint = `tcp://20.0.${index >> 8}.${index & 255}:4000`;
    this.clock = world.clock.view({ wallOffsetMs: options.wallOffsetMs ?? 0 });
    this.#options = options;
  }

  /** The replica; only while it runs. */
  get replica(): Replica {
    assert(this.#replica !== null, "a node that crashed has no replica");
    return this.#replica;
  }

  /** Whether it was started and has not crashed. */
  get isStarted(): boolean {
    return this.#replica !== null;
  }

  /** Whether it runs and has loaded what its disk holds. */
  get isUp(): boolean {
    return this.#replica?.isRunning ?? false;
  }

  /** Both sets of items as a short text. */
  get fingerprint(): string {
    const { authorityItems, authorityFingerprint, dataItems, dataFingerprint } = this.replica.snapshot();
    return `${authorityItems}:${authorityFingerprint}/${dataItems}:${dataFingerprint}`;
  }

  /** What the records show now: id and hash of each, in order. */
  get shown(): string[] {
    return [...this.replica.allShown(this.clock.now())].map(({ item, expires }) =>
      `${item.record} ${item.id} ${expires}`
    ).sort();
  }

  /** What is on its disk. */
  get disk(): ReadonlyMap<string, StoreEntry> {
    return this.#disk;
  }

  /** Loses all that its disk holds. */
  wipe(): void {
    assert(this.#replica === null, "a node crashes before its disk is lost");
    this.#disk.clear();
  }

  /** Alters a byte of each entry of one kind, as a failing disk does; tells how many there were. */
  damage(kind: string): number {
    const damaged = [...this.#disk.values()].filter(({ key }) => key[2] === kind);
    for (const { value } of damaged) value[value.length - 1]! ^= 1;
    return damaged.length;
  }

  /** Makes a call; {@linkcode ReplicaNode.ends} has what becomes of it. */
  call(request: Request): number {
    const call = ++this.#calls;
    this.input({ kind: "call", call, request });
    return call;
  }

  /** Makes a call and runs the world until it ends. */
  wait(request: Request, maxMs = 10_000): ReplicaCallEnd {
    const call = this.call(request);
    const ended = this.world.runUntil(() => this.ends.has(call), maxMs);
    assert(ended, "a call ends");
    return this.ends.get(call)!;
  }

  /** Stops without a word. What was not yet written is lost; the commit under way is, or is not. */
  crash(): void {
    assert(this.world.keepsDisks, "what crashes has a disk");
    const underWay = this.#queue.shift();
    if (underWay !== undefined && below(this.world.random, 2) === 0) this.#write(underWay);
    this.#queue = [];
    this.#replica = null;
    this.#timer?.cancel();
    this.#dueMs = null;
    this.world.unlink(this);
  }

  /** Starts with what the disk holds. */
  restart(): void {
    assert(this.#replica === null, "a node crashes before it starts again");
    const { graph, signer, policy, wire } = this.#options;
    const random = new SeededRandom(this.world.random.uint32());
    this.starts++;
    this.#replica = new Replica({
      ...{ graph, signer, random, crypto: this.world.crypto, policy: policy(random) },
      ...(wire === undefined ? {} : { wire }),
    });
    this.#carryOut(this.#replica.start(this.clock.now()));
    this.#plan();
  }

  /** Feeds its replica. */
  input(input: Input): void {
    if (this.#replica === null) return;
    this.world.events++;
    this.#carryOut(this.#replica.handle(input, this.clock.now()));
    this.#plan();
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") {
        for (const link of effect.links) this.world.link(link)?.send(this, effect.bytes);
      } else if (effect.kind === "disconnect") this.world.link(effect.link)?.close(this, effect.reason);
      else if (effect.kind === "connect") this.world.dial(this, effect.contact);
      else if (effect.kind === "store") this.#store(effect);
      else if (effect.kind === "load") this.#later(1, () => this.#load());
      else if (effect.kind === "emit") {
        this.events.push(effect.event);
        this.world.watch(this, effect.event);
      } else if (effect.kind === "settle") this.ends.set(effect.call, { ok: true, outcome: effect.outcome });
      else this.ends.set(effect.call, { ok: false, code: effect.code, message: effect.message });
    }
  }

  #load(): void {
    const entries = [...this.#disk.values()].map(({ key, value }) => ({ key, value: value.slice() }));
    this.input({ kind: "loaded", entries: entries.filter(({ key }) => key[0] === "graph") });
    this.input({ kind: "endpoints", endpoints: [this.endpoint] });
  }

  #store(effect: Effect & { kind: "store" }): void {
    this.#queue.push(effect);
    if (this.#queue.length === 1) this.#later(this.world.commitTime(), () => this.#commit());
  }

  /** One commit at a time. If it fails, what waits behind it is not tried: it may build on it. */
  #commit(): void {
    const [first, ...others] = this.#queue;
    const { fault } = this;
    if (fault !== "full" && (fault === null || below(this.world.random, 2) === 0)) this.#write(first!);
    this.#queue = fault === null ? others : [];
    if (this.#queue.length > 0) this.#later(this.world.commitTime(), () => this.#commit());
    if (fault === null) return this.input({ kind: "stored", ticket: first!.ticket });
    const code = fault === "full" ? "store_full" : "store_failed";
    for (const { ticket } of [first!, ...others]) {
      const certain = fault === "full" || ticket !== first!.ticket;
      this.input({ kind: "storeFailed", ticket, code, message: `The test says ${code}`, certain });
    }
  }

  #write({ sets, deletes }: Effect & { kind: "store" }): void {
    if (!this.world.keepsDisks) return;
    for (const key of deletes) this.#disk.delete(keyText(key));
    for (const { key, value } of sets) this.#disk.set(keyText(key), { key, value: value.slice() });
  }

  #plan(): void {
    const dueMs = this.#replica?.nextDeadline() ?? null;
    if (dueMs === this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    if (dueMs === null) return;
    const delayMs = Math.max(0, dueMs - this.clock.now().monoMs);
    this.#timer = this.world.clock.set(delayMs, () => {
      this.#dueMs = null;
      this.input({ kind: "deadline" });
    });
  }

  /** A timer that a crash forgets. */
  #later(delayMs: number, run: () => void): void {
    const { starts } = this;
    this.world.clock.set(delayMs, () => {
      if (this.starts === starts && this.#replica !== null) run();
    });
  }
}

/** One link: in order both ways, writable again when all that was sent has arrived. */
export class WorldLink {
  readonly id: LinkId;
  readonly #world: ReplicaWorld;
  readonly #from: ReplicaNode;
  readonly #to: ReplicaNode;
  readonly #onEnd: () => void;
  readonly #lanes: ReadonlyMap<ReplicaNode, Lane>;
  #isBroken = false;
  #closedBy: ReplicaNode | null = null;

  constructor(world: ReplicaWorld, id: LinkId, from: ReplicaNode, to: ReplicaNode, onEnd: () => void) {
    this.#world = world;
    this.id = id;
    this.#from = from;
    this.#to = to;
    this.#onEnd = onEnd;
    const lane = (): Lane => ({ steps: [], ready: 0, lastMs: 0, frames: 0 });
    this.#lanes = new Map([[from, lane()], [to, lane()]]);
  }

  /** Tells both ends. */
  begin(): void {
    this.#to.input(this.#up(this.#from, false));
    if (!this.#isBroken) this.#from.input(this.#up(this.#to, true));
  }

  /** Whether this node is one of its ends. */
  joins(node: ReplicaNode): boolean {
    return node === this.#from || node === this.#to;
  }

  /** Brings bytes to the other end, when that reads and unless the link breaks before. */
  send(from: ReplicaNode, bytes: Uint8Array): void {
    if (this.#closedBy !== null) return;
    this.#lanes.get(from)!.frames++;
    this.#inOrder(from, () => this.#arrive(from, bytes));
  }

  /** Ends it from one end: what was sent before still arrives. */
  close(by: ReplicaNode, reason: string): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = by;
    this.#world.clock.set(0, () => by.input({ kind: "linkDown", link: this.id, reason: "closed here" }));
    this.#inOrder(by, () => this.break(reason));
  }

  /** Ends it at once: what is under way is lost. */
  break(reason: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#onEnd();
    for (const node of [this.#from, this.#to]) node.input({ kind: "linkDown", link: this.id, reason });
  }

  #up(peer: ReplicaNode, dialled: boolean): Input {
    return {
      kind: "linkUp",
      link: this.id,
      peer: peer.signer.publicKey,
      dialled,
      address: peer.endpoint,
      isLoopback: false,
      endpoint: dialled ? peer.endpoint : null,
    };
  }

  #arrive(from: ReplicaNode, bytes: Uint8Array): void {
    const to = this.#other(from);
    const lane = this.#lanes.get(from)!;
    lane.frames--;
    if (this.#closedBy !== to) {
      this.#world.tap(from, to, bytes);
      to.input({ kind: "frame", link: this.id, bytes });
    }
    if (lane.frames === 0 && !this.#isBroken) from.input({ kind: "writable", link: this.id });
  }

  /** Runs after everything that `from` sent before. */
  #inOrder(from: ReplicaNode, step: () => void): void {
    const lane = this.#lanes.get(from)!;
    const nowMs = this.#world.clock.now().monoMs;
    lane.lastMs = Math.max(nowMs + this.#world.latency(), lane.lastMs);
    lane.steps.push(step);
    this.#world.clock.set(lane.lastMs - nowMs, () => {
      lane.ready++;
      this.#drain(from);
    });
  }

  #drain(from: ReplicaNode): void {
    const lane = this.#lanes.get(from)!;
    while (lane.ready > 0 && !this.#isBroken) {
      if (!this.#other(from).isReading) {
        // Asked again until the other end reads; nothing passes what waits.
        return void this.#world.clock.set(stalledPollMs, () => this.#drain(from));
      }
      lane.ready--;
      lane.steps.shift()!();
    }
  }

  #other(node: ReplicaNode): ReplicaNode {
    return node === this.#from ? this.#to : this.#from;
  }
}

/** One direction of a link. */
interface Lane {
  /** What arrives, in order. */
  readonly steps: (() => void)[];
  /** How many of them have had their time. */
  ready: number;
  lastMs: number;
  /** Frames on their way. */
  frames: number;
}

const stalledPollMs = 100;

function pairOf(a: ReplicaNode, b: ReplicaNode): string {
  return a.index < b.index ? `${a.index}-${b.index}` : `${b.index}-${a.index}`;
}

function keyText(key: StoreKey): string {
  return key.map((part) => part instanceof Uint8Array ? hex(part) : String(part)).join("/");
}

/** A node of a world of replicas: calls, crashes and starts, and how what its replica wants done is carried out. */

import { assert } from "../base/assert.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Random, TimerHandle } from "../base/ports.ts";
import { SeededRandom } from "../base/random.ts";
import type { Effect, Input, Outcome, ReplicaEvent, Request } from "../graph/machine.ts";
import type { GraphPolicy } from "../graph/policy.ts";
import { Replica } from "../graph/replica.ts";
import type { GraphWire } from "../graph/wire.ts";
import type { Signer } from "../wire/envelope.ts";
import { ReplicaDisk } from "./replica_disk.ts";
import type { ReplicaWorld } from "./replica_world.ts";
import type { ClockView } from "./virtual_clock.ts";

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

/** One node: a replica while it is up, and a disk that stays. */
export class ReplicaNode {
  readonly world: ReplicaWorld;
  readonly index: number;
  readonly signer: Signer;
  /** Where others dial it. */
  readonly endpoint: string;
  readonly clock: ClockView;
  /** What stays over a crash, to be made fail. */
  readonly disk: ReplicaDisk = new ReplicaDisk(this);
  /** What became of each call, over all starts. */
  readonly ends: Map<number, ReplicaCallEnd> = new Map();
  /** What happened, over all starts. */
  readonly events: ReplicaEvent[] = [];
  /** Whether it takes what others send; if not, their links never report that they are writable. */
  isReading = true;
  /** How often it was started. */
  starts = 0;
  readonly #options: ReplicaNodeOptions;
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
    this.disk.crash();
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

  /** Sets a timer that a crash forgets; for its disk, not for tests. */
  later(delayMs: number, run: () => void): void {
    const { starts } = this;
    this.world.clock.set(delayMs, () => {
      if (this.starts === starts && this.#replica !== null) run();
    });
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") {
        for (const link of effect.links) this.world.link(link)?.send(this, effect.bytes);
      } else if (effect.kind === "disconnect") this.world.link(effect.link)?.close(this, effect.reason);
      else if (effect.kind === "connect") this.world.dial(this, effect.contact);
      else if (effect.kind === "store") this.disk.store(effect);
      else if (effect.kind === "load") this.later(1, () => this.#load());
      else if (effect.kind === "emit") {
        this.events.push(effect.event);
        this.world.watch(this, effect.event);
      } else if (effect.kind === "settle") this.ends.set(effect.call, { ok: true, outcome: effect.outcome });
      else this.ends.set(effect.call, { ok: false, code: effect.code, message: effect.message });
    }
  }

  #load(): void {
    this.input({ kind: "loaded", entries: this.disk.load() });
    this.input({ kind: "endpoints", endpoints: [this.endpoint] });
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
}

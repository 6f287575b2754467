/** The disk of a node in a world of replicas: one commit at a time, which fails as a test says. */

import { assert } from "../base/assert.ts";
import { hex } from "../base/bytes.ts";
import type { StoreEntry, StoreKey } from "../base/ports.ts";
import { below } from "../base/random.ts";
import type { Effect } from "../graph/machine.ts";
import type { ReplicaNode } from "./replica_node.ts";

/**
 * How a disk fails: `full` writes nothing and says so; `lost` may have written all the same, and what
 * asked does not learn whether.
 */
export type DiskFault = "full" | "lost";

/** One disk. It stays when its node crashes. */
export class ReplicaDisk {
  /** How its next commits fail. */
  fault: DiskFault | null = null;
  readonly #node: ReplicaNode;
  readonly #entries = new Map<string, StoreEntry>();
  /** The commit under way, and those that wait for it. */
  #queue: Commit[] = [];

  constructor(node: ReplicaNode) {
    this.#node = node;
  }

  /** What is on it. */
  get entries(): ReadonlyMap<string, StoreEntry> {
    return this.#entries;
  }

  /** Loses all that it holds. */
  wipe(): void {
    assert(!this.#node.isStarted, "a node crashes before its disk is lost");
    this.#entries.clear();
  }

  /** Alters a byte of each entry of one kind, as a failing disk does; tells how many there were. */
  damage(kind: string): number {
    const damaged = [...this.#entries.values()].filter(({ key }) => key[2] === kind);
    for (const { value } of damaged) value[value.length - 1]! ^= 1;
    return damaged.length;
  }

  /** What a replica starts with. */
  load(): StoreEntry[] {
    return [...this.#entries.values()].filter(({ key }) => key[0] === "graph")
      .map(({ key, value }) => ({ key, value: value.slice() }));
  }

  /** Takes a commit; the node's replica is told what became of it. */
  store(commit: Commit): void {
    this.#queue.push(commit);
    if (this.#queue.length === 1) this.#commitLater();
  }

  /** What was not yet written is lost; the commit under way is, or is not. */
  crash(): void {
    const underWay = this.#queue.shift();
    if (underWay !== undefined && this.#isLucky()) this.#write(underWay);
    this.#queue = [];
  }

  #commitLater(): void {
    this.#node.later(this.#node.world.commitTime(), () => this.#commit());
  }

  /** One commit at a time. If it fails, what waits behind it is not tried: it may build on it. */
  #commit(): void {
    const [first, ...others] = this.#queue;
    const { fault } = this;
    if (fault === null || fault === "lost" && this.#isLucky()) this.#write(first!);
    this.#queue = fault === null ? others : [];
    if (this.#queue.length > 0) this.#commitLater();
    if (fault === null) return this.#node.input({ kind: "stored", ticket: first!.ticket });
    const code = fault === "full" ? "store_full" : "store_failed";
    for (const { ticket } of [first!, ...others]) {
      const certain = fault === "full" || ticket !== first!.ticket;
      this.#node.input({ kind: "storeFailed", ticket, code, message: `The test says ${code}`, certain });
    }
  }

  #write({ sets, deletes }: Commit): void {
    if (!this.#node.world.keepsDisks) return;
    for (const key of deletes) this.#entries.delete(keyText(key));
    for (const { key, value } of sets) this.#entries.set(keyText(key), { key, value: value.slice() });
  }

  /** Whether what may or may not be written is. */
  #isLucky(): boolean {
    return below(this.#node.world.random, 2) === 0;
  }
}

type Commit = Effect & { readonly kind: "store" };

function keyText(key: StoreKey): string {
  return key.map((part) => part instanceof Uint8Array ? hex(part) : String(part)).join("/");
}

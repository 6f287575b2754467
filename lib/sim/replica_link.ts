/** A link between two replicas: frames take their time, in order, and wait while the other end does not read. */

import type { Input, LinkId } from "../graph/machine.ts";
import type { ReplicaNode } from "./replica_node.ts";
import type { ReplicaWorld } from "./replica_world.ts";

/** One link: in order both ways, writable again when all that was sent has arrived. */
export class ReplicaLink {
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

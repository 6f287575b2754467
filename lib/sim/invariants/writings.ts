/**
 * What peers acknowledged, read from what they stored: the ground of several invariants.
 *
 * A write of a peer's own is a `store` effect that answers a call; when its ticket is reported stored and
 * the call settles, the items in it are acknowledged.
 */

import type { Crypto, StoreEntry } from "../../base/ports.ts";
import { hex } from "../../base/bytes.ts";
import type { Item } from "../../records/item.ts";
import { parseItem } from "../../records/item_codec.ts";
import type { ReplicaStep } from "../checker.ts";
import type { SimulatedPeer } from "../simulated_peer.ts";

/** An item that a peer acknowledged. */
export interface Acknowledged {
  readonly peer: SimulatedPeer;
  /** Graph id in hex. */
  readonly graph: string;
  readonly item: Item;
  /** What made it durable. */
  readonly entry: StoreEntry;
}

/** Follows the own writes of all peers. */
export class Writings {
  readonly #crypto: Crypto;
  /** Entries of own writes under way, by peer, graph and ticket. */
  readonly #underWay = new Map<string, readonly StoreEntry[]>();
  readonly #acknowledged = new Map<SimulatedPeer, Map<string, Acknowledged>>();

  /** Reads items with `crypto`. */
  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Takes a step; returns what it acknowledged. */
  onReplica(step: ReplicaStep): readonly Acknowledged[] {
    const { peer, replica, input, effects } = step;
    const graph = hex(replica.graph);
    const name = (ticket: number): string => `${peer.host} ${graph} ${ticket}`;
    if (input.kind === "call") {
      for (const effect of effects) {
        if (effect.kind === "store" && effect.deletes.length === 0) {
          this.#underWay.set(name(effect.ticket), effect.sets);
        }
      }
    }
    if (input.kind === "storeFailed") this.#underWay.delete(name(input.ticket));
    if (input.kind !== "stored") return [];
    const entries = this.#underWay.get(name(input.ticket)) ?? [];
    this.#underWay.delete(name(input.ticket));
    if (!effects.some(({ kind }) => kind === "settle")) return [];
    return entries.flatMap((entry) => this.#acknowledge(peer, graph, replica.graph, entry));
  }

  /** A peer is gone: what it waited for is never told. */
  forget(peer: SimulatedPeer): void {
    for (const key of this.#underWay.keys()) {
      if (key.startsWith(`${peer.host} `)) this.#underWay.delete(key);
    }
  }

  /** All that a peer acknowledged in a graph (hex). */
  of(peer: SimulatedPeer, graph: string): Acknowledged[] {
    return [...this.#acknowledged.get(peer)?.values() ?? []].filter((one) => one.graph === graph);
  }

  #acknowledge(peer: SimulatedPeer, graph: string, graphId: Uint8Array, entry: StoreEntry): Acknowledged[] {
    if (entry.key[2] !== "item") return [];
    const parsed = parseItem(this.#crypto, graphId, entry.value.subarray(itemHeadBytes));
    if (!parsed.ok) return [];
    const acknowledged = { peer, graph, item: parsed.item, entry };
    const ofPeer = this.#acknowledged.getOrInsertComputed(peer, () => new Map());
    ofPeer.set(parsed.item.id, acknowledged);
    return [acknowledged];
  }
}

/** Before the bytes of a stored item stand its format, arrival number and digest (`lib/graph/keeping.ts`). */
const itemHeadBytes = 1 + 8 + 16;

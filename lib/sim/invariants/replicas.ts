/** The replicas that live now, and who takes part in which graph: what checkers ask when all is quiet. */

import { hex } from "../../base/bytes.ts";
import type { Replica } from "../../graph/replica.ts";
import { GroupPolicy } from "../../groups/group_policy.ts";
import type { ReplicaStep } from "../checker.ts";
import type { SimulatedPeer } from "../simulated_peer.ts";

/** One peer in one graph. */
export interface LiveNode {
  readonly peer: SimulatedPeer;
  readonly replica: Replica;
}

/** Knows the replicas of all peers. */
export class Replicas {
  readonly #closed = new WeakSet<Replica>();
  readonly #byPeer = new Map<SimulatedPeer, Map<string, Replica>>();

  /** Takes a step. */
  onReplica({ peer, replica, input }: ReplicaStep): void {
    const graphs = this.#byPeer.getOrInsertComputed(peer, () => new Map());
    const graph = hex(replica.graph);
    // What the store says after the end is an input too.
    if (input.kind === "call" && input.request.kind === "close") this.#closed.add(replica);
    if (!this.#closed.has(replica)) graphs.set(graph, replica);
    else if (graphs.get(graph) === replica) graphs.delete(graph);
  }

  /** A peer is gone. */
  forget(peer: SimulatedPeer): void {
    this.#byPeer.delete(peer);
  }

  /** The nodes of each graph, by its id in hex, of peers that are up. */
  graphs(): Map<string, LiveNode[]> {
    const graphs = new Map<string, LiveNode[]>();
    for (const [peer, replicas] of this.#byPeer) {
      if (!peer.isUp) continue;
      for (const [graph, replica] of replicas) {
        graphs.getOrInsertComputed(graph, () => []).push({ peer, replica });
      }
    }
    return graphs;
  }
}

/** Whether a node holds a standing in a group by its own account, or takes part in a plain graph. */
export function isPartOf(node: LiveNode, judge: LiveNode = node): boolean {
  const { policy } = judge.replica;
  return !(policy instanceof GroupPolicy) || policy.member(hex(node.replica.signer.publicKey)) !== null;
}

/** The node of highest rank among those who take part: in a group nobody knows better who is in. */
export function leaderOf(nodes: readonly LiveNode[]): LiveNode | null {
  const rankOf = (node: LiveNode): string => {
    const { policy, signer } = node.replica;
    return policy instanceof GroupPolicy
      ? policy.member(hex(signer.publicKey))?.standing.rank ?? "~"
      : node.peer.host;
  };
  return nodes.filter((node) => isPartOf(node)).sort((a, b) => rankOf(a) < rankOf(b) ? -1 : 1)[0] ?? null;
}

/** Both sets of a replica as a short text. */
export function fingerprintOf({ replica }: LiveNode): string {
  const { authorityItems, authorityFingerprint, dataItems, dataFingerprint } = replica.snapshot();
  return `${authorityItems}:${authorityFingerprint}/${dataItems}:${dataFingerprint}`;
}

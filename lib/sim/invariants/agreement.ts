/** What must come true once all is mended and quiet: I3, I4, I6, I7, I11, I20 and I21. */

import { hex } from "../../base/bytes.ts";
import type { Replica } from "../../graph/replica.ts";
import { GroupPolicy } from "../../groups/group_policy.ts";
import { outranks } from "../../groups/rank.ts";
import { type AuthorityItem, ItemKind } from "../../records/item.ts";
import { verifyItem } from "../../records/item_codec.ts";
import { ItemSet } from "../../records/item_set.ts";
import { CreatorPolicy } from "../../records/policy.ts";
import type { Checker, ReplicaStep } from "../checker.ts";
import { seekMsMax } from "../limits.ts";
import { fingerprintOf, isPartOf, leaderOf, type LiveNode } from "./replicas.ts";
import type { Watch } from "./watch.ts";

/** I3: all who take part in a graph hold equal sets and show the same; who does not, knows it (I21). */
export class Convergence implements Checker {
  readonly invariant = "I3";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(): void {
    for (const { invariant, message } of this.differences()) this.#watch.report(invariant, message);
  }

  /** In what those who take part in a graph differ now. */
  differences(): Difference[] {
    const found: Difference[] = [];
    for (const nodes of this.#watch.replicas.graphs().values()) {
      const leader = leaderOf(nodes);
      if (leader === null) continue;
      for (const node of nodes) {
        const difference = differenceOf(node, leader);
        if (difference !== null) found.push(difference);
      }
    }
    return found;
  }
}

/** A node that is not as it should be, once all is quiet. */
export interface Difference {
  readonly invariant: string;
  readonly message: string;
}

function differenceOf(node: LiveNode, leader: LiveNode): Difference | null {
  const [a, b] = [node.peer.name, leader.peer.name];
  const isIn = isPartOf(node, leader);
  if (isIn !== isPartOf(node)) {
    const standing = isIn ? "is in and believes to be out" : "is out and believes to be in";
    return { invariant: "I21", message: `${a} ${standing}, as ${b} has it` };
  }
  if (!isIn || node === leader) return null;
  const sets = [fingerprintOf(node), fingerprintOf(leader)];
  if (sets[0] !== sets[1]) {
    return { invariant: "I3", message: `${a} and ${b} hold different sets: ${sets.join(" and ")}` };
  }
  return shownOf(node) === shownOf(leader)
    ? null
    : { invariant: "I3", message: `${a} and ${b} show different records` };
}

/** I4: what is known already changes nothing. */
export class Idempotence implements Checker {
  readonly invariant = "I4";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(): void {
    forEachNode(this.#watch, ({ peer, replica }) => {
      const change = replica.set.add([...replica.set.entries()].map(({ item }) => item), 1);
      if (change.entered.length + change.left.length + change.outside.length + change.dropped.length === 0) {
        return;
      }
      this.#watch.report("I4", `${peer.name} was changed by items that it knew`);
    });
  }
}

/** I6: each item in a set holds under its author's key. */
export class Authenticity implements Checker {
  readonly invariant = "I6";
  readonly #watch: Watch;
  /** Items are compared by id: one check of each is enough where the bytes are equal. */
  readonly #checked = new Map<string, Uint8Array>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(): void {
    forEachNode(this.#watch, ({ peer, replica }) => {
      for (const { item, place } of replica.set.entries()) {
        if (place !== "in" || this.#checked.has(item.id)) continue;
        this.#checked.set(item.id, item.bytes);
        if (verifyItem(this.#watch.crypto, replica.graph, item)) continue;
        this.#watch.report("I6", `${peer.name} holds item ${item.id}, which its author did not sign`);
      }
    });
  }
}

/** I7: places follow from the known items alone: learnt anew in another order they are the same. */
export class OrderIndependence implements Checker {
  readonly invariant = "I7";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(): void {
    forEachNode(this.#watch, ({ peer, replica }) => {
      const isGroup = replica.policy instanceof GroupPolicy;
      const again = new ItemSet(isGroup ? new GroupPolicy(replica.graph) : new CreatorPolicy());
      const items = [...replica.set.entries()].map(({ item }) => item).sort((a, b) => a.id < b.id ? -1 : 1);
      for (const item of items) again.add([item], 1);
      for (const { item, place } of replica.set.entries()) {
        const other = again.entry(item.id)?.place;
        if (place === other || isPast(item.body, this.#watch.wallMs())) continue;
        this.#watch.report(
          "I7",
          `${peer.name} has item ${item.id} ${place}; learnt in another order it is ${other}`,
        );
      }
    });
  }
}

/** I11: all who take part in a graph are linked, over others if need be. */
export class Reconnection implements Checker {
  readonly invariant = "I11";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onQuiet(): void {
    for (const nodes of this.#watch.replicas.graphs().values()) {
      const leader = leaderOf(nodes);
      if (leader === null) continue;
      const members = nodes.filter((node) => isPartOf(node, leader));
      const reached = reachedFrom(leader, members);
      for (const node of members) {
        if (!reached.has(node)) {
          this.#watch.report("I11", `${node.peer.name} is cut off from ${leader.peer.name}`);
        }
      }
    }
  }
}

/** I11 as well: who has no neighbor and knows whom to dial is about to, whatever became of earlier dials. */
export class Seeking implements Checker {
  readonly invariant = "I11";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, now }: ReplicaStep): void {
    if (!replica.isRunning || replica.neighborCount > 0) return;
    const self = hex(replica.signer.publicKey);
    if (replica.contacts.hints().every((contact) => hex(contact.peer) === self)) return;
    const atMs = replica.deadlines.at("seek");
    if (atMs !== null && atMs - now.monoMs <= seekMsMax) return;
    this.#watch.report("I11", `${peer.name} has no neighbor and does not look for one`);
  }
}

/** I20: an invitation never admits more than it says; I21: who is removed is no member but by a higher grant. */
export class Membership implements Checker {
  readonly invariant = "I20";
  readonly #watch: Watch;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  onReplica({ peer, replica, effects }: ReplicaStep): void {
    if (!(replica.policy instanceof GroupPolicy)) return;
    if (!effects.some((effect) => effect.kind === "emit" && effect.event.kind === "authority")) return;
    for (const item of replica.policy.items()) {
      if (item.body.kind === ItemKind.invitation) {
        const admitted = replica.policy.joinersOf(item.id).size;
        if (admitted <= item.body.joinersMax) continue;
        this.#watch.report("I20", `${peer.name} has ${admitted} joiners of invitation ${item.id}`);
      } else if (item.body.kind === ItemKind.removal && isUndone(replica.policy, item, item.body.subject)) {
        this.#watch.report(
          "I21",
          `${peer.name} counts ${hex(item.body.subject)} as a member over a removal in force`,
        );
      }
    }
  }
}

/** Whether the subject of a removal in the set holds a standing that the removal outranks. */
function isUndone(policy: GroupPolicy, removal: AuthorityItem, subject: Uint8Array): boolean {
  const member = policy.member(hex(subject));
  const remover = removal.head.credential === null ? null : policy.standingAt(hex(removal.head.credential));
  return member !== null && remover !== null && outranks(remover.rank, member.standing.rank);
}

function reachedFrom(start: LiveNode, members: readonly LiveNode[]): Set<LiveNode> {
  const byKey = new Map(members.map((node) => [hex(node.replica.signer.publicKey), node]));
  const reached = new Set([start]);
  for (const node of reached) {
    for (const neighbor of node.replica.neighbors()) {
      const other = neighbor.phase === "open" ? byKey.get(neighbor.id) : undefined;
      if (other !== undefined) reached.add(other);
    }
  }
  return reached;
}

function forEachNode(watch: Watch, look: (node: { peer: LiveNode["peer"]; replica: Replica }) => void): void {
  for (const nodes of watch.replicas.graphs().values()) for (const node of nodes) look(node);
}

function shownOf({ peer, replica }: LiveNode): string {
  const shown = [...replica.allShown(peer.clock.now())];
  return shown.map(({ item, expires }) => `${item.record} ${item.id} ${expires}`).sort().join("\n");
}

function isPast(body: AuthorityItem["body"] | { readonly until: number } | object, wallMs: number): boolean {
  return "until" in body && body.until <= wallMs + timeSlackMs;
}

/** Near its end an item may be past it for one node and not for another. */
const timeSlackMs = 1_200_000;

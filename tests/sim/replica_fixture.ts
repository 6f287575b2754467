/** Worlds of replicas for tests: plain graphs and groups, and the calls that tests make of them. */

import assert from "node:assert/strict";
import { hex, utf8 } from "../../lib/base/bytes.ts";
import type { Crypto, Random } from "../../lib/base/ports.ts";
import type { AddRequest, RecordEventCause, UpdateRequest } from "../../lib/graph/machine.ts";
import { decodeMessage } from "../../lib/graph/messages.ts";
import { OpenPolicy } from "../../lib/graph/policy.ts";
import { leaveOf, removalOf } from "../../lib/groups/ending.ts";
import { foundGroup, type Founding } from "../../lib/groups/founding.ts";
import type { InvitationTicket } from "../../lib/groups/invitation.ts";
import { Membership } from "../../lib/groups/membership.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { ContentKind, type InvitationBody, ItemKind } from "../../lib/records/item.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { ReplicaWorld, type ReplicaWorldOptions } from "../../lib/sim/replica_world.ts";
import type { Signer } from "../../lib/wire/envelope.ts";
import { fixtureCrypto, keyOf } from "../fixtures/items.ts";

export const crypto: Crypto = fixtureCrypto;
export const minute: number = 60_000;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;
export const plainGraph: Uint8Array = crypto.sha256(utf8("a plain graph"));

/** A world; equal seeds give equal runs. */
export function createWorld(seed: number, options: Partial<ReplicaWorldOptions> = {}): ReplicaWorld {
  return new ReplicaWorld({ crypto, seed, ...options });
}

/** A node of a plain graph. */
export function addPlain(world: ReplicaWorld, wallOffsetMs = 0): ReplicaNode {
  const signer = keyOf(`plain ${world.nodes.length}`);
  return world.addNode({ graph: plainGraph, signer, policy: () => new OpenPolicy(), wallOffsetMs });
}

/** A world of nodes of a plain graph, each dialled by the next; all find each other. */
export function plainWorld(
  seed: number,
  count: number,
  options: Partial<ReplicaWorldOptions> = {},
): ReplicaWorld {
  const world = createWorld(seed, options);
  for (let i = 0; i < count; i++) addPlain(world);
  world.run(10);
  for (let i = 1; i < count; i++) world.connect(world.nodes[i]!, world.nodes[i - 1]!);
  settle(world);
  return world;
}

/** Runs until every node is in open channels with all others it can have, and all sets are equal. */
export function settle(
  world: ReplicaWorld,
  nodes: readonly ReplicaNode[] = world.nodes,
  maxMs: number = 5 * minute,
): void {
  const isQuiet = () =>
    nodes.every(isSynchronised) && world.areEqual(nodes) &&
    nodes.every((node) => !node.replica.snapshot().unstored);
  const settled = world.runUntil(isQuiet, maxMs);
  if (!settled) assert.fail(`the nodes did not settle:\n${nodes.map(describe).join("\n")}`);
}

/** Whether a node has a neighbor and has caught up with all of them. */
export function isSynchronised(node: ReplicaNode): boolean {
  const { neighbors } = node.replica.snapshot();
  return neighbors.length > 0 &&
    neighbors.every(({ phase, catchup, isSynchronised }) =>
      phase === "open" && catchup === "idle" && isSynchronised
    );
}

/** A line about a node, for failures. */
export function describe(node: ReplicaNode): string {
  const { neighbors, ...rest } = node.replica.snapshot();
  const links = neighbors.map((one) => `${one.peer.slice(0, 6)} ${one.phase} ${one.catchup}`).join(", ");
  return `${node.index} ${hex(node.signer.publicKey).slice(0, 6)} [${links}] ${JSON.stringify(rest)}`;
}

/** A request for a new record. */
export function addRequest(value: string, fields: Partial<AddRequest> = {}): AddRequest {
  return {
    kind: "add",
    type: "note",
    contentKind: ContentKind.text,
    data: utf8(value),
    attributes: [],
    expires: null,
    lifeMs: null,
    until: null,
    ...fields,
  };
}

/** A request for the next version of a record. */
export function updateRequest(
  record: string,
  value: string,
  fields: Partial<UpdateRequest> = {},
): UpdateRequest {
  return {
    kind: "update",
    record,
    contentKind: ContentKind.text,
    data: utf8(value),
    attributes: null,
    expires: null,
    ...fields,
  };
}

/** Adds a record and waits until it is durable; its id. */
export function add(node: ReplicaNode, value: string, fields: Partial<AddRequest> = {}): string {
  const end = node.wait(addRequest(value, fields));
  assert(end.ok && end.outcome.kind === "record", JSON.stringify(end));
  return end.outcome.record;
}

/** Makes a call that must be refused; the code. */
export function refusal(node: ReplicaNode, request: Parameters<ReplicaNode["wait"]>[0]): string {
  const end = node.wait(request);
  assert(!end.ok, "the call must fail");
  return end.code;
}

/** What a record shows at a node, as text, or `null`. */
export function valueAt(node: ReplicaNode, record: string): string | null {
  const shown = node.replica.shown(record, node.clock.now());
  return shown === null ? null : new TextDecoder().decode(shown.item.body.data);
}

/** The causes of the events about a record at a node, in order. */
export function causes(node: ReplicaNode, record: string): RecordEventCause[] {
  return node.events.flatMap((event) =>
    event.kind === "record" && event.shown.item.record === record ? [event.cause] : []
  );
}

/** Why a node was refused, in order. */
export function refusals(node: ReplicaNode): string[] {
  return node.events.flatMap((event) => event.kind === "refused" ? [event.reason] : []);
}

/** Counts what arrives from now on: items by sender and receiver, and lists of elements. */
export function countItems(world: ReplicaWorld): Map<string, number> {
  const counts = new Map<string, number>([["lists", 0]]);
  world.tap = (from, to, bytes) => {
    const message = decodeMessage(bytes);
    if (message?.type === "elements") counts.set("lists", counts.get("lists")! + 1);
    if (message?.type !== "items") return;
    const way = `${from.index}>${to.index}`;
    counts.set(way, (counts.get(way) ?? 0) + message.items.length);
  };
  return counts;
}

/** A group in a world, and what its tests do. */
export class GroupWorld {
  readonly world: ReplicaWorld;
  readonly founding: Founding;
  readonly founder: ReplicaNode;

  constructor(seed: number, options: Partial<ReplicaWorldOptions> = {}) {
    this.world = createWorld(seed, options);
    const signer = keyOf("member 0");
    const { random, clock } = this.world;
    this.founding = foundGroup(crypto, random, signer.publicKey, "Herons", clock.now().wallMs);
    this.founder = this.#addNode(null, 0);
    this.world.run(10);
    // The founding goes the way of all items: learnt, then stored.
    const { founding, credential } = this.founding;
    this.founder.replica.learn([founding, credential], null, this.founder.clock.now());
    this.founder.input({ kind: "deadline" });
    this.world.run(100);
  }

  /** A node that has this invitation. It dials nobody yet. */
  addJoiner(ticket: InvitationTicket | null, wallOffsetMs = 0): ReplicaNode {
    const node = this.#addNode(ticket, wallOffsetMs);
    this.world.run(10);
    return node;
  }

  /** The identity of a node, which stops, with an empty store and another invitation. */
  addAgain(node: ReplicaNode, ticket: InvitationTicket | null): ReplicaNode {
    node.crash();
    const again = this.#addNode(ticket, 0, node.signer);
    this.world.run(10);
    return again;
  }

  /** Writes an invitation and waits for it. */
  invite(by: ReplicaNode, fields: Partial<InvitationBody> = {}): InvitationTicket {
    const ticket = this.tryInvite(by, fields);
    assert(ticket !== null, "the invitation is written");
    return ticket;
  }

  /** Writes an invitation and waits; `null` if it is not written, or has no effect. */
  tryInvite(by: ReplicaNode, fields: Partial<InvitationBody> = {}): InvitationTicket | null {
    const seed = this.world.random.bytes(32);
    const body: InvitationBody = {
      kind: ItemKind.invitation,
      bearer: crypto.ed25519.publicKey(seed),
      joinersMax: 1,
      roles: RoleBit.member,
      expires: by.clock.now().wallMs + 7 * day,
      discovery: null,
      ...fields,
    };
    const end = by.wait({ kind: "issue", bodies: [body], lists: [] });
    if (!end.ok || end.outcome.kind !== "issued") return null;
    return { group: this.founding.group, invitation: end.outcome.items[0]!.hash, seed, endpoints: [] };
  }

  /** A member that joined by an invitation of the founder, over a link to the founder. */
  join(fields: Partial<InvitationBody> = {}, wallOffsetMs = 0): ReplicaNode {
    const node = this.addJoiner(this.invite(this.founder, fields), wallOffsetMs);
    this.world.connect(node, this.founder);
    const joined = this.world.runUntil(() => isMember(node) && isSynchronised(node), minute);
    assert(joined, `a joiner gets in and catches up:\n${[node, this.founder].map(describe).join("\n")}`);
    return node;
  }

  /** Removes a member and waits until that is durable. */
  remove(by: ReplicaNode, subject: ReplicaNode, undoSince: number | null = null): void {
    this.#await(by, this.startRemove(by, subject, undoSince));
  }

  /** Begins to remove a member; the call. */
  startRemove(by: ReplicaNode, subject: ReplicaNode, undoSince: number | null): number {
    const { policy, set } = by.replica;
    const ending = removalOf(crypto, policy as Membership, set, subject.signer.publicKey, undoSince);
    return by.call({ kind: "issue", ...ending });
  }

  /** Lets a member leave and waits until that is durable. */
  leave(node: ReplicaNode): void {
    this.#await(node, this.startLeave(node));
  }

  /** Begins to leave; the call. */
  startLeave(node: ReplicaNode): number {
    const { policy, set } = node.replica;
    return node.call({ kind: "issue", ...leaveOf(crypto, policy as Membership, set, node.signer.publicKey) });
  }

  #await(node: ReplicaNode, call: number): void {
    assert(this.world.runUntil(() => node.ends.has(call), minute));
    const end = node.ends.get(call)!;
    assert(end.ok, JSON.stringify(end));
  }

  #addNode(
    ticket: InvitationTicket | null,
    wallOffsetMs: number,
    signer: Signer = keyOf(`member ${this.world.nodes.length}`),
  ): ReplicaNode {
    const { group } = this.founding;
    const policy = (random: Random) => new Membership({ group, crypto, random, ticket });
    return this.world.addNode({ graph: group, signer, policy, wallOffsetMs });
  }
}

/** Whether a node is a member by what another, or itself, knows. */
export function isMember(node: ReplicaNode, by: ReplicaNode = node): boolean {
  return by.replica.policy.mayConnect(node.signer.publicKey);
}

/**
 * A node that speaks the protocol of graphs without its rules. It has valid keys, and what it holds besides
 * is the test's choice: nothing (a stranger), an invitation, a member's or an admin's credential, one that
 * was ended. It makes any item and says any message, on links to a real {@linkcode Replica} in a world of
 * replicas; the {@linkcode Target} keeps all that the replica says and does in return.
 */

import { hex, utf8 } from "../../../lib/base/bytes.ts";
import type { Effect, LinkId } from "../../../lib/graph/machine.ts";
import {
  type ContactHint,
  decodeMessage,
  encodeMessage,
  type GraphMessage,
  graphProtocolVersion,
} from "../../../lib/graph/messages.ts";
import type { Membership } from "../../../lib/groups/membership.ts";
import {
  type AuthorityBody,
  type DataBody,
  type ItemHead,
  ItemKind,
  type RecordHead,
  type SignedItem,
  type VersionBody,
} from "../../../lib/records/item.ts";
import type { ReplicaNode } from "../../../lib/sim/replica_node.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import { bytesOf, signedItem, versionBody } from "../../fixtures/items.ts";

/** Anything with bytes: an item, or what looks like one. */
export interface Given {
  readonly bytes: Uint8Array;
}

/** A real node that is attacked: links to it that no other node is behind, and all that it says and does. */
export class Target {
  readonly node: ReplicaNode;
  readonly sent: Map<LinkId, GraphMessage[]> = new Map();
  readonly parted: Map<LinkId, string> = new Map();
  readonly dials: { readonly atMs: number; readonly contact: ContactHint }[] = [];
  /** Bytes that it sent on links of the kit. */
  bytesOut = 0;
  /** Commits that it asked its store for. */
  commits = 0;
  /** Whether what it sends is read: only then are its links writable again. */
  isRead = true;
  /** Called when it ended a link. */
  onParted: () => void = () => {};
  #link = 1_000_000;

  constructor(node: ReplicaNode) {
    this.node = node;
    const { replica } = node;
    const handle = replica.handle.bind(replica);
    replica.handle = (input, now) => {
      const effects = handle(input, now);
      for (const effect of effects) this.#see(effect, now.monoMs);
      return effects;
    };
  }

  /** A link of somebody with this key. */
  link(signer: Signer, dialled = false): HostileLink {
    const link = ++this.#link;
    const peer = signer.publicKey;
    const place = { address: "198.51.100.1", isLoopback: false, endpoint: null };
    this.sent.set(link, []);
    this.node.input({ kind: "linkUp", link, peer, dialled, ...place });
    return new HostileLink(this, link, signer);
  }

  /** All that is on its disk, by key. */
  disk(): Map<string, string> {
    return new Map([...this.node.disk.entries].map(([key, { value }]) => [key, hex(value)]));
  }

  #see(effect: Effect, atMs: number): void {
    if (effect.kind === "connect") this.dials.push({ atMs, contact: effect.contact });
    if (effect.kind === "store") this.commits++;
    if (effect.kind === "send") {
      for (const link of effect.links) this.#onSent(link, effect.bytes);
    }
    if (effect.kind !== "disconnect" || !this.sent.has(effect.link)) return;
    const { link, reason } = effect;
    this.parted.set(link, reason);
    this.node.world.clock.set(0, () => {
      this.node.input({ kind: "linkDown", link, reason: "closed here" });
      this.onParted();
    });
  }

  #onSent(link: LinkId, bytes: Uint8Array): void {
    const messages = this.sent.get(link);
    if (messages === undefined) return;
    messages.push(decodeMessage(bytes)!);
    this.bytesOut += bytes.length;
    if (!this.isRead) return;
    this.node.world.clock.set(1, () => this.node.input({ kind: "writable", link }));
  }
}

/** One such link, seen from its far end. */
export class HostileLink {
  readonly target: Target;
  readonly link: LinkId;
  readonly signer: Signer;

  constructor(target: Target, link: LinkId, signer: Signer) {
    this.target = target;
    this.link = link;
    this.signer = signer;
  }

  /** Says a message. */
  say(message: GraphMessage): void {
    this.sayBytes(encodeMessage(message));
  }

  /** Says any bytes. */
  sayBytes(bytes: Uint8Array): void {
    this.target.node.input({ kind: "frame", link: this.link, bytes });
  }

  /** Greets, with items that show something, and with a clock that is off. */
  greet(items: readonly Given[] = [], aheadMs = 0): void {
    const wallMs = this.target.node.clock.now().wallMs + aheadMs;
    const version = graphProtocolVersion;
    this.say({ type: "greet", version, wallMs, items: items.map(({ bytes }) => bytes) });
  }

  /** Brings items, as many in one message as are given. */
  give(...items: readonly Given[]): void {
    this.say({ type: "items", items: items.map(({ bytes }) => bytes) });
  }

  /** What it was told, of one type, in order. */
  heard<T extends GraphMessage["type"]>(type: T): (GraphMessage & { type: T })[] {
    const messages = this.target.sent.get(this.link)!;
    return messages.filter((message): message is GraphMessage & { type: T } => message.type === type);
  }

  /** All that it was told, in order. */
  get told(): readonly GraphMessage[] {
    return this.target.sent.get(this.link)!;
  }

  /** Why the target ended this link, if it did. */
  get end(): string | undefined {
    return this.target.parted.get(this.link);
  }

  /** Vanishes. */
  leave(): void {
    this.target.node.input({ kind: "linkDown", link: this.link, reason: "reset" });
  }
}

/** Somebody who makes items as it likes: its keys are valid, and nothing else need be. */
export class HostileNode {
  readonly signer: Signer;
  readonly graph: Uint8Array;
  /** What it claims to act under, unless an item says otherwise; `null` in a plain graph. */
  readonly credential: Uint8Array | null;
  /** When its items say that they were made. */
  at: number;
  #seq = 0;
  #records = 0;

  constructor(signer: Signer, graph: Uint8Array, credential: Uint8Array | null, at: number) {
    this.signer = signer;
    this.graph = graph;
    this.credential = credential;
    this.at = at;
  }

  /** Takes over who a node is, with the credential that another knows it by. The node should have stopped. */
  static of(node: ReplicaNode, knownTo: ReplicaNode): HostileNode {
    const policy = knownTo.replica.policy as Membership;
    const { graph } = knownTo.replica;
    const standing = policy.standings?.(hex(node.signer.publicKey))[0];
    const at = knownTo.clock.now().wallMs;
    return new HostileNode(node.signer, graph, standing?.item.hash ?? null, at);
  }

  /** Who it is, in hex. */
  get lineage(): string {
    return hex(this.signer.publicKey);
  }

  /** Any item; it has a number of its own unless the head says otherwise. */
  make<B extends DataBody | AuthorityBody>(body: B, head: Partial<ItemHead> = {}): SignedItem<B> {
    const writer = this.signer.publicKey.subarray(0, 8);
    const { at, credential } = this;
    const seq = head.seq ?? ++this.#seq;
    return signedItem(this.signer, this.graph, body, { credential, writer, at, ...head, seq });
  }

  /** A record of its own, that ends a day after `at`. */
  record(fields: Partial<RecordHead> = {}): RecordHead {
    const nonce = bytesOf(`${this.lineage} record ${this.#records++}`).slice(0, 16);
    const creator = this.signer.publicKey;
    return { type: "note", creator, created: this.at, until: this.at + 86_400_000, nonce, ...fields };
  }

  /** A version of a record, with a text as its value. */
  version(
    value: string,
    record: RecordHead = this.record(),
    fields: Partial<VersionBody> = {},
    head: Partial<ItemHead> = {},
  ): SignedItem<VersionBody> {
    return this.make({ ...versionBody(record), data: utf8(value), ...fields }, head);
  }

  /** The delete of a record. */
  delete(record: RecordHead, head: Partial<ItemHead> = {}): SignedItem<DataBody> {
    return this.make<DataBody>({ kind: ItemKind.delete, ...record }, head);
  }

  /** An open channel to a target that knows it for a member (or of a plain graph). */
  enter(target: Target): HostileLink {
    const link = target.link(this.signer);
    link.greet();
    return link;
  }
}

/** The item with a byte of its signature changed. */
export function spoiled({ bytes }: Given): Given {
  return { bytes: bytes.with(-1, bytes.at(-1)! ^ 1) };
}

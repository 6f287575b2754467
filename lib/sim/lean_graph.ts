/**
 * Graphs of ten thousand nodes in one process: replicas whose messages travel by reference, with stand-ins
 * for cryptography. Nodes join by the protocol, each by one that is there; the graph finds its links itself.
 */

import { utf8 } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { pick } from "../base/random.ts";
import { graphMessageBytesMax } from "../graph/limits.ts";
import type { AddRequest, ReplicaEvent } from "../graph/machine.ts";
import { type GraphMessage, messageFields } from "../graph/messages.ts";
import { OpenPolicy } from "../graph/policy.ts";
import { CodecWire, type GraphWire } from "../graph/wire.ts";
import { ContentKind, type Item } from "../records/item.ts";
import type { ParsedItem } from "../records/item_codec.ts";
import type { Value } from "../wire/codec.ts";
import type { Signer } from "../wire/envelope.ts";
import { createLightCrypto, lightDigest } from "./light_crypto.ts";
import type { ReplicaNode } from "./replica_node.ts";
import { ReplicaWorld } from "./replica_world.ts";

/** What a graph is like. */
export interface LeanGraphOptions {
  /** Equal seeds give equal runs; 1 by default. */
  readonly seed?: number;
  /** Time that a message takes, in whole milliseconds; 5 to 60 by default. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** Whether messages and items are encoded after all, to compare; `false` by default. */
  readonly isEncoded?: boolean;
}

/** How records spread. */
export interface SpreadReport {
  readonly records: number;
  /** Records that became visible at a node that did not write them. */
  readonly deliveries: number;
  /** Copies of items that nodes got and had already, for each delivery. */
  readonly duplicatesMean: number;
  /** Virtual milliseconds from the writing until a node had it: half of the deliveries, nearly all, all. */
  readonly deliveryMs: { readonly half: number; readonly most: number; readonly all: number };
  /** Whether all nodes hold all records. */
  readonly isEverywhere: boolean;
}

/** One graph. */
export class LeanGraph {
  readonly world: ReplicaWorld;
  readonly #crypto: Crypto = createLightCrypto(lightDigest);
  readonly #graph: Uint8Array = this.#crypto.sha256(utf8("lean graph"));
  readonly #wire: GraphWire;
  /** Copies of items that arrived. */
  #copies = 0;
  /** When each record was first seen, at its writer, and how long it took to each other node. */
  readonly #writtenMs = new Map<string, number>();
  #deliveriesMs: number[] = [];

  constructor(options: LeanGraphOptions = {}) {
    const { isEncoded, latencyMs, ...world } = options;
    this.world = new ReplicaWorld({
      ...world,
      crypto: this.#crypto,
      latencyMs: latencyMs ?? [5, 60],
      keepsDisks: false,
    });
    const codec = new CodecWire(this.#crypto, this.#graph);
    this.#wire = isEncoded ? codec : new LeanGraphWire(codec);
    this.world.tap = (_from, _to, bytes) => this.#onFrame(bytes);
    this.world.watch = (_node, event) => this.#onEvent(event);
  }

  /** All nodes. */
  get nodes(): readonly ReplicaNode[] {
    return this.world.nodes;
  }

  /**
   * Lets nodes join, one each `everyMs`, each by one that is there; then waits until they have found neighbors.
   * `onJoined` is told how many are there, after each.
   */
  join(count: number, everyMs = 20, onJoined: (nodes: number) => void = () => {}): void {
    const { world } = this;
    const options = { graph: this.#graph, policy: () => new OpenPolicy(), wire: this.#wire };
    for (let i = 0; i < count; i++) {
      const known = world.nodes.length === 0 ? null : pick(world.random, world.nodes);
      const node = world.addNode({ ...options, signer: this.#signer() });
      world.run(everyMs);
      if (known !== null) world.connect(node, known);
      onJoined(world.nodes.length);
    }
    world.run(settleMs);
  }

  /** Writes records, one each `everyMs`, each at a node drawn by chance, and waits until all nodes hold all. */
  spread(records: number, everyMs = 100): SpreadReport {
    const { world, nodes } = this;
    const copies = this.#copies;
    const count = nodes[0]!.replica.set.data.count + records;
    this.#deliveriesMs = [];
    for (let i = 0; i < records; i++) {
      pick(world.random, nodes).call(recordOf(i));
      world.run(everyMs);
    }
    const isEverywhere = () => nodes.every(({ replica }) => replica.set.data.count === count);
    for (let waitedMs = 0; waitedMs < spreadMsMax && !isEverywhere(); waitedMs += 1_000) world.run(1_000);
    const sorted = this.#deliveriesMs.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    return {
      records,
      deliveries: sorted.length,
      duplicatesMean: (this.#copies - copies - sorted.length) / sorted.length,
      deliveryMs: { half: at(0.5), most: at(0.999), all: at(1) },
      isEverywhere: isEverywhere(),
    };
  }

  #onFrame(bytes: Uint8Array): void {
    const message = this.#wire.decode(bytes);
    if (message?.type === "items") this.#copies += message.items.length;
  }

  #onEvent(event: ReplicaEvent): void {
    if (event.kind !== "record" || event.cause !== "added") return;
    const { record } = event.shown.item;
    const { monoMs } = this.world.clock.now();
    const writtenMs = this.#writtenMs.get(record);
    if (writtenMs === undefined) this.#writtenMs.set(record, monoMs);
    else this.#deliveriesMs.push(monoMs - writtenMs);
  }

  #signer(): Signer {
    const { ed25519 } = this.#crypto;
    const seed = this.world.random.bytes(32);
    return { publicKey: ed25519.publicKey(seed), sign: (message) => ed25519.sign(seed, message) };
  }
}

/**
 * Messages and items by reference: an item is taken apart and its signature checked once, after which its
 * bytes stand for it. Bytes that no replica here made go through the codec.
 */
class LeanGraphWire implements GraphWire {
  readonly #codec: GraphWire;
  readonly #items = new WeakMap<Uint8Array, ParsedItem>();
  readonly #signed = new WeakMap<Item, boolean>();

  constructor(codec: GraphWire) {
    this.#codec = codec;
  }

  encode(message: GraphMessage): Uint8Array {
    return new Parcel(message);
  }

  decode(bytes: Uint8Array): GraphMessage | null {
    return bytes instanceof Parcel ? bytes.message : this.#codec.decode(bytes);
  }

  itemIdOf(bytes: Uint8Array): string | null {
    const parsed = this.parseItem(bytes);
    return parsed.ok && parsed.item.head !== null ? parsed.item.id : this.#codec.itemIdOf(bytes);
  }

  parseItem(bytes: Uint8Array): ParsedItem {
    let parsed = this.#items.get(bytes);
    if (parsed === undefined) this.#items.set(bytes, parsed = this.#codec.parseItem(bytes));
    return parsed;
  }

  verifyItem(item: Item): boolean {
    let isSigned = this.#signed.get(item);
    if (isSigned === undefined) this.#signed.set(item, isSigned = this.#codec.verifyItem(item));
    return isSigned;
  }
}

/** Zeros in place of a message, of its length, and the message that they stand for. */
class Parcel extends Uint8Array {
  readonly message: GraphMessage;

  constructor(message: GraphMessage) {
    super(zeros, 0, encodedBytes(messageFields(message)));
    this.message = message;
  }

  /** A copy is bytes and nothing more. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }
}

/** Bytes of a value in CBOR. */
function encodedBytes(value: Value): number {
  if (typeof value === "number") return headBytes(value < 0 ? -1 - value : value);
  if (typeof value === "string") return headBytes(utf8(value).length) + utf8(value).length;
  if (value instanceof Uint8Array) return headBytes(value.length) + value.length;
  if (!Array.isArray(value)) return 1;
  let bytes = headBytes(value.length);
  for (const element of value as readonly Value[]) bytes += encodedBytes(element);
  return bytes;
}

/** Bytes of a number, or of the head of a list or string of that length. */
function headBytes(value: number): number {
  if (value < 24) return 1;
  if (value < 2 ** 8) return 2;
  if (value < 2 ** 16) return 3;
  return value < 2 ** 32 ? 5 : 9;
}

function recordOf(index: number): AddRequest {
  const data = utf8(`record ${index}`);
  const ends = { expires: null, lifeMs: null, until: null };
  return { kind: "add", type: "note", contentKind: ContentKind.text, data, attributes: [], ...ends };
}

const zeros = new ArrayBuffer(graphMessageBytesMax);

/** What newcomers need to find their neighbors, with room. */
const settleMs = 30_000;

/** The longest that a record is waited for: two pauses between catch-ups. */
const spreadMsMax = 120_000;

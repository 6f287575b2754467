/**
 * A stranger who dials a whole peer, shakes hands well or badly, and says anything: messages of links and
 * of graphs, altered ones, frames that are none, bytes. The peer serves a graph to an honest peer meanwhile.
 */

import assert from "node:assert/strict";
import { fromBase32 } from "../../lib/base/base32.ts";
import { concat, utf8 } from "../../lib/base/bytes.ts";
import { below, pick, type SeededRandom } from "../../lib/base/random.ts";
import { encodeMessage } from "../../lib/graph/messages.ts";
import { linksMax } from "../../lib/peer/limits.ts";
import { channelTag, encodeLinkMessage, type LinkMessage } from "../../lib/peer/link_messages.ts";
import type { Graph } from "../../lib/peer/surface.ts";
import { createFakeKem } from "../../lib/sim/fake_kem.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { keyOf, signedItem, versionBody } from "../fixtures/items.ts";
import { DiskWorld, type Machine } from "../sim/disk_world.ts";
import { type Node, readTree, writeTree } from "./cbor_tree.ts";
import { blindly } from "./mutators.ts";
import { RawLink } from "./raw_link.ts";
import { mutateTree } from "./tree_mutators.ts";

/** A peer under attack. */
export class LinkAttack {
  readonly world: DiskWorld;
  readonly victim: Machine;
  readonly graphs: readonly [Graph, Graph];
  /** Everything said: a message, a frame, a handshake. */
  steps = 0;
  /** Handshakes that were done, and channels that stood. */
  shakes = 0;
  channels = 0;
  readonly #random: SeededRandom;
  readonly #graphId: Uint8Array;
  readonly #trees: Node[] = [];
  #sessions = 0;

  static async start(seed: number): Promise<LinkAttack> {
    const world = new DiskWorld({ seed, crypto });
    const [victim, honest] = [await world.open(), await world.open()];
    const ours = await world.within(victim.peer.graphs.create());
    const theirs = await world.within(
      honest.peer.graphs.open(ours.id, { endpoints: [`${victim.host}:4000`] }),
    );
    return new LinkAttack(world, victim, [ours, theirs]);
  }

  private constructor(world: DiskWorld, victim: Machine, graphs: readonly [Graph, Graph]) {
    this.world = world;
    this.#random = world.random;
    this.victim = victim;
    this.graphs = graphs;
    this.#graphId = fromBase32(graphs[0].id)!;
  }

  /** One stranger's visit, up to its end or `count` moves. */
  async session(count: number): Promise<void> {
    const link = await this.#dial();
    this.steps++;
    if (link !== null) {
      this.shakes++;
      const visit = new Visit(
        this.#random,
        link,
        this.#graphId,
        keyOf(`visitor ${this.#sessions}`, crypto),
        this.#trees,
      );
      for (let i = 0; i < count && !link.isEnded; i++) {
        visit.move(this.world.clock.now().wallMs);
        this.steps++;
        if (below(this.#random, 3) === 0) await this.world.clock.run(pick(this.#random, [1, 6, 20]));
      }
      if (link.heard.some((message) => message.kind === "data")) this.channels++;
      link.close();
    }
    await this.world.clock.run(20);
    assert.ok(this.victim.peer.status().links <= linksMax);
    assert.deepEqual(this.world.logged, [], "nothing failed");
  }

  /** What each of the two writes now the other sees. */
  async serve(round: number): Promise<void> {
    for (const [i, graph] of this.graphs.entries()) {
      const record = await this.world.within(graph.records.add("note", `round ${round}`));
      const reader = this.graphs[1 - i]!;
      let isSeen = false;
      for (let tries = 0; tries < 50 && !isSeen; tries++) {
        isSeen = (await this.world.within(reader.records.get(record.id))) !== null;
        if (!isSeen) await this.world.clock.run(100);
      }
      assert.ok(isSeen, `what ${i} wrote is seen`);
    }
  }

  /** Dials and shakes hands; one visit in four alters what it says of the handshake. */
  async #dial(): Promise<RawLink | null> {
    const random = this.#random;
    const host = `10.0.${1 + (this.#sessions++ % 200)}.9`;
    const { network, clock } = this.world;
    const address = { host: this.victim.host, port: 4_000 };
    const stream = await this.world.within(
      network.streams(host).connect(address, new AbortController().signal),
    );
    const altered = below(random, 4) === 0 ? below(random, 2) : -1;
    return await this.world.within(RawLink.dial(stream, {
      crypto,
      kem: createFakeKem(crypto, random),
      random,
      signer: keyOf(`visitor ${this.#sessions}`, crypto),
      wallMs: clock.now().wallMs,
      alter: (bytes, step) => step === altered ? blindly(random, bytes, [bytes]) : bytes,
    }));
  }
}

/** What one visitor says on its link. */
class Visit {
  readonly #random: SeededRandom;
  readonly #link: RawLink;
  readonly #graphId: Uint8Array;
  readonly #signer: ReturnType<typeof keyOf>;
  readonly #trees: Node[];
  #hasGreeted = false;
  #number = 1;

  constructor(
    random: SeededRandom,
    link: RawLink,
    graphId: Uint8Array,
    signer: ReturnType<typeof keyOf>,
    trees: Node[],
  ) {
    this.#random = random;
    this.#link = link;
    this.#graphId = graphId;
    this.#signer = signer;
    this.#trees = trees;
  }

  /** The usual beginning, mostly; then anything. */
  move(wallMs: number): void {
    const random = this.#random;
    if (!this.#hasGreeted && below(random, 8) > 0) {
      this.#hasGreeted = true;
      this.#say({ kind: "hello", endpoints: [], wallMs, agent: "visitor" });
      this.#say({ kind: "open", channel: this.#number, tag: this.#tag() });
      return this.#graph(encodeMessage({ type: "greet", version: 1, wallMs, items: [] }));
    }
    const moves: readonly (() => void)[] = [
      () => this.#graph(this.#graphMessage(wallMs)),
      () => this.#graph(this.#graphMessage(wallMs)),
      () => this.#graph(this.#altered(this.#graphMessage(wallMs))),
      () => this.#graph(this.#altered(this.#graphMessage(wallMs))),
      () => this.#say(this.#message(wallMs)),
      () => this.#say(this.#message(wallMs)),
      () =>
        below(random, 4) === 0
          ? this.#link.sendMessage(this.#altered(encodeLinkMessage(this.#message(wallMs))))
          : undefined,
      () => below(random, 4) === 0 ? this.#link.sendFrame(this.#frame()) : undefined,
      () => below(random, 8) === 0 ? this.#link.sendBytes(random.bytes(1 + below(random, 64))) : undefined,
      () => this.#link.sendFrame(Uint8Array.of(below(random, 2))),
    ];
    pick(random, moves)();
  }

  #say(message: LinkMessage): void {
    this.#link.sendMessage(encodeLinkMessage(message));
  }

  #graph(bytes: Uint8Array): void {
    this.#say({ kind: "data", channel: this.#number, bytes: bytes.subarray(0, 65_000) });
  }

  #message(wallMs: number): LinkMessage {
    const random = this.#random;
    const channel = pick(random, [this.#number, this.#number + 2, 2, 4, 0, 2 ** 31 - 1]);
    return pick<() => LinkMessage>(random, [
      () => ({ kind: "ping" }),
      () => ({ kind: "pong" }),
      () => ({
        kind: "open",
        channel: this.#number += 2,
        tag: pick(random, [this.#tag(), random.bytes(16)]),
      }),
      () => below(random, 8) === 0 ? { kind: "open", channel, tag: random.bytes(16) } : { kind: "ping" },
      () => ({
        kind: "answer",
        channel: pick(random, [2, 4, channel]),
        answer: pick(random, ["ok", "unknown", "refused"]),
      }),
      () => ({ kind: "close", channel }),
      () => ({ kind: "data", channel, bytes: random.bytes(below(random, 40)) }),
      () => below(random, 8) === 0 ? { kind: "bye", reason: "closed" } : { kind: "pong" },
      () => below(random, 8) === 0 ? { kind: "hello", endpoints: [], wallMs, agent: "" } : { kind: "ping" },
    ])();
  }

  #tag(): Uint8Array {
    return channelTag(crypto, this.#graphId, this.#link.handshakeHash);
  }

  #graphMessage(wallMs: number): Uint8Array {
    const random = this.#random;
    const creator = this.#signer.publicKey;
    const record = {
      type: "note",
      creator,
      created: wallMs,
      until: wallMs + 60_000,
      nonce: random.bytes(16),
    };
    const item = () =>
      signedItem(this.#signer, this.#graphId, versionBody(record), { at: wallMs, seq: 1 + below(random, 9) })
        .bytes;
    const heard = this.#link.heard.flatMap((message) => message.kind === "data" ? [message.bytes] : []);
    const set = pick(random, [0, 1] as const);
    return pick<() => Uint8Array>(random, [
      () => encodeMessage({ type: "greet", version: 1, wallMs, items: [] }),
      () => encodeMessage({ type: "items", items: [item()] }),
      () =>
        encodeMessage({
          type: "summary",
          set,
          round: 1,
          count: below(random, 5),
          fingerprint: random.bytes(16),
          cursor: null,
        }),
      () => encodeMessage({ type: "elements", set, elements: [random.bytes(16)], last: true }),
      () => encodeMessage({ type: "want", set, elements: [random.bytes(16)], last: true }),
      () => encodeMessage({ type: "served", set, cursor: null }),
      () =>
        encodeMessage({
          type: "contacts",
          contacts: [{ peer: random.bytes(32), endpoints: ["tcp://10.9.9.9:1", "\0"] }],
        }),
      () => encodeMessage({ type: "knock", content: [0, random.bytes(32)] }),
      () => heard.length > 0 ? pick(random, heard) : encodeMessage({ type: "items", items: [] }),
    ])();
  }

  #altered(bytes: Uint8Array): Uint8Array {
    const tree = readTree(bytes);
    if (tree !== null && this.#trees.push(tree) > 64) this.#trees.shift();
    if (tree === null || below(this.#random, 4) === 0) return blindly(this.#random, bytes, [bytes]);
    return writeTree(mutateTree(this.#random, tree, this.#trees)).subarray(0, 65_000);
  }

  /** A frame's plaintext with flags and segments that hardly fit together. */
  #frame(): Uint8Array {
    const random = this.#random;
    const segment = concat(
      Uint8Array.of(pick(random, [0, 0, 1, 2]), 0, pick(random, [0, 4, 5, 255])),
      utf8("text"),
    );
    return concat(
      Uint8Array.of(pick(random, [0, 0, 1, 2, 255])),
      ...new Array<Uint8Array>(below(random, 4)).fill(segment),
    );
  }
}

/** What is tested is what is done with what strangers say, not whether they can forge. */
const crypto = createLightCrypto();

/**
 * A liar among the participants of a cloud: it has real keys, shows real tokens and answers what it is
 * asked, and says arbitrary, altered and out-of-order things between. One machine is its victim; all
 * others are honest.
 */

import assert from "node:assert/strict";
import { packAddress } from "../../lib/base/address.ts";
import { BoundedQueue } from "../../lib/base/bounded.ts";
import type { Address } from "../../lib/base/ports.ts";
import { below, pick, SeededRandom } from "../../lib/base/random.ts";
import { createContact, packHint } from "../../lib/names/contact.ts";
import { helloPacket, keyPacket, noToken, PacketType, tokenPacket } from "../../lib/names/datagram.ts";
import { classifierHash, nameKey } from "../../lib/names/id_space.ts";
import { heldMax, requestsMax, resolvesMax, tableContactsMax } from "../../lib/names/limits.ts";
import {
  encodeFound,
  encodeRequest,
  encodeResponse,
  type Message,
  type RequestBody,
} from "../../lib/names/messages.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import type { Signer } from "../../lib/wire/envelope.ts";
import { datagramBytesMax } from "../../lib/wire/limits.ts";
import { contactOf, HostileContact, ownToken } from "../hostile/kit/hostile_contact.ts";
import { contentOf, NamesWorld, resolvedOf, type SimPeer } from "../sim/names_world.ts";
import { type Node, readTree, writeTree } from "./cbor_tree.ts";
import { blindly } from "./mutators.ts";
import { mutateTree } from "./tree_mutators.ts";

/** A cloud under attack. */
export class CloudAttack {
  readonly world: NamesWorld;
  readonly victim: SimPeer;
  readonly honest: SimPeer;
  readonly random: SeededRandom;
  steps = 0;
  /** How often each move was made. */
  readonly moves: Map<string, number> = new Map();
  /** Answers that the victim gave to the liar. */
  get answers(): number {
    return this.#masks.reduce((sum, { answers }) => sum + answers.length, 0);
  }
  readonly #masks: readonly HostileContact[];
  /** Requests of the victim that are not answered yet, or not for the last time, and whom they asked. */
  readonly #asked: BoundedQueue<{ readonly by: HostileContact; readonly request: Message<RequestBody> }> =
    new BoundedQueue(64, 64, () => 1);
  readonly #recent: Uint8Array[] = [noToken];
  readonly #trees: Node[] = [];
  readonly #victimKey: Uint8Array;

  constructor(seed: number) {
    this.world = new NamesWorld({ seed, latencyMs: [5, 20], crypto: createLightCrypto() });
    this.random = new SeededRandom(seed);
    this.world.populate(4);
    this.victim = this.world.peers[1]!;
    this.honest = this.world.peers[2]!;
    this.#victimKey = contactOf(this.victim).key;
    this.#masks = Array.from({ length: 6 }, (_, i) => {
      const lie = (request: Message<RequestBody>, by: HostileContact) => this.#onAsked(request, by);
      return new HostileContact(this.world, { host: `30.${i >> 1}.1.${i}`, port: 5_000 + i }, { lie });
    });
    this.world.tap = (bytes) => {
      if (this.#recent.push(bytes) > recentMax) this.#recent.shift();
      return true;
    };
    for (const mask of this.#masks) mask.joinBy([this.victim]);
    this.world.run(2_000);
  }

  /** Makes one move and judges what the victim is then. */
  step(): void {
    const name = pick(this.random, moveNames);
    this.moves.set(name, (this.moves.get(name) ?? 0) + 1);
    this.#move(name, pick(this.random, this.#masks));
    this.steps++;
    if (this.steps % 8 === 0) this.#judge();
  }

  /** The victim still serves whoever is honest: each finds what the other publishes now. */
  serve(round: number): void {
    const both = [[this.victim, this.honest], [this.honest, this.victim]] as const;
    for (const [i, [publisher, seeker]] of both.entries()) {
      const signer = this.#signer(7 + i);
      const { publicKey: authority } = signer;
      const classifier = `served ${round} ${i}`;
      const end = publisher.wait({ kind: "register", authority, classifier, signer, content: contentOf() });
      assert.ok("result" in end, JSON.stringify(end));
      const found = seeker.wait({ kind: "resolve", authority, classifier, resultsMax: 8 });
      const publishers = resolvedOf(found).found.map(({ statement }) => statement.publisher.toHex());
      assert.deepEqual(publishers, [contactOf(publisher).keyHex], `${classifier} is found`);
      publisher.wait({ kind: "unregister", nameKey: publisher.machine.nameKeyOf(authority, classifier) });
    }
  }

  #move(name: (typeof moveNames)[number], mask: HostileContact): void {
    const { random } = this;
    switch (name) {
      case "hello":
        return this.#say(mask, helloPacket(mask.key, random.bytes(16)));
      case "request":
        return this.#request(mask, encodeRequest({ id: random.bytes(16), body: this.#body() }));
      case "altered request":
        return this.#request(
          mask,
          this.#altered(encodeRequest({ id: random.bytes(16), body: this.#body() })),
        );
      case "answer":
        return this.#answer((plaintext) => plaintext);
      case "altered answer":
        return this.#answer((plaintext) => this.#altered(plaintext));
      case "answer to nothing":
        return this.#respond(mask, this.#responseTo({ id: random.bytes(16), body: this.#body() }));
      case "key":
        return this.#tellKey(mask);
      case "token":
        return this.#tellToken(mask);
      case "replay":
        return this.#say(mask, pick(random, this.#recent));
      case "altered replay":
        return this.#say(mask, blindly(random, pick(random, this.#recent), this.#recent));
      case "time":
        return this.world.run(pick(random, [1, 5, 20, 100, 1_000, below(random, 200) === 0 ? 70_000 : 3]));
      case "call":
        return this.#call();
    }
  }

  /** The victim's own user does something. */
  #call(): void {
    const classifier = pick(this.random, classifiers);
    const { publications } = this.victim.machine.snapshot();
    if (below(this.random, 2) === 0) {
      this.victim.call({ kind: "resolve", authority: null, classifier, resultsMax: 32 });
    } else if (publications.length < 8) {
      const content = contentOf({ payload: new Uint8Array(2_000) });
      this.victim.call({ kind: "register", authority: null, classifier, signer: this.#signer(9), content });
    } else this.victim.call({ kind: "unregister", nameKey: pick(this.random, publications).nameKey });
  }

  #judge(): void {
    const snapshot = this.victim.machine.snapshot();
    assert.ok(snapshot.contacts.length <= tableContactsMax, `${snapshot.contacts.length} contacts`);
    assert.ok(
      snapshot.held <= heldMax && snapshot.requests <= requestsMax && snapshot.resolves <= resolvesMax,
    );
    assert.ok(snapshot.searches <= searchesMax, `${snapshot.searches} searches`);
    assert.ok(Object.keys(snapshot.drops).length <= 32, "reasons for a drop are few and not the liar's");
    assert.notEqual(snapshot.state, "no_network");
  }

  /** Gives the victim a datagram, now and then from another mask's address; what it says to it has a bound. */
  #say(mask: HostileContact, bytes: Uint8Array): void {
    const before = this.world.datagrams;
    const { address: from } = below(this.random, 16) === 0 ? pick(this.random, this.#masks) : mask;
    this.victim.input({ kind: "datagram", bytes, from });
    const sent = this.world.datagrams - before;
    assert.ok(sent <= sentAtOnceMax, `${sent} datagrams at once`);
  }

  #request(mask: HostileContact, plaintext: Uint8Array): void {
    const given = mask.tokenFrom(this.victim.address) ?? noToken;
    const token = pick(this.random, [given, given, given, noToken, this.random.bytes(16)]);
    this.#say(mask, mask.seal(this.#victimKey, plaintext, { token }));
  }

  #respond(mask: HostileContact, plaintext: Uint8Array): void {
    const token = pick(this.random, [ownToken, this.random.bytes(16)]);
    this.#say(mask, mask.seal(this.#victimKey, plaintext, { token, type: PacketType.response }));
  }

  /** A key for a hello that the victim sent, right or wrong, or for none. */
  #tellKey(mask: HostileContact): void {
    const { random } = this;
    const hello = mask.heard.findLast(({ packet }) => packet?.type === PacketType.hello)?.packet;
    const nonce = hello?.nonce ?? random.bytes(16);
    const key = pick(random, [mask.key, random.bytes(32), new Uint8Array(32), this.#victimKey]);
    this.#say(mask, keyPacket(nonce, key, random.bytes(16)));
  }

  #tellToken(mask: HostileContact): void {
    const request = mask.heard.findLast(({ packet }) => packet?.type === PacketType.request)?.packet;
    const nonce = request?.nonce ?? this.random.bytes(12);
    this.#say(mask, tokenPacket(nonce.subarray(0, 12), this.random.bytes(16)));
  }

  /** Who never answers leaves the table, and the play is over: half of all requests get an answer at once. */
  #onAsked(request: Message<RequestBody>, by: HostileContact): Uint8Array | null {
    this.#asked.push({ by, request });
    return below(this.random, 2) === 0 ? this.#responseTo(request) : null;
  }

  /** Answers one of the victim's requests; now and then it is kept, to be answered twice. */
  #answer(alter: (plaintext: Uint8Array) => Uint8Array): void {
    const asked = this.#asked.shift();
    if (asked === undefined) return this.world.run(1);
    if (below(this.random, 4) === 0) this.#asked.push(asked);
    this.#respond(asked.by, alter(this.#responseTo(asked.request)));
  }

  #responseTo({ id, body }: Message<RequestBody>): Uint8Array {
    const { random } = this;
    switch (below(random, 8) === 0 ? "ping" : body.kind) {
      case "ping":
        return encodeResponse({ id, body: { kind: "pong" } });
      case "store":
        return encodeResponse({ id, body: { kind: "stored", verdict: pick(random, [0, 1, 2, 3, 4]) } });
      case "inquire": {
        const registration = pick(random, [null, this.#registration()]);
        const bytes = pick(random, [
          null,
          registration === null ? new Uint8Array(1_000) : null,
          random.bytes(30),
        ]);
        return encodeResponse({ id, body: { kind: "answer", registration, bytes } });
      }
      case "find": {
        const hints = Array.from({ length: below(random, 21) }, () => this.#hint());
        const values = hints.length > 9 ? [] : Array.from({ length: below(random, 3) }, () => this.#value());
        return encodeFound(id, hints, values, pick(random, [0, values.length, 64]));
      }
    }
  }

  #value(): readonly [Uint8Array, Uint8Array] {
    const from = pick(this.random, [
      null,
      this.honest.address,
      pick(this.random, this.#masks).address,
      nowhere,
    ]);
    return [this.#registration(), from === null ? new Uint8Array(0) : packAddress(from)];
  }

  #hint(): Uint8Array {
    const { random } = this;
    const mask = pick(random, this.#masks);
    const drawn = {
      host: `40.${below(random, 250)}.${below(random, 250)}.1`,
      port: 1 + below(random, 60_000),
    };
    const key = pick(random, [mask.key, random.bytes(32), new Uint8Array(32), this.#victimKey]);
    const address = pick(random, [mask.address, drawn, this.victim.address, this.honest.address, nowhere]);
    return packHint(createContact(this.world.crypto, mask.cloud, key, [address]));
  }

  #body(): RequestBody {
    const { random } = this;
    const hash = classifierHash(this.world.crypto, pick(random, classifiers));
    const named = nameKey(this.world.crypto, this.#masks[0]!.cloud, null, hash);
    const key = pick(random, [named, named, random.bytes(32), contactOf(this.victim).id]);
    return pick<() => RequestBody>(random, [
      () => ({ kind: "ping" }),
      () => ({ kind: "find", target: key, offset: pick(random, [null, 0, 1, 32]) }),
      () => ({ kind: "store", registration: this.#registration() }),
      () => ({ kind: "inquire", nameKey: key, part: below(random, 5) }),
    ])();
  }

  #registration(): Uint8Array {
    const { random } = this;
    const signer = this.#signer(pick(random, [9, 20, 21, 22]));
    const mask = pick(random, this.#masks);
    const wallMs = Math.floor(this.world.now().wallMs);
    const endpoints = [{ transport: "tcp", address: this.honest.address }] as const;
    const payload = pick(random, [null, { digest: random.bytes(32), length: 4_096, kind: 1 as const }]);
    const comment = pick(random, ["", "\u202eabc", "ö"]);
    return mask.statement({
      signer,
      authority: pick(random, [null, signer.publicKey]),
      classifier: pick(random, classifiers),
      publisher: pick(random, [mask.key, mask.key, this.#victimKey]),
      seq: pick(random, [0, wallMs, Number.MAX_SAFE_INTEGER, below(random, 1_000)]),
      expires: pick(random, [0, wallMs + 3_600_000, wallMs + 86_400_000, Number.MAX_SAFE_INTEGER]),
      body: pick(random, [null, { endpoints, comment, payload }]),
    });
  }

  #altered(plaintext: Uint8Array): Uint8Array {
    const tree = readTree(plaintext);
    if (tree !== null && this.#trees.push(tree) > 64) this.#trees.shift();
    const isBlind = tree === null || below(this.random, 4) === 0;
    const altered = isBlind
      ? blindly(this.random, plaintext, [plaintext])
      : writeTree(mutateTree(this.random, tree, this.#trees));
    return altered.subarray(0, datagramBytesMax - sealedBytes);
  }

  #signer(byte: number): Signer {
    const { ed25519 } = this.world.crypto;
    const seed = new Uint8Array(32).fill(byte);
    return { publicKey: ed25519.publicKey(seed), sign: (message) => ed25519.sign(seed, message) };
  }
}

const moveNames = [
  ...["hello", "request", "altered request", "answer", "altered answer", "answer to nothing"] as const,
  ...["key", "token", "replay", "altered replay", "time", "call"] as const,
] as const;

const classifiers = ["a", "b", "c"];

/** Datagrams that one datagram may bring about at once: a look-up's first steps and those of its neighbors. */
const sentAtOnceMax = 64;

/** Look-ups at once: what the victim's user began, its publications' and its upkeep. */
const searchesMax = 1_100;

/** Bytes that sealing adds to a plaintext. */
const sealedBytes = 78;

const recentMax = 256;
const nowhere: Address = { host: "0.0.0.0", port: 0 };

/**
 * A liar among the members of a group: a neighbor with a credential of its own, strangers beside it and
 * joiners with a good invitation, who say valid, altered and out-of-order things to one replica. A second
 * replica is honest, and the victim goes on serving it.
 */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { below, pick, SeededRandom } from "../../lib/base/random.ts";
import {
  contactsMax,
  neighborsMax,
  peerTimeMoveMsMin,
  sendQueueBytesMax,
  strangersMax,
  tickMs,
} from "../../lib/graph/limits.ts";
import type { Input, LinkId } from "../../lib/graph/machine.ts";
import {
  decodeMessage,
  encodeMessage,
  type GraphMessage,
  GraphMessageType,
} from "../../lib/graph/messages.ts";
import type { InvitationTicket } from "../../lib/groups/invitation.ts";
import { KnockStep } from "../../lib/groups/membership.ts";
import {
  type AuthorityBody,
  ContentKind,
  type DataBody,
  isData,
  type ItemHead,
  ItemKind,
  type RecordHead,
} from "../../lib/records/item.ts";
import { createItem, createList } from "../../lib/records/item_codec.ts";
import {
  asideAuthorityItemsMax,
  asideItemsMax,
  shelfAuthorityItemsMax,
  shelfItemsMax,
  timeMsMax,
  versionMax,
} from "../../lib/records/limits.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { encode, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { admissionBody, credentialBody, keyOf, versionBody } from "../fixtures/items.ts";
import { add, crypto, GroupWorld, settle, valueAt } from "../sim/replica_fixture.ts";
import { type Node, readTree, writeTree } from "./cbor_tree.ts";
import { blindly } from "./mutators.ts";
import { mutateTree } from "./tree_mutators.ts";

/** One end that the victim believes it has a channel with. */
interface Mask {
  readonly signer: Signer;
  readonly role: "member" | "stranger" | "joiner";
  link: LinkId | null;
  /** What the victim said last, oldest first. */
  heard: Uint8Array[];
}

/** A group under attack. */
export class ReplicaAttack {
  readonly group: GroupWorld;
  readonly victim: ReplicaNode;
  readonly honest: ReplicaNode;
  readonly random: SeededRandom;
  steps = 0;
  /** How often each move was made. */
  readonly moves: Map<string, number> = new Map();
  /** How often the victim parted with a mask. */
  parted = 0;
  readonly #liar: Signer;
  readonly #credential: Uint8Array;
  readonly #ticket: InvitationTicket;
  readonly #masks: Mask[];
  readonly #frames: Uint8Array[];
  readonly #trees: Node[];
  #links = 1_000_000;
  #joiners = 0;
  #seq = 1_000;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.group = new GroupWorld(seed);
    const { world, founder } = this.group;
    const frames = new Map<string, Uint8Array>();
    world.tap = (_from, _to, bytes) => void (frames.size < 200 && frames.set(hex(bytes), bytes));
    this.victim = this.group.join();
    const member = this.group.join();
    settle(world);
    add(member, "the liar's own");
    add(this.victim, "the victim's own");
    settle(world);
    this.#ticket = this.group.invite(founder, { joinersMax: 100_000 });
    settle(world);
    this.honest = founder;
    this.#liar = member.signer;
    this.#credential = member.replica.policy.credentialOf(member.signer.publicKey)!;
    member.crash();
    this.#frames = [...frames.values()];
    this.#trees = this.#frames.flatMap((frame) => readTree(frame) ?? []);
    this.#masks = [
      this.#mask(this.#liar, "member"),
      ...Array.from({ length: 2 }, (_, i): Mask => this.#mask(keyOf(`stranger ${i}`), "stranger")),
      ...Array.from({ length: 2 }, (): Mask => this.#mask(keyOf(`joiner ${this.#joiners++}`), "joiner")),
    ];
    this.#tapLinks();
  }

  /** Makes one move and judges what the victim is then. */
  step(): void {
    const mask = below(this.random, 2) === 0 ? this.#masks[0]! : pick(this.random, this.#masks);
    if (mask.link === null) this.#connect(mask);
    const knocks = mask.role === "joiner" && below(this.random, 2) === 0;
    const name = knocks ? "knock" : pick(this.random, moveNames);
    this.moves.set(name, (this.moves.get(name) ?? 0) + 1);
    this.#move(name, mask);
    this.#letGo();
    this.steps++;
    if (this.steps % 8 === 0) this.#judge();
  }

  /** The victim still serves its honest neighbor, and is served: both see what each writes now. */
  serve(round: number): void {
    const { world } = this.group;
    for (const mask of this.#masks) this.#disconnect(mask);
    // Joiners that were let in may have been two of three that lie about the time; no longer, once it may move again.
    world.run(peerTimeMoveMsMin + tickMs);
    assert.ok(!this.victim.replica.snapshot().isClockWrong, "the clock is right again without the liars");
    if (!world.areLinked(this.victim, this.honest)) world.connect(this.honest, this.victim);
    const both = [[this.victim, this.honest], [this.honest, this.victim]] as const;
    for (const [writer, reader] of both) {
      const value = `round ${round} by ${writer.index}`;
      const record = add(writer, value);
      settle(world, [this.victim, this.honest]);
      assert.equal(valueAt(reader, record), value);
    }
    assert.deepEqual(this.victim.shown, this.honest.shown);
  }

  #mask(signer: Signer, role: Mask["role"]): Mask {
    return { signer, role, link: null, heard: [] };
  }

  /** What the victim sends to a mask is heard, and when it parts with one the link ends. */
  #tapLinks(): void {
    const { world } = this.group;
    const linkOf = world.link.bind(world);
    world.link = (id) => {
      const mask = this.#masks.find(({ link }) => link === id);
      if (id < 1_000_000) return linkOf(id);
      const end = {
        send: (_from: ReplicaNode, bytes: Uint8Array) => {
          if (mask !== undefined && mask.heard.push(bytes) > heardMax) mask.heard.shift();
        },
        close: () => {
          // As a link of the world does: who closes it is told that it is down.
          world.clock.set(0, () => this.#input({ kind: "linkDown", link: id, reason: "closed here" }));
          if (mask === undefined) return;
          mask.link = null;
          this.parted++;
        },
      };
      return end as unknown as ReturnType<typeof linkOf>;
    };
  }

  #connect(mask: Mask): void {
    mask.link = ++this.#links;
    mask.heard = [];
    const peer = mask.signer.publicKey;
    const shape = { dialled: false, address: "30.0.0.1:4000", isLoopback: false, endpoint: null };
    this.#input({ kind: "linkUp", link: mask.link, peer, ...shape });
    // Nearly always a good greeting, for only behind it there is anything to say.
    if (below(this.random, 8) > 0) this.#say(mask, encodeMessage(this.#greeting(mask)));
    if (mask.role === "member" && below(this.random, 2) === 0) this.#catchUp(mask);
  }

  /** Says that it has what the victim has, so that the first catch-up ends and the next messages are late. */
  #catchUp(mask: Mask): void {
    const { authorityItems, authorityFingerprint, dataItems, dataFingerprint } = this.victim.replica
      .snapshot();
    const sets = [[0, authorityItems, authorityFingerprint], [1, dataItems, dataFingerprint]] as const;
    for (const [set, count, text] of sets) {
      const fingerprint = Uint8Array.fromHex(text);
      this.#say(mask, encodeMessage({ type: "summary", set, round: 1, count, fingerprint, cursor: null }));
      this.#say(mask, encodeMessage({ type: "served", set, cursor: null }));
    }
  }

  #disconnect(mask: Mask): void {
    if (mask.link !== null) this.#input({ kind: "linkDown", link: mask.link, reason: "broken" });
    mask.link = null;
  }

  /** Who was let in leaves at once: what is played here is a group with one liar in it. */
  #letGo(): void {
    for (const [i, mask] of this.#masks.entries()) {
      if (mask.role !== "joiner" || !this.victim.replica.policy.mayConnect(mask.signer.publicKey)) continue;
      this.#disconnect(mask);
      this.#masks[i] = this.#mask(keyOf(`joiner ${this.#joiners++}`), "joiner");
    }
  }

  #move(name: (typeof moveNames)[number], mask: Mask): void {
    const { random } = this;
    switch (name) {
      case "greet":
        return this.#say(mask, encodeMessage(this.#greeting(mask)));
      case "items":
        return this.#say(mask, encodeMessage({ type: "items", items: this.#items() }));
      case "altered items":
        return this.#say(
          mask,
          encode([GraphMessageType.items, this.#items().map((bytes) => this.#resigned(bytes))]),
        );
      case "catch-up":
        return this.#say(mask, encodeMessage(this.#catchup(mask)));
      case "contacts":
        return this.#say(mask, encodeMessage(this.#contacts()));
      case "knock":
        return this.#say(mask, encodeMessage({ type: "knock", content: this.#knock(mask) }));
      case "refuse":
        if (below(random, 8) > 0) return this.#advance();
        return this.#say(mask, encodeMessage({ type: "refuse", reason: "removed", items: this.#items() }));
      case "echo":
        return this.#say(mask, pick(random, [...mask.heard, ...this.#frames.slice(0, 1)]));
      case "replay":
        return this.#say(mask, pick(random, this.#frames));
      case "altered replay":
        return this.#say(mask, this.#altered(pick(random, [...this.#frames, ...mask.heard])));
      case "altered":
        return this.#say(mask, this.#altered(encodeMessage(this.#message(mask))));
      case "writable":
        return mask.link === null ? undefined : this.#input({ kind: "writable", link: mask.link });
      case "link down":
        return below(random, 4) > 0 ? this.#advance() : this.#disconnect(mask);
      case "time":
        return this.#advance();
    }
  }

  #advance(): void {
    const far = below(this.random, 100) === 0 ? 70_000 : 3;
    this.group.world.run(pick(this.random, [0, 1, 5, 20, 200, far]));
  }

  #message(mask: Mask): GraphMessage {
    return pick<() => GraphMessage>(this.random, [
      () => this.#greeting(mask),
      () => ({ type: "items", items: this.#items() }),
      () => this.#catchup(mask),
      () => this.#catchup(mask),
      () => this.#contacts(),
      () => ({ type: "knock", content: this.#knock(mask) }),
    ])();
  }

  #greeting(mask: Mask): GraphMessage {
    const { random } = this;
    const { policy } = this.honest.replica;
    const proof = mask.role === "joiner"
      ? []
      : policy.proofOf(pick(random, [mask.signer, this.#liar]).publicKey);
    const items = [...proof.map(({ bytes }) => bytes), ...below(random, 16) === 0 ? this.#items() : []];
    const skew = pick(random, [0, -300_000, 300_000, 1e9]);
    return { type: "greet", version: 1, wallMs: this.victim.clock.now().wallMs + skew, items };
  }

  #catchup(mask: Mask): GraphMessage {
    const { random } = this;
    const set = pick(random, [0, 1] as const);
    const { arrival } = this.victim.replica.set;
    const known = this.#elementsHeard(mask);
    const elements = Array.from(
      { length: below(random, 12) },
      () => pick(random, [...known, random.bytes(16)]),
    );
    const element = pick(random, [...known, new Uint8Array(16)]);
    const at = pick(random, [
      0,
      1,
      arrival,
      arrival + 1,
      below(random, arrival + 1),
      Number.MAX_SAFE_INTEGER,
    ]);
    const cursor = pick(random, [null, { arrival: at, element }]);
    const last = below(random, 2) === 0;
    return pick<() => GraphMessage>(random, [
      () => ({
        ...{ type: "summary", set, round: pick(random, [0, 1, 2, 3, 4, 255]), cursor },
        ...{ count: pick(random, [0, 3, Number.MAX_SAFE_INTEGER]), fingerprint: this.#fingerprint() },
      }),
      () => ({ type: "elements", set, elements, last }),
      () => ({ type: "want", set, elements, last }),
      () => ({ type: "served", set, cursor }),
    ])();
  }

  #elementsHeard(mask: Mask): readonly Uint8Array[] {
    for (const bytes of mask.heard.toReversed()) {
      const message = decodeMessage(bytes);
      if (message?.type === "elements" || message?.type === "want") return message.elements;
    }
    return [...this.victim.replica.set.entries()].slice(0, 4).map(({ item }) => item.hash.subarray(0, 16));
  }

  #fingerprint(): Uint8Array {
    const { authorityFingerprint, dataFingerprint } = this.victim.replica.snapshot();
    const known = [authorityFingerprint, dataFingerprint].map((text) => Uint8Array.fromHex(text));
    return pick(this.random, [...known, this.random.bytes(16)]);
  }

  #contacts(): GraphMessage {
    const { random } = this;
    const endpoints = [
      "tcp://30.0.0.9:4000",
      "tcp://127.0.0.1:22",
      "udp://10.0.0.1:1",
      "",
      "\u202e",
      this.honest.endpoint,
    ];
    const contacts = Array.from({ length: below(random, 10) }, () => ({
      peer: pick(random, [
        this.#liar.publicKey,
        this.honest.signer.publicKey,
        random.bytes(32),
        this.victim.signer.publicKey,
      ]),
      endpoints: Array.from({ length: below(random, 5) }, () => pick(random, endpoints)),
    }));
    return { type: "contacts", contacts };
  }

  /** Any step of joining; a joiner's proof is good if the victim asked for it. */
  #knock(mask: Mask): Value {
    const { random } = this;
    const { group, invitation, seed } = this.#ticket;
    const bearer: Signer = {
      publicKey: crypto.ed25519.publicKey(seed),
      sign: (message) => crypto.ed25519.sign(seed, message),
    };
    const nonce = this.#nonceHeard(mask) ?? random.bytes(16);
    const joiner = mask.signer.publicKey;
    return pick<() => Value>(random, [
      () => [KnockStep.begin, invitation],
      () => [KnockStep.begin, pick(random, [random.bytes(32), this.#credential])],
      () => [KnockStep.challenge, [], nonce],
      () => [KnockStep.prove, proofOf(bearer, group, invitation, joiner, nonce)],
      () => [KnockStep.prove, admissionBody(bearer, group, invitation, joiner).proof],
      () => [KnockStep.admitted, this.#items()],
    ])();
  }

  #nonceHeard(mask: Mask): Uint8Array | null {
    for (const bytes of mask.heard.toReversed()) {
      const message = decodeMessage(bytes);
      if (message?.type !== "knock" || !Array.isArray(message.content)) continue;
      const nonce: unknown = message.content[2];
      if (nonce instanceof Uint8Array) return nonce;
    }
    return null;
  }

  /** Up to three items that the liar signs rightly, some of which nobody may write. */
  #items(): Uint8Array[] {
    return Array.from({ length: 1 + below(this.random, 3) }, () => this.#item());
  }

  #item(): Uint8Array {
    const { random } = this;
    if (below(random, 4) === 0) return pick(random, [...this.victim.replica.set.entries()]).item.bytes;
    const [list] = createList(crypto, [random.bytes(32), this.#credential]);
    if (below(random, 8) === 0) return list!.bytes;
    return createItem(crypto, this.#liar, this.#ticket.group, this.#head(), this.#body(list!.hash)).bytes;
  }

  #head(): ItemHead {
    const { random } = this;
    const { wallMs } = this.victim.clock.now();
    return {
      author: this.#liar.publicKey,
      key: null,
      writer: pick(random, [new Uint8Array(8), random.bytes(8)]),
      seq: pick(random, [1, ++this.#seq, Number.MAX_SAFE_INTEGER]),
      at: pick(random, [wallMs, wallMs, wallMs, 1, wallMs + 3_600_000, timeMsMax]),
      credential: pick(random, [
        this.#credential,
        this.#credential,
        this.#credential,
        this.#ticket.invitation,
        random.bytes(32),
      ]),
    };
  }

  #body(list: Uint8Array): DataBody | AuthorityBody {
    const { random } = this;
    const record = this.#record();
    const version = pick(random, [1, 1, 1, 2, 3, versionMax]);
    const subject =
      pick(random, [this.victim.signer, this.honest.signer, this.#liar, keyOf("stranger 0")]).publicKey;
    return pick<() => DataBody | AuthorityBody>(random, [
      () => ({
        ...versionBody(record, { version }),
        contentKind: ContentKind.text,
        data: random.bytes(8).map((b) => b & 127),
      }),
      () => ({ ...versionBody(record, { version, prev: version > 1 ? [random.bytes(8)] : [] }) }),
      () => ({ kind: ItemKind.delete, ...record }),
      () => ({ kind: ItemKind.extension, ...record, expires: record.until }),
      () => credentialBody(subject, pick(random, [1, 2, 8, 0xffff])),
      () => ({
        ...{ kind: ItemKind.invitation, bearer: keyOf("bearer").publicKey, joinersMax: 100, roles: 8 },
        ...{ expires: timeMsMax, discovery: null },
      }),
      () => ({ kind: ItemKind.removal, subject, list, closes: [this.#ticket.invitation] }),
    ])();
  }

  /** A new record, or one that somebody made. */
  #record(): RecordHead {
    const { random } = this;
    const { wallMs } = this.victim.clock.now();
    const all = below(random, 2) === 0 ? [...this.victim.replica.set.entries()] : [];
    const known = all.length > 0 ? pick(random, all).item : null;
    if (known !== null && isData(known)) {
      const { type, creator, created, until, nonce } = known.body;
      return { type, creator, created, until, nonce };
    }
    const until = wallMs + pick(random, [0, 60_000, 86_400_000, 400 * 86_400_000]);
    return {
      type: pick(random, ["note", "__proto__", "\u202e"]),
      creator: this.#liar.publicKey,
      created: wallMs,
      until,
      nonce: random.bytes(16),
    };
  }

  /** An item with its content altered, signed by the liar again. */
  #resigned(bytes: Uint8Array): Uint8Array {
    const opened = openEnvelope(bytes);
    const tree = opened.ok ? readTree(opened.payload) : null;
    if (tree === null) return blindly(this.random, bytes, this.#frames);
    const payload = writeTree(mutateTree(this.random, tree, this.#trees));
    return sealEnvelope(crypto, this.#liar, Purpose.item, this.#ticket.group, payload).subarray(0, 60_000);
  }

  #altered(bytes: Uint8Array): Uint8Array {
    const tree = readTree(bytes);
    if (tree === null || below(this.random, 4) === 0) return blindly(this.random, bytes, this.#frames);
    return writeTree(mutateTree(this.random, tree, this.#trees));
  }

  #say(mask: Mask, bytes: Uint8Array): void {
    if (mask.link !== null) this.#input({ kind: "frame", link: mask.link, bytes });
  }

  #input(input: Input): void {
    this.victim.input(input);
  }

  #judge(): void {
    const snapshot = this.victim.replica.snapshot();
    const { neighbors, aside, shelf, contacts } = snapshot;
    assert.ok(neighbors.length <= neighborsMax + strangersMax, `${neighbors.length} neighbors`);
    assert.ok(neighbors.every(({ waitingBytes }) => waitingBytes <= sendQueueBytesMax));
    assert.ok(aside <= asideItemsMax + asideAuthorityItemsMax && contacts <= contactsMax);
    assert.ok(shelf <= shelfItemsMax + shelfAuthorityItemsMax);
    assert.ok(snapshot.isLoaded && !snapshot.isClosed);
    const { policy } = this.victim.replica;
    assert.ok(policy.mayConnect(this.honest.signer.publicKey), "the founder stays");
    assert.ok(policy.mayConnect(this.victim.signer.publicKey), "no junior removes the victim");
  }
}

const moveNames = [
  ...[
    "greet",
    "items",
    "items",
    "altered items",
    "catch-up",
    "catch-up",
    "contacts",
    "knock",
    "refuse",
  ] as const,
  ...[
    "echo",
    "replay",
    "altered replay",
    "altered",
    "altered",
    "writable",
    "link down",
    "time",
    "time",
  ] as const,
] as const;

const heardMax = 32;

function proofOf(
  bearer: Signer,
  group: Uint8Array,
  invitation: Uint8Array,
  joiner: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  const statement = encode([1, invitation, bearer.publicKey, joiner, null, nonce]);
  return sealEnvelope(crypto, bearer, Purpose.admission, group, statement);
}

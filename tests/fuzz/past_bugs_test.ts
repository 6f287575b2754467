/** Bugs that others shipped (research on reliability, §7), each replayed in our form of it. */

import assert from "node:assert/strict";
import { concat, equalBytes, hex, utf8 } from "../../lib/base/bytes.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import { decodeMessage } from "../../lib/graph/messages.ts";
import { createLinkSelf, openLink } from "../../lib/peer/open_link.ts";
import { decodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { isJson } from "../../lib/records/body_codec.ts";
import { type AuthorityBody, type Item, ItemKind } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import { jsonDepthMax, timeMsMax } from "../../lib/records/limits.ts";
import { CipherState } from "../../lib/wire/cipher.ts";
import { decode, encode, isArray, isBytes, isMap, isUint, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { cborElementsMax, frameBytesMax, messageBytesMax } from "../../lib/wire/limits.ts";
import { OpenPolicy } from "../../lib/graph/policy.ts";
import { Replica } from "../../lib/graph/replica.ts";
import { tickMs } from "../../lib/graph/limits.ts";
import {
  bytesOf,
  credentialBody,
  fakeAt,
  fixtureCrypto as crypto,
  foundingBody,
  keyOf,
  recordOf,
  sampleItems,
  signedItem,
  versionBody,
} from "../fixtures/items.ts";
import { createReplica } from "../property/algebra.ts";
import { judgedAt } from "../property/histories.ts";
import { LinkWorld, ScriptedStream, signerOf } from "../unit/peer/link_world.ts";
import { changeAt, type Node, nodeAt, sizeOf, writeTree } from "./cbor_tree.ts";
import { verdictOf } from "./decoders.ts";
import { createForges, type Forge } from "./forges.ts";
import { draftPackets, type PacketKind } from "./golden_packets.ts";
import { blindly } from "./mutators.ts";
import { StepCounter } from "./step_counter.ts";
import { boundaryNumbers, oddTexts, oddValues } from "./tree_mutators.ts";

/** A forge for each shape of packet; what is sealed in a datagram is here as a request or response too. */
const forges: readonly Forge[] = [
  ...new Map(
    createForges().filter(({ origin }) => origin.kind !== "datagram").map((forge) => {
      const { origin: { kind }, tree, content } = forge;
      return [`${kind} ${tree === null ? content.length : sizeOf(tree)} ${content[1]}`, forge];
    }),
  ).values(),
];

/** The packet with each value of one sort replaced by what `replace` gives, one after the other. */
function* replaced(
  forge: Forge,
  isWanted: (node: Node) => boolean,
  replacements: readonly Node[],
): Generator<[place: number, node: Node, bytes: Uint8Array]> {
  const { tree, wrap } = forge;
  if (tree === null) return;
  for (let at = 0; at < sizeOf(tree); at++) {
    if (!isWanted(nodeAt(tree, at))) continue;
    for (const node of replacements) {
      const content = writeTree(changeAt(tree, at, () => node));
      if (!equalBytes(content, forge.content)) yield [at, node, wrap(content)];
    }
  }
}

const isNumber = (node: Node): boolean => node.kind === "number";
const numbers = (values: readonly bigint[]): Node[] => values.map((value) => ({ kind: "number", value }));
const raws = (values: readonly Uint8Array[]): Node[] => values.map((bytes) => ({ kind: "raw", bytes }));

Deno.test("[X09] [T37] R1, CVE-2026-34219: every numeric field takes every boundary, or refuses it cleanly", () => {
  let inputs = 0;
  for (const forge of forges) {
    const { origin } = forge;
    for (
      const [, node, bytes] of replaced(forge, isNumber, [...numbers(boundaryNumbers), ...raws(oddValues)])
    ) {
      const verdict = verdictOf(origin, bytes);
      inputs++;
      const isSafe = node.kind === "number" && node.value < 2n ** 53n && node.value > -(2n ** 53n);
      if (!isSafe) assert.notEqual(verdict, "ok", `${origin.kind}, ${origin.name}: ${bytes.toHex()}`);
    }
  }
  assert.ok(inputs > 5_000, `${inputs}`);
});

Deno.test("[T37] [T53] R1, CVE-2026-34219: times at the bounds make a replica wait, never spin", () => {
  const graph = bytesOf("graph");
  const signer = keyOf("alice");
  const random = new SeededRandom(1);
  const replica = new Replica({ graph, signer, policy: new OpenPolicy(), crypto, random });
  let now = { monoMs: 0, wallMs: fakeAt };
  replica.start(now);
  replica.handle({ kind: "loaded", entries: [] }, now);
  const bob = keyOf("bob");
  const ends = [
    fakeAt,
    fakeAt + 1,
    fakeAt + 2 ** 31,
    fakeAt + 2 ** 31 + 1,
    fakeAt + 2 ** 32,
    timeMsMax - 1,
    timeMsMax,
  ];
  const items = ends.flatMap((until, i) => {
    const record = recordOf(bob.publicKey, { until, nonce: bytesOf(`${i}`).subarray(0, 16) });
    const extension = { kind: ItemKind.extension, ...record, expires: until } as const;
    return [
      signedItem(bob, graph, versionBody(record, { expires: fakeAt }), { seq: 2 * i + 1 }),
      signedItem(bob, graph, extension, { seq: 2 * i + 2 }),
    ];
  });
  replica.learn(items as Item[], null, now);
  let wakes = 0;
  for (const endMs = 30 * tickMs; now.monoMs < endMs; wakes++) {
    const nextMs = replica.nextDeadline();
    assert.ok(nextMs !== null && Number.isFinite(nextMs) && nextMs >= 0, `${nextMs}`);
    const byMs = Math.max(1, nextMs - now.monoMs);
    now = { monoMs: now.monoMs + byMs, wallMs: now.wallMs + byMs };
    replica.handle({ kind: "deadline" }, now);
  }
  assert.ok(wakes <= 40, `${wakes} wakes in 30 ticks`);
});

Deno.test("[X09] [T39] R3, CVE-2026-86040: a bounded frame cannot unfold into millions of elements", async () => {
  await using counter = await StepCounter.start();
  const room = messageBytesMax - 9;
  const bodies = [0x00, 0x80, 0xa0, 0x40, 0x60, 0xf6].map((byte) => new Uint8Array(room).fill(byte));
  for (const body of bodies) {
    for (const count of [room, cborElementsMax, cborElementsMax + 1, 2 ** 24, 2 ** 32 - 1]) {
      const head = Uint8Array.of(0x9a, count >>> 24, (count >>> 16) & 255, (count >>> 8) & 255, count & 255);
      const message = concat(head, body.subarray(0, Math.min(room, count)));
      for (const read of [decode, decodeMessage, decodeLinkMessage]) {
        const { values } = await counter.count(() => void read(message));
        assert.ok(values <= cborElementsMax + 1, `${values} values`);
      }
    }
  }
});

Deno.test("[X09] [T13] R6, CVE-2026-73568 and memberlist 357: no length is believed before its bytes are there", async () => {
  await using counter = await StepCounter.start();
  const lengths = Array.from(
    { length: 64 },
    (_, k) => [2n ** BigInt(k) - 1n, 2n ** BigInt(k), 2n ** BigInt(k) + 1n],
  ).flat();
  const items = new Uint8Array(40);
  const { steps } = await counter.count(() => {
    for (const declared of lengths) {
      const head = { declared };
      const nodes: readonly Node[] = [
        { kind: "bytes", bytes: items, head },
        { kind: "text", bytes: items, head },
        { kind: "array", items: [], head },
        { kind: "map", entries: [], head },
      ];
      for (const node of nodes) {
        const bytes = writeTree(node);
        if (declared !== 40n && declared !== 0n) assert.ok(!decode(bytes).ok, bytes.toHex());
        assert.equal(decodeMessage(bytes), null);
      }
    }
  });
  assert.ok(steps < 100 * 8 * lengths.length, `${steps} steps for ${8 * lengths.length} inputs`);
});

Deno.test("[X09] [T13] R6: a frame or handshake message that is declared too long ends the link at its head", async () => {
  for (const length of [0, 1, 16, frameBytesMax + 1, 2 ** 15 - 1, 2 ** 15, 2 ** 15 + 1, 2 ** 16 - 1]) {
    const opener = new FrameOpener(crypto, bytesOf("key"));
    assert.deepEqual(
      opener.push(Uint8Array.of(length >> 8, length & 255)),
      { reject: "bad_length" },
      `${length}`,
    );
  }
  for (const length of [2_049, 2 ** 15, 2 ** 16 - 1]) {
    const world = new LinkWorld();
    const ports = world.ports("10.0.0.1");
    const stream = new ScriptedStream([Uint8Array.of(1, length >> 8, length & 255)], "wait");
    const opening = openLink(stream, { role: "accept" }, ports, createLinkSelf(ports, signerOf(1)));
    // No time passes: it is not waited for what was announced.
    assert.deepEqual(await opening, { ok: false, reason: "bad_handshake" });
    world.network.close();
    assert.equal(world.clock.timerCount, 0);
  }
});

Deno.test("[X09] [T7] R8, memberlist 368 and quinn 2026-0037: arrays that are too short or too long are refused", () => {
  for (const { origin, tree, wrap } of forges) {
    if (tree?.kind !== "array" || verdictOf(origin, wrap(writeTree(tree))) !== "ok") continue;
    const filler: Node = { kind: "number", value: 0n };
    for (let length = 0; length <= tree.items.length + 2; length++) {
      if (length === tree.items.length) continue;
      const items = [...tree.items, filler, filler].slice(0, length);
      const verdict = verdictOf(origin, wrap(writeTree({ ...tree, items })));
      assert.notEqual(verdict, "ok", `${origin.kind}, ${origin.name}: ${length} fields`);
    }
  }
});

Deno.test("[T37] R11, quinn 2026-0340: a least that lies above its most is refused, or lets nobody do anything", () => {
  const { items, group } = sampleItems();
  const alice = keyOf("alice");
  const key = keyOf("group key");
  const verdict = (body: AuthorityBody, credential: Uint8Array | null) => {
    const scope = body.kind === ItemKind.founding ? new Uint8Array(0) : group;
    const parsed = parseItem(crypto, group, signedItem(key, scope, body, { credential }).bytes);
    return parsed.ok ? "ok" : parsed.reason;
  };
  const life = { recordLifeMs: 10, recordSpanMsMax: 9 };
  assert.equal(verdict(foundingBody(alice.publicKey, life), null), "out_of_bounds");
  for (const depthMax of [0, 25]) {
    assert.equal(verdict(foundingBody(alice.publicKey, { depthMax }), null), "out_of_bounds");
  }
  for (const [created, until, expires] of [[2, 1, 1], [2, 3, 1], [2, 3, 4]] as const) {
    const record = recordOf(key.publicKey, { created, until });
    assert.equal(
      verdict({ ...versionBody(record, { expires }) } as unknown as AuthorityBody, null),
      "out_of_bounds",
    );
  }
  // A credential that ends before it begins is well-formed: under it nobody is let in, at any time.
  const [dave, eve] = [keyOf("dave"), keyOf("eve")];
  const times = [fakeAt - 1, fakeAt, fakeAt + 5_000, fakeAt + 9_000, fakeAt + 9_001];
  for (
    const [isTurned, notBefore, notAfter] of [[true, fakeAt + 9_000, fakeAt], [
      false,
      fakeAt,
      fakeAt + 9_000,
    ]] as const
  ) {
    const body = credentialBody(dave.publicKey, RoleBit.admin, notBefore, notAfter);
    const credential = items.get("root")!.hash;
    const given = signedItem(alice, group, body, { seq: 77, credential });
    const letIn = times.map((at, i) =>
      signedItem(dave, group, credentialBody(eve.publicKey, RoleBit.member), {
        seq: i + 1,
        at,
        credential: given.hash,
      })
    );
    const replica = createReplica(group);
    replica.set.add([...items.values(), given], judgedAt);
    const opened = letIn.map((item) => {
      replica.set.add([item], judgedAt);
      return replica.policy!.member(hex(eve.publicKey)) !== null;
    });
    // The second of each pair of tests shows that the first may fail: the right way round it lets eve in.
    assert.deepEqual(opened, isTurned ? times.map(() => false) : [false, true, true, true, true]);
  }
});

Deno.test("[X09] [T39] R13, CVE-2025-64702: parsers written by hand take exactly what the codec takes", () => {
  const random = new SeededRandom(13);
  const packets = draftPackets();
  const data = packets.filter(({ kind, name }) => kind === "link message" && name.startsWith("data")).map((
    { bytes },
  ) => bytes);
  const envelopes = packets.filter(({ kind }) => kind === "envelope" || kind === "link proof").map((
    { bytes },
  ) => bytes);
  let taken = 0;
  for (let i = 0; i < 8_000; i++) {
    const message = blindly(random, data[i % data.length]!, data);
    const decoded = decodeLinkMessage(message);
    if (message[0] === 0x83 && message[1] === 6) {
      assert.equal(decoded.ok, isDataByCodec(message), message.toHex());
      if (decoded.ok) taken++;
    }
    const sealed = blindly(random, envelopes[i % envelopes.length]!, envelopes);
    assert.equal(openEnvelope(sealed).ok, isEnvelopeByCodec(sealed), sealed.toHex());
    if (openEnvelope(sealed).ok) taken++;
  }
  assert.ok(taken > 500, `${taken}`);
});

function isDataByCodec(message: Uint8Array): boolean {
  const decoded = decode(message);
  if (!decoded.ok || !isArray(decoded.value, 3)) return false;
  return isUint(decoded.value[1], 2 ** 31 - 1) && isBytes(decoded.value[2]);
}

function isEnvelopeByCodec(bytes: Uint8Array): boolean {
  const decoded = bytes[0] === 1 ? decode(bytes.subarray(1)) : null;
  if (decoded?.ok !== true || !isArray(decoded.value, 4)) return false;
  const [header, other, payload, signature] = decoded.value;
  const isFixed = isBytes(header) && equalBytes(header, Uint8Array.of(0xa1, 1, 0x32)) && isMap(other) &&
    other.size === 0;
  return isFixed && isBytes(payload) && isBytes(signature, 64);
}

Deno.test("[X09] [T6] R14, snow and Go Noise: garbage moves no nonce and no key", () => {
  const key = bytesOf("key");
  const [sealer, opener] = [new CipherState(crypto.aead, key), new CipherState(crypto.aead, key)];
  const random = new SeededRandom(14);
  const none = new Uint8Array(0);
  for (let i = 0; i < 80; i++) {
    const sealed = sealer.seal(none, utf8(`message ${i}`));
    for (let j = 0; j < 20; j++) {
      const garbage = blindly(random, sealed, [sealed]);
      if (!equalBytes(garbage, sealed)) assert.equal(opener.open(none, garbage), null);
    }
    assert.deepEqual(opener.open(none, sealed), utf8(`message ${i}`));
    if (i % 20 === 19) {
      sealer.rekey();
      opener.rekey();
    }
  }
});

Deno.test("[X09] [T6] R14: a link that was sent garbage takes nothing more, not even what is rightly sealed", () => {
  const key = bytesOf("key");
  const sealer = new FrameSealer(crypto, key);
  const [first, second] = [sealer.seal([utf8("first")]), sealer.seal([utf8("second")])];
  const opener = new FrameOpener(crypto, key);
  assert.deepEqual(opener.push(first), { messages: [utf8("first")] });
  assert.deepEqual(opener.push(second.with(-1, second.at(-1)! ^ 1)), { reject: "bad_tag" });
  assert.deepEqual(opener.push(second), { reject: "bad_tag" });
});

Deno.test("[X09] [T13] R16, CVE-2021-21404: nothing counts below zero", () => {
  const negative = numbers([-1n, -2n, -256n, -(2n ** 31n), -(2n ** 53n) + 1n]);
  let inputs = 0;
  for (const forge of forges) {
    const { origin } = forge;
    for (const [at, , bytes] of replaced(forge, isNumber, negative)) {
      inputs++;
      if (verdictOf(origin, bytes) !== "ok") continue;
      // A number of a user's own may be negative, and knocks are read by the policy: no step is negative.
      const isOwn = origin.kind === "item" && /version|another's/.test(origin.name);
      assert.ok(
        isOwn || origin.name.startsWith("knock"),
        `${origin.kind}, ${origin.name}, place ${at}: ${bytes.toHex()}`,
      );
    }
  }
  assert.ok(inputs > 500, `${inputs}`);
});

Deno.test("[X09] [T52] [T88] R34, CVE-2026-55517: odd texts are refused, or are text that anybody can write out again", () => {
  const isText = (node: Node) => node.kind === "text";
  const texts: Node[] = oddTexts.map((bytes) => ({ kind: "text", bytes }));
  const taken = new Map<PacketKind, number>();
  for (const forge of forges) {
    const { origin } = forge;
    for (const [, node, bytes] of replaced(forge, isText, texts)) {
      const verdict = verdictOf(origin, bytes);
      if (verdict !== "ok" || !("bytes" in node)) continue;
      taken.set(origin.kind, (taken.get(origin.kind) ?? 0) + 1);
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(node.bytes);
      assert.ok(text.isWellFormed() && text.normalize("NFC") === text && !text.startsWith("\ufeff"));
      assert.equal(JSON.parse(JSON.stringify(text)), text);
    }
  }
  assert.ok(taken.size >= 3, [...taken].join("; "));
});

Deno.test("[X09] [T39] [T89] R41, CBOR and JSON readers of others: depth of 12,000 and 100,000 ends at the limit", async () => {
  await using counter = await StepCounter.start();
  for (const depth of [12_000, 100_000]) {
    for (const opening of [[0x81], [0xa1, 0x00], [0x9f], [0xbf], [0xc0], [0x5f], [0x7f]]) {
      const bytes = Uint8Array.from(
        { length: depth * opening.length },
        (_, i) => opening[i % opening.length]!,
      );
      for (const bytesMax of [messageBytesMax, bytes.length]) {
        const { steps } = await counter.count(() => assert.ok(!decode(bytes, { bytesMax }).ok));
        assert.ok(steps < 500, `${steps} steps`);
      }
    }
    for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
      assert.ok(!isJson(open.repeat(depth)));
      assert.ok(!isJson(`${open.repeat(depth)}1${close.repeat(depth)}`));
    }
  }
  assert.ok(isJson("[".repeat(jsonDepthMax) + "]".repeat(jsonDepthMax)));
});

Deno.test("[X09] [T39] [T89] R41: huge counts and maps of many keys take steps in proportion to their bytes", async () => {
  await using counter = await StepCounter.start();
  const mapOf = (size: number, key: (i: number) => number | string): Uint8Array =>
    encode(new Map<number | string, Value>(Array.from({ length: size }, (_, i) => [key(i), 0])));
  for (const key of [(i: number) => i, (i: number) => -1 - i, (i: number) => `k${i}`]) {
    const [small, large] = [mapOf(900, key), mapOf(7_200, key)];
    const first = await counter.count(() => void decode(small));
    const second = await counter.count(() => void decode(large));
    assert.ok(second.steps <= 10 * first.steps, `${first.steps} steps, then ${second.steps}`);
  }
  for (
    const head of [
      "9b7fffffffffffffff",
      "bb7fffffffffffffff",
      "9bffffffffffffffff",
      "9affffffff",
      "baffffffff",
    ]
  ) {
    const { steps } = await counter.count(() => assert.ok(!decode(Uint8Array.fromHex(head)).ok));
    assert.ok(steps < 100, `${steps} steps`);
  }
});

Deno.test("[X09] [T88] no packet reaches a prototype, whatever its keys and texts are called", () => {
  const names = ["__proto__", "constructor", "prototype"];
  const poison: Node = {
    kind: "map",
    entries: names.map((name) => [{ kind: "text", bytes: utf8(name) }, { kind: "number", value: 1n }]),
  };
  const inherited = Object.getOwnPropertyDescriptor(Object.prototype, "__proto__")!;
  const before = Reflect.ownKeys(Object.prototype);
  let sets = 0;
  Object.defineProperty(Object.prototype, "__proto__", {
    configurable: true,
    get: inherited.get!,
    set(value: unknown) {
      sets++;
      inherited.set!.call(this, value);
    },
  });
  try {
    const texts: Node[] = names.map((name) => ({ kind: "text", bytes: utf8(name) }));
    for (const forge of forges) {
      for (const [, , bytes] of replaced(forge, () => true, [poison, ...texts])) {
        verdictOf(forge.origin, bytes);
      }
    }
  } finally {
    Object.defineProperty(Object.prototype, "__proto__", inherited);
  }
  assert.equal(sets, 0, "nothing is set by that name");
  assert.deepEqual(Reflect.ownKeys(Object.prototype), before);
});

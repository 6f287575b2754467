import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, hex, utf8 } from "../../../lib/base/bytes.ts";
import { isJson } from "../../../lib/records/body_codec.ts";
import {
  aheadMsMax,
  jsonDepthMax,
  recordTypeBytesMax,
  spanMsMax,
  timeMsMax,
} from "../../../lib/records/limits.ts";
import { ContentKind, type Item, ItemKind, type VersionBody } from "../../../lib/records/item.ts";
import {
  createList,
  isRecordType,
  parseItem,
  recordId,
  verifyItem,
} from "../../../lib/records/item_codec.ts";
import { encode, type Value } from "../../../lib/wire/codec.ts";
import { sealEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";
import {
  admissionBody,
  bytesOf,
  credentialBody,
  fakeAt,
  fixtureCrypto as crypto,
  foundingBody,
  hashFrom,
  keyOf,
  recordOf,
  sampleItems,
  signedItem,
  versionBody,
} from "../../fixtures/items.ts";

const graph = bytesOf("graph");
const alice = keyOf("alice");
const bob = keyOf("bob");
const record = recordOf(alice.publicKey);

/** What a receiver makes of bytes: the item, or why there is none. */
function receive(bytes: Uint8Array, inGraph: Uint8Array = graph): Item | string {
  const parsed = parseItem(crypto, inGraph, bytes);
  if (!parsed.ok) return parsed.reason;
  return verifyItem(crypto, inGraph, parsed.item) ? parsed.item : "signature does not hold";
}

/** What a receiver makes of a version by Alice with these fields. */
function receiveVersion(fields: Partial<VersionBody>): string {
  const received = receive(signedItem(alice, graph, { ...versionBody(record), ...fields }).bytes);
  return typeof received === "string" ? received : "ok";
}

Deno.test("[R01] a version of a record arrives with all that its author and the engine set", () => {
  const item = signedItem(alice, graph, versionBody(record, { expires: fakeAt + 5 }), { seq: 7 });
  assert.deepEqual(receive(item.bytes), item);
  assert.equal(item.record, hex(recordId(crypto, graph, record)));
});

Deno.test("[R16] a record's id is 16 bytes over graph, creator, type, times and nonce", () => {
  const { type, creator, created, until, nonce } = record;
  const fields = encode(["kith/record-id/1", graph, creator, type, created, until, nonce]);
  assert.deepEqual(recordId(crypto, graph, record), crypto.sha256(fields).subarray(0, 16));
});

Deno.test("[R16] another creator, type, time, nonce or graph makes another record", () => {
  const ids = [
    record,
    { ...record, creator: bob.publicKey },
    { ...record, type: "notes" },
    { ...record, created: record.created + 1 },
    { ...record, until: record.until + 1 },
    { ...record, nonce: new Uint8Array(16).fill(1) },
  ].map((head) => hex(recordId(crypto, graph, head)));
  ids.push(hex(recordId(crypto, bytesOf("another graph"), record)));
  assert.equal(new Set(ids).size, 7);
});

Deno.test("[R16] [S15] nobody begins a record in another's name", () => {
  const forged = signedItem(bob, graph, versionBody(record));
  assert.equal(receive(forged.bytes), "wrong_id");
});

Deno.test("[R03] version 1 builds on nothing", () => {
  assert.equal(receiveVersion({ prev: [new Uint8Array(8)] }), "wrong_id");
});

Deno.test("[S15] an item signed by another key than its author's does not hold", () => {
  const item = signedItem(alice, graph, versionBody(record));
  const payload = item.bytes.subarray(9, item.bytes.length - 66);
  assert.deepEqual(crypto.sha256(payload), item.hash);
  const forged = sealEnvelope(crypto, bob, Purpose.item, graph, payload);
  assert.equal(receive(forged), "signature does not hold");
});

Deno.test("[S15] an altered record does not hold", () => {
  const item = signedItem(alice, graph, { ...versionBody(record), data: utf8("heron") });
  const altered = item.bytes.slice();
  const at = altered.findLastIndex((_, i) => hex(altered.subarray(i, i + 5)) === hex(utf8("heron")));
  altered.set(utf8("egret"), at);
  assert.equal(receive(altered), "signature does not hold");
});

Deno.test("[S15] an item of one graph does not hold in another", () => {
  const item = signedItem(alice, graph, versionBody(record));
  assert.equal(receive(item.bytes, bytesOf("another graph")), "signature does not hold");
});

Deno.test("a founding item holds in any graph: its own id is its hash", () => {
  const item = signedItem(alice, new Uint8Array(0), foundingBody(bob.publicKey));
  assert.deepEqual(receive(item.bytes), item);
  assert.deepEqual(receive(item.bytes, item.hash), item);
});

Deno.test("a founding item under a credential is refused", () => {
  const item = signedItem(alice, new Uint8Array(0), foundingBody(bob.publicKey), { credential: graph });
  assert.equal(receive(item.bytes), "bad_shape");
});

Deno.test("every other authority item without a credential is refused", () => {
  const { items, group, signerOf } = sampleItems();
  for (const [name, item] of items) {
    if (item.body.kind <= ItemKind.founding || item.body.kind === ItemKind.list) continue;
    const bare = signedItem(signerOf(item), group, item.body, { ...item.head!, credential: null });
    assert.equal(receive(bare.bytes, group), "bad_shape", name);
  }
});

Deno.test("[R21] the types that begin with kith. are reserved", () => {
  assert.equal(receiveVersion({ type: "kith.presence" }), "out_of_bounds");
});

Deno.test("[R21] isRecordType() takes short texts in composed form that are not reserved", () => {
  const types = ["note", "é", "e\u0301", "", "kith.x", "kith", "a".repeat(128), "a".repeat(129), "\ud800"];
  assert.deepEqual(
    types.map((type) => isRecordType(type, recordTypeBytesMax)),
    [true, true, false, false, false, true, true, false, false],
  );
});

Deno.test("[R01] a type is needed, and may have 128 bytes", () => {
  assert.equal(receiveVersion({ type: "" }), "out_of_bounds");
  assert.equal(receiveVersion({ type: "a".repeat(128) }), "ok");
  assert.equal(receiveVersion({ type: "a".repeat(129) }), "out_of_bounds");
});

Deno.test("[R01] a record expires between its creation and its end", () => {
  assert.equal(receiveVersion({ expires: record.created - 1 }), "out_of_bounds");
  assert.equal(receiveVersion({ expires: record.created }), "ok");
  assert.equal(receiveVersion({ expires: record.until }), "ok");
  assert.equal(receiveVersion({ expires: record.until + 1 }), "out_of_bounds");
});

Deno.test("an extension ends between the record's creation and its end", () => {
  const reasons = [record.created - 1, record.created, record.until, record.until + 1].map((expires) =>
    typeof receive(signedItem(alice, graph, { kind: ItemKind.extension, ...record, expires }).bytes)
  );
  assert.deepEqual(reasons, ["string", "object", "object", "string"]);
});

Deno.test("[R03] versions count from 1 to 2^31", () => {
  assert.equal(receiveVersion({ version: 0 }), "out_of_bounds");
  assert.equal(receiveVersion({ version: 2 ** 31 }), "ok");
  assert.equal(receiveVersion({ version: 2 ** 31 + 1 }), "out_of_bounds");
});

Deno.test("[R09] a value over 48 KiB is refused", () => {
  assert.equal(receiveVersion({ data: new Uint8Array(49_152) }), "ok");
  assert.equal(receiveVersion({ data: new Uint8Array(49_153) }), "out_of_bounds");
});

Deno.test("[R09] bytes over the size of an item are not even decoded", () => {
  assert.equal(receive(new Uint8Array(61_001).fill(1)), "too_large");
});

Deno.test("a value is what its content kind says", () => {
  const { text, json } = ContentKind;
  assert.equal(receiveVersion({ contentKind: text, data: utf8("é") }), "ok");
  assert.equal(receiveVersion({ contentKind: text, data: Uint8Array.of(255) }), "out_of_bounds");
  assert.equal(receiveVersion({ contentKind: json, data: utf8("[1]") }), "ok");
  assert.equal(receiveVersion({ contentKind: json, data: utf8("[1") }), "out_of_bounds");
});

Deno.test("[R08] attributes have short names that are not reserved, and may repeat", () => {
  assert.equal(receiveVersion({ attributes: [["a", 1], ["a", "b"]] }), "ok");
  assert.equal(receiveVersion({ attributes: [["", 1]] }), "out_of_bounds");
  assert.equal(receiveVersion({ attributes: [["a".repeat(40), 1]] }), "ok");
  assert.equal(receiveVersion({ attributes: [["a".repeat(41), 1]] }), "out_of_bounds");
  assert.equal(receiveVersion({ attributes: [["kith.key", 1]] }), "out_of_bounds");
});

Deno.test("[R08] attributes are bounded in value, number and total", () => {
  const named = (count: number, value: string) =>
    Array.from({ length: count }, (_, i): [string, string] => [`a${i}`, value]);
  assert.equal(receiveVersion({ attributes: [["a", "x".repeat(1024)]] }), "ok");
  assert.equal(receiveVersion({ attributes: [["a", "x".repeat(1025)]] }), "out_of_bounds");
  assert.equal(receiveVersion({ attributes: named(64, "") }), "ok");
  assert.equal(receiveVersion({ attributes: named(65, "") }), "out_of_bounds");
  assert.equal(receiveVersion({ attributes: named(9, "x".repeat(1000)) }), "out_of_bounds");
});

Deno.test("a key of small order is nobody", () => {
  const payload: Value = [ItemKind.delete, new Uint8Array(32), null, new Uint8Array(8), 1, 1, null, []];
  const bytes = sealEnvelope(crypto, alice, Purpose.item, graph, encode(payload));
  assert.equal(receive(bytes), "bad_key");
});

Deno.test("fields of later versions are refused as reserved", () => {
  const { items, group } = sampleItems();
  const head = { author: alice.publicKey, key: null, writer: new Uint8Array(8), seq: 1, at: 1 };
  const fields = (kind: number, key: Value, body: Value): Value => [
    kind,
    head.author,
    key,
    head.writer,
    head.seq,
    head.at,
    items.get("root")!.hash,
    body,
  ];
  const seal = (payload: Value) => sealEnvelope(crypto, alice, Purpose.item, group, encode(payload));
  const later = [
    fields(ItemKind.leave, bob.publicKey, [hashFrom(1)]),
    ...[22, 23, 24, 25, 26].map((kind) => fields(kind, null, [])),
    fields(ItemKind.invitation, null, [bob.publicKey, 1, 8, 1, hashFrom(1)]),
  ];
  assert.deepEqual(later.map((payload) => receive(seal(payload), group)), later.map(() => "reserved"));
  assert.equal(receive(seal(fields(27, null, [])), group), "unknown_kind");
});

Deno.test("an admission whose bearer did not sign it is refused before its invitation is known", () => {
  const proof = admissionBody(keyOf("bearer"), graph, hashFrom(1), bob.publicKey);
  const good = signedItem(alice, graph, proof, { credential: hashFrom(2) });
  const altered = { ...proof, proof: proof.proof.with(proof.proof.length - 40, 0) };
  const bad = signedItem(alice, graph, altered, { credential: hashFrom(2) });
  assert.deepEqual(receive(good.bytes), good);
  assert.equal(receive(bad.bytes), "bad_signature");
});

Deno.test("an admission for another group is refused", () => {
  const proof = admissionBody(keyOf("bearer"), bytesOf("another group"), hashFrom(1), bob.publicKey);
  const item = signedItem(alice, graph, proof, { credential: hashFrom(2) });
  assert.equal(receive(item.bytes), "bad_signature");
});

Deno.test("a credential holds from and until whole seconds, or for ever", () => {
  for (const [from, until] of [[null, null], [5_000, null], [null, 9_000], [5_000, 9_000]] as const) {
    const body = credentialBody(bob.publicKey, 8, from, until);
    const item = signedItem(alice, graph, body, { credential: hashFrom(1) });
    assert.deepEqual(receive(item.bytes), item);
  }
});

Deno.test("createList() sorts hashes, names each once and is empty for none", () => {
  const [part, ...others] = createList(crypto, [hashFrom(2), hashFrom(1), hashFrom(2)]);
  assert.deepEqual(part!.body, { kind: ItemKind.list, hashes: [hashFrom(1), hashFrom(2)], next: null });
  assert.deepEqual(others, []);
  assert.deepEqual(receive(part!.bytes), part);
  assert.deepEqual(createList(crypto, []).map(({ body }) => body.hashes), [[]]);
});

Deno.test("createList() puts what does not fit one part into the next, and each names its follower", () => {
  const hashes = Array.from({ length: 3601 }, (_, i) => bytesOf(`${i}`));
  const parts = createList(crypto, hashes);
  assert.deepEqual(parts.map(({ body }) => body.hashes.length), [1790, 1790, 21]);
  assert.deepEqual(parts.map(({ body }) => body.next), [parts[1]!.hash, parts[2]!.hash, null]);
  for (const part of parts) assert.deepEqual(receive(part.bytes), part);
  const told = parts.flatMap(({ body }) => body.hashes.map(hex));
  assert.equal(told.join(), hashes.map(hex).sort().join());
});

Deno.test("a list out of order, with doubles, or too long is refused", () => {
  const list = (hashes: Uint8Array[]) =>
    receive(concat(Uint8Array.of(2), encode([ItemKind.list, hashes, null])));
  const many = Array.from({ length: 1791 }, (_, i) => bytesOf(`${i}`)).sort((a, b) =>
    hex(a) < hex(b) ? -1 : 1
  );
  assert.equal(list([hashFrom(2), hashFrom(1)]), "not_canonical");
  assert.equal(list([hashFrom(1), hashFrom(1)]), "not_canonical");
  assert.equal(list([new Uint8Array(31)]), "bad_shape");
  assert.equal(list(many), "out_of_bounds");
  assert.equal(typeof list(many.slice(1)), "object");
});

Deno.test("bytes of no format are refused", () => {
  assert.deepEqual([[], [0], [3, 1], [255]].map((bytes) => receive(Uint8Array.from(bytes))), [
    "unknown_format",
    "unknown_format",
    "unknown_format",
    "unknown_format",
  ]);
});

/** Why bytes of these fields under a head of this time are no item, or "ok". */
function receiveFields(
  kind: number,
  at: number,
  fields: Value,
  credential: Uint8Array | null = null,
): string {
  const payload: Value = [kind, alice.publicKey, null, new Uint8Array(8), 1, at, credential, fields];
  const received = receive(sealEnvelope(crypto, alice, Purpose.item, graph, encode(payload)));
  return typeof received === "string" ? received : "ok";
}

Deno.test("a time beyond what a Date can hold is refused in every field that names one", () => {
  const over = timeMsMax + 1;
  const last = { ...record, created: timeMsMax, until: timeMsMax };
  const version = (head: typeof record, at: number) =>
    receive(signedItem(alice, graph, versionBody(head), { at }).bytes);
  assert.equal(typeof version(last, timeMsMax), "object", "the last moment is one");
  assert.equal(version(record, over), "bad_shape");
  const heads = [{ ...last, until: over }, { ...last, created: over, until: over }];
  for (const head of heads) {
    const bodies = [
      versionBody(head, { expires: timeMsMax }),
      { kind: ItemKind.delete, ...head },
      { kind: ItemKind.extension, ...head, expires: timeMsMax },
    ];
    for (const body of bodies) {
      const { bytes } = signedItem(alice, graph, body, { at: timeMsMax });
      assert.equal(receive(bytes), "out_of_bounds", `${body.kind} ${head.created}`);
    }
  }
  const extension = { kind: ItemKind.extension, ...last, expires: over };
  assert.equal(receive(signedItem(alice, graph, extension, { at: timeMsMax }).bytes), "out_of_bounds");
  assert.equal(
    receive(signedItem(alice, graph, versionBody(last, { expires: over }), { at: timeMsMax }).bytes),
    "out_of_bounds",
  );
  const invitation = (expires: number) =>
    receiveFields(ItemKind.invitation, fakeAt, [bob.publicKey, 1, 8, expires, null], hashFrom(1));
  assert.deepEqual([invitation(timeMsMax), invitation(over)], ["ok", "bad_shape"]);
  const credential = (from: number | null, until: number | null) => {
    const body = credentialBody(bob.publicKey, 8, from, until);
    const received = receive(signedItem(alice, graph, body, { credential: hashFrom(1) }).bytes);
    return typeof received === "string" ? received : "ok";
  };
  const seconds = timeMsMax + 1_000;
  assert.deepEqual([credential(null, timeMsMax), credential(timeMsMax, null)], ["ok", "ok"]);
  assert.deepEqual([credential(null, seconds), credential(seconds, null)], [
    "out_of_bounds",
    "out_of_bounds",
  ]);
});

Deno.test("a record is not written before it was created, but for what clocks may differ", () => {
  const { created } = record;
  const bodies = [
    versionBody(record),
    { kind: ItemKind.delete, ...record },
    { kind: ItemKind.extension, ...record, expires: record.until },
  ];
  for (const body of bodies) {
    const reasons = [created - aheadMsMax, created - aheadMsMax - 1].map((at) => {
      const received = receive(signedItem(alice, graph, body, { at }).bytes);
      return typeof received === "string" ? received : "ok";
    });
    assert.deepEqual(reasons, ["ok", "out_of_bounds"], `kind ${body.kind}`);
  }
});

Deno.test("a founding item allows records no longer span than a moment can be reached by", () => {
  const founding = (recordSpanMsMax: number) =>
    receive(signedItem(alice, new Uint8Array(0), foundingBody(bob.publicKey, { recordSpanMsMax })).bytes);
  assert.equal(typeof founding(spanMsMax), "object");
  assert.equal(founding(spanMsMax + 1), "out_of_bounds");
  const lives = foundingBody(bob.publicKey, { recordSpanMsMax: timeMsMax, recordLifeMs: timeMsMax });
  assert.equal(receive(signedItem(alice, new Uint8Array(0), lives).bytes), "out_of_bounds");
});

Deno.test("JSON nested 64 deep is a value, deeper is not, however deep", () => {
  const receiveJson = (text: string) => receiveVersion({ contentKind: ContentKind.json, data: utf8(text) });
  const nested = (depth: number, open: string, inner: string, close: string) =>
    receiveJson(open.repeat(depth - 1) + inner + close.repeat(depth - 1));
  for (const [open, inner, close] of [["[", "[]", "]"], ['{"a":', "{}", "}"]] as const) {
    const reasons = [jsonDepthMax, jsonDepthMax + 1, 8_000].map((depth) => nested(depth, open, inner, close));
    assert.deepEqual(reasons, ["ok", "out_of_bounds", "out_of_bounds"]);
  }
  assert.equal(nested(24_000, "[", "[]", "]"), "out_of_bounds");
  assert.equal(receiveJson("[".repeat(48_000)), "out_of_bounds");
  for (const inner of ["[]", "{}", '{"a":[]}']) {
    const beside = `[${`${inner},`.repeat(100)}${inner}]`;
    assert.equal(receiveJson(beside), "ok", "brackets beside each other are not depth");
  }
});

/** How deep a value nests: a list of numbers is one. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce((most: number, part) => Math.max(most, depthOf(part)), 0);
}

Deno.test("isJson() counts the depth of any JSON right, brackets and escapes in its texts or not", () => {
  const text = fc.string({ unit: fc.constantFrom("[", "]", "{", "}", '"', "\\", "a", "\n", "é", "\ud800") });
  const { value: tree } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(text, fc.integer(), fc.constant(null)),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(text, tie("value"), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.nat(jsonDepthMax + 3), fc.constantFrom(0, 1), (value, wraps, space) => {
      let whole: unknown = value;
      for (let i = 0; i < wraps; i++) whole = i % 2 === 0 ? [whole] : { '\\"[{': whole };
      const isTaken = depthOf(whole) <= jsonDepthMax;
      assert.equal(isJson(JSON.stringify(whole, null, space)), isTaken);
    }),
    { seed: 64, numRuns: 500 },
  );
});

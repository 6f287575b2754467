/**
 * Bytes that are almost items. Each is refused by a typed rejection or by its signature, none throws,
 * and the set stands as before. What an evil author signs well is an item, and must be read as one.
 */

import assert from "node:assert/strict";
import { concat, equalBytes, hex } from "../../lib/base/bytes.ts";
import { pick, SeededRandom } from "../../lib/base/random.ts";
import type { Item } from "../../lib/records/item.ts";
import { ItemKind } from "../../lib/records/item.ts";
import { parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import { decode, encode, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { fixtureCrypto as crypto, keyOf, sampleItems } from "../fixtures/items.ts";
import { blindly, cuts, flips } from "../fuzz/mutators.ts";
import { createReplica, stateBytes } from "./algebra.ts";
import { judgedAt } from "./histories.ts";

const samples = sampleItems();
const { group } = samples;
const noScope = new Uint8Array(0);
const rejections = new Set([
  "too_large",
  "unknown_format",
  "not_canonical",
  "bad_shape",
  "unknown_kind",
  "reserved",
  "out_of_bounds",
  "bad_key",
  "wrong_id",
  "bad_signature",
]);
let inputs = 0;

/** What a peer makes of bytes from the wire. Counts them, and refuses any reason that is not known. */
function receive(bytes: Uint8Array): Item | string {
  inputs++;
  const parsed = parseItem(crypto, group, bytes);
  if (parsed.ok) return verifyItem(crypto, group, parsed.item) ? parsed.item : "signature does not hold";
  assert.ok(rejections.has(parsed.reason), parsed.reason);
  return parsed.reason;
}

/** Runs a test with a set that holds the samples, and compares its state afterwards. */
function withSet(run: (receiveInto: (bytes: Uint8Array, what: string) => void) => void): void {
  const replica = createReplica(group);
  replica.set.add([...samples.items.values()], judgedAt);
  const before = stateBytes(replica);
  run((bytes, what) => {
    const received = receive(bytes);
    if (typeof received === "string") return;
    // Lists are unsigned: other hashes are another list, which nothing names.
    assert.equal(received.body.kind, ItemKind.list, what);
    assert.equal(received.id, hex(crypto.sha256(bytes.subarray(1))), what);
  });
  assert.deepEqual(stateBytes(replica), before);
}

function signedSamples(): [string, Item][] {
  return [...samples.items].filter(([, item]) => item.body.kind !== ItemKind.list);
}

function scopeOf(item: Item): Uint8Array {
  return item.body.kind === ItemKind.founding ? noScope : group;
}

function payloadOf(item: Item): Uint8Array {
  const envelope = openEnvelope(item.bytes);
  assert.ok(envelope.ok);
  return envelope.payload;
}

function fieldsOf(item: Item): readonly Value[] {
  const decoded = decode(payloadOf(item));
  assert.ok(decoded.ok);
  return decoded.value as readonly Value[];
}

function seal(item: Item, payload: Uint8Array, signer: Signer = samples.signerOf(item)): Uint8Array {
  return sealEnvelope(crypto, signer, Purpose.item, scopeOf(item), payload);
}

/** The same envelope around another payload: what somebody can make who has no key. */
function graft(item: Item, payload: Uint8Array): Uint8Array {
  const foreign = seal(item, payload, keyOf("nobody"));
  return concat(foreign.subarray(0, foreign.length - 64), item.bytes.subarray(item.bytes.length - 64));
}

Deno.test("[X09] [S15] every truncation and every flipped bit of every item is refused", () => {
  withSet((receiveInto) => {
    for (const [name, { bytes }] of samples.items) {
      for (const cut of cuts(bytes)) receiveInto(cut, `${name} cut to ${cut.length}`);
      for (const flipped of flips(bytes)) receiveInto(flipped, `${name}: ${hex(flipped)}`);
    }
  });
});

Deno.test("[X09] bytes inserted, removed, doubled and overwritten at random are refused", () => {
  const seed = 20_261;
  const random = new SeededRandom(seed);
  const all = [...samples.items.values()].map(({ bytes }) => bytes);
  withSet((receiveInto) => {
    for (let i = 0; i < 50_000; i++) {
      const mutated = blindly(random, pick(random, all), all);
      if (all.some((bytes) => equalBytes(bytes, mutated))) continue;
      receiveInto(mutated, `seed ${seed}, input ${i}`);
    }
  });
});

// What stands in for a field: every type, and the numbers and lengths around every bound.
const strangeValues: readonly Value[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  2 ** 31,
  2 ** 31 + 1,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  "",
  "kith.x",
  "a".repeat(1025),
  new Uint8Array(0),
  new Uint8Array(8),
  new Uint8Array(31).fill(7),
  new Uint8Array(32),
  keyOf("mallory").publicKey,
  new Uint8Array(32).fill(255),
  new Uint8Array(33),
  new Uint8Array(50_000),
  [],
  [[]],
  Array.from({ length: 9 }, () => new Uint8Array(8)),
  Array.from({ length: 65 }, (_, i) => new Uint8Array(32).fill(i)),
  Array.from({ length: 65 }, (_, i): Value => [`a${i}`, i]),
  Array.from({ length: 1801 }, (_, i) => new Uint8Array(32).fill(i)),
  new Map<number, Value>(),
  new Map<number, Value>([[8, 1]]),
];

/** The value with each of its parts replaced by each strange value, left out, or doubled. */
function* variants(value: Value): IterableIterator<Value> {
  yield* strangeValues;
  if (Array.isArray(value)) {
    const list = value as readonly Value[];
    for (const [i, part] of list.entries()) {
      for (const other of variants(part)) yield list.with(i, other);
      yield list.toSpliced(i, 1);
      yield list.toSpliced(i, 0, part);
    }
  } else if (value instanceof Map) {
    for (const [key, part] of value as ReadonlyMap<number, Value>) {
      for (const other of variants(part)) yield new Map([...value, [key, other]]);
      yield new Map([...value].filter(([other]) => other !== key));
      yield new Map([...value, [key - 1, part]]);
    }
  }
}

function variantsOf(item: Item): Uint8Array[] {
  const payload = payloadOf(item);
  return [...variants(fieldsOf(item))].map(encode).filter((other) => !equalBytes(other, payload));
}

Deno.test("[X09] [S15] a strange value in any field is refused under an old signature and under a wrong key", () => {
  withSet((receiveInto) => {
    for (const [name, item] of signedSamples()) {
      for (const payload of variantsOf(item)) {
        receiveInto(graft(item, payload), name);
        receiveInto(seal(item, payload, keyOf("nobody")), name);
      }
    }
  });
});

Deno.test("[X09] what an evil author signs is refused, or is an item that reads and judges as any other", () => {
  for (const [name, item] of signedSamples()) {
    const replica = createReplica(group);
    replica.set.add([...samples.items.values()], judgedAt);
    for (const payload of variantsOf(item)) {
      const bytes = seal(item, payload);
      const received = receive(bytes);
      if (typeof received === "string") continue;
      assert.equal(received.id, hex(crypto.sha256(payload)), name);
      assert.deepEqual(parseItem(crypto, group, bytes), { ok: true, item: received }, name);
      replica.set.add([received], judgedAt);
    }
    stateBytes(replica);
  }
});

Deno.test("[X09] a strange value in what a bearer key signs is refused", () => {
  const item = samples.items.get("admission")!;
  assert.ok(item.body.kind === ItemKind.admission);
  const { proof } = item.body;
  const envelope = openEnvelope(proof);
  const decoded = envelope.ok ? decode(envelope.payload) : envelope;
  assert.ok(decoded.ok && "value" in decoded);
  const fields = fieldsOf(item);
  let taken = 0;
  for (const statement of variants(decoded.value)) {
    const signed = encode(statement);
    for (const signer of ["bearer", "carol"]) {
      const other = sealEnvelope(crypto, keyOf(signer), Purpose.admission, group, signed);
      if (equalBytes(other, proof)) continue;
      const received = receive(seal(item, encode(fields.with(7, [other]))));
      if (typeof received === "string") continue;
      // Other bytes of the right kind, signed by the bearer that they name: an admission of its own.
      assert.equal(signer, "bearer");
      taken++;
    }
  }
  assert.ok(taken > 0 && taken < 20, `${taken} statements were well-formed`);
});

Deno.test("[X09] payloads that are not in the one form are refused, even if their author signed them", () => {
  for (const [name, item] of signedSamples()) {
    const payload = payloadOf(item);
    const [, ...rest] = payload;
    const forms = [
      Uint8Array.of(0x98, 8, ...rest), // the length in a byte of its own
      Uint8Array.of(0x9f, ...rest, 0xff), // no length
      Uint8Array.of(0xc0, ...payload), // a tag
      Uint8Array.of(...payload, 0), // something behind it
      Uint8Array.of(0x88, 0x18, ...rest), // the kind in two bytes
      Uint8Array.of(0x88, 0xf9, 0x3c, 0, ...rest.slice(1)), // the kind as a float
      payload.subarray(1),
      noScope,
    ];
    for (const form of forms) {
      const reason = receive(seal(item, form));
      assert.ok(reason === "not_canonical" || reason === "bad_shape", `${name}: ${reason}`);
    }
  }
});

Deno.test("[X09] unsorted and doubled claims are refused, even if their author signed them", () => {
  const item = samples.items.get("credential")!;
  const payload = payloadOf(item);
  const claims = encode(fieldsOf(item)[7]!);
  const head = payload.subarray(0, payload.length - claims.length);
  const exp = claims.subarray(1, 5);
  const nbf = claims.subarray(5, 9);
  assert.equal(hex(concat(claims.subarray(0, 1), exp, nbf)), "a40419271005" + "1903e8");
  const rest = claims.subarray(9);
  for (const other of [[nbf, exp], [exp, exp]]) {
    const bytes = seal(item, concat(head, claims.subarray(0, 1), ...other, rest));
    assert.equal(receive(bytes), "not_canonical");
  }
});

Deno.test("[S15] an item signed for another purpose or another graph does not hold", () => {
  for (const [name, item] of signedSamples()) {
    const payload = payloadOf(item);
    const signer = samples.signerOf(item);
    for (const purpose of Object.values(Purpose)) {
      for (const scope of [noScope, group, new Uint8Array(32), signer.publicKey]) {
        if (purpose === Purpose.item && equalBytes(scope, scopeOf(item))) continue;
        const bytes = sealEnvelope(crypto, signer, purpose, scope, payload);
        assert.equal(receive(bytes), "signature does not hold", `${name}: ${purpose}`);
      }
    }
  }
});

Deno.test("[X09] at least 80,000 inputs were tried", () => {
  assert.ok(inputs >= 80_000, `${inputs}`);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, equalBytes } from "../../lib/base/bytes.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { decode, encode, isArray, isMap, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer, verifyEnvelope } from "../../lib/wire/envelope.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { blindly } from "../fuzz/mutators.ts";

const crypto = createCrypto();
const seed = 1;
const key = new Uint8Array(32).fill(7);
const scope = new Uint8Array(32).fill(1);
const signer: Signer = {
  publicKey: crypto.ed25519.publicKey(key),
  sign: (message) => crypto.ed25519.sign(key, message),
};

const bytesOf = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => new Uint8Array(array));
const text = fc.string({ unit: "grapheme", maxLength: 40 })
  .map((drawn) => drawn.normalize("NFC").replace(/^\ufeff+/, "")).filter((drawn) => drawn.isWellFormed());
const integer = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 70_000 })).map((drawn) =>
  drawn + 0
);
const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 8, depthSize: "small" },
    fc.constantFrom<Value>(null, true, false),
    integer,
    text,
    bytesOf(300),
    fc.array(tie("value"), { maxLength: 30 }),
    fc.array(fc.tuple(fc.oneof(integer, text), tie("value")), { maxLength: 6 }).map((entries) =>
      new Map(entries)
    ),
  ),
})).value;

Deno.test("decode() gives back what encode() took, maps in the order of their encoding", () => {
  fc.assert(
    fc.property(value, (original) => {
      const encoded = encode(original);
      const decoded = decode(encoded);
      assert(decoded.ok);
      assert.deepEqual(decoded.value, original);
      assert.deepEqual(encode(decoded.value), encoded);
    }),
    { seed, numRuns: 3_000 },
  );
});

Deno.test("decode() never throws on mutated input, and what it takes is the one encoding of a value", () => {
  let taken = 0;
  fc.assert(
    fc.property(value, value, fc.nat(), (original, other, mutations) => {
      const encoded = encode(original);
      for (const input of mutated(encoded, encode(other), mutations, 20)) {
        const decoded = decode(input);
        if (!decoded.ok) continue;
        taken++;
        assert(equalBytes(encode(decoded.value), input));
        assert(depthOf(decoded.value) <= 16);
      }
    }),
    { seed, numRuns: 2_000 },
  );
  assert(taken > 100, "some mutations lead to other values");
});

Deno.test("decode() never throws on arbitrary bytes", () => {
  fc.assert(
    fc.property(bytesOf(80), (input) => {
      const decoded = decode(input);
      if (decoded.ok) assert(equalBytes(encode(decoded.value), input));
    }),
    { seed, numRuns: 20_000 },
  );
});

Deno.test("openEnvelope() never throws on mutated input, and no mutation verifies", () => {
  const sealed = [0, 3, 23, 24, 255, 256, 1_000].map((length) =>
    sealEnvelope(crypto, signer, Purpose.item, scope, new Uint8Array(length).fill(length))
  );
  const random = new SeededRandom(seed);
  for (let round = 0; round < 1_000; round++) {
    const original = sealed[round % sealed.length]!;
    for (const input of mutated(original, sealed[(round + 1) % sealed.length]!, random.uint32(), 20)) {
      const opened = openEnvelope(input);
      if (!opened.ok || sealed.some((untouched) => equalBytes(untouched, input))) continue;
      assert(!verifyEnvelope(crypto, opened, Purpose.item, scope, signer.publicKey), input.toHex());
    }
  }
});

Deno.test("a mutated stream of frames never throws, and gives messages that were sent or none", () => {
  const random = new SeededRandom(seed);
  const messages = [0, 5, 100, 17_000].map((length) => random.bytes(length));
  const sealer = new FrameSealer(crypto, key, { rekeyFramesMax: 3 });
  const stream = concat(...messages.map((message) => sealer.seal([message])));
  for (let round = 0; round < 600; round++) {
    for (const input of mutated(stream, random.bytes(50), random.uint32(), 20)) {
      const opener = new FrameOpener(crypto, key, { rekeyFramesMax: 3 });
      const half = random.uint32() % (input.length + 1);
      const arrived: Uint8Array[] = [];
      for (const part of [input.subarray(0, half), input.subarray(half)]) {
        const opened = opener.push(part);
        if (opened.messages === undefined) break;
        arrived.push(...opened.messages);
      }
      for (const [index, message] of arrived.entries()) assert(equalBytes(message, messages[index]!));
    }
  }
});

Deno.test("frames carry any messages through a stream cut anywhere", () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(65_536)), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(sizes, { maxLength: 5 }), fc.nat(), (batches, cuts) => {
      const random = new SeededRandom(cuts);
      const sealer = new FrameSealer(crypto, key, { rekeyFramesMax: 2 });
      const opener = new FrameOpener(crypto, key, { rekeyFramesMax: 2 });
      const sent = batches.map((batch) => batch.map((size) => new Uint8Array(size).fill(size)));
      let stream = concat(...sent.map((batch) => sealer.seal(batch)));
      const arrived: Uint8Array[] = [];
      while (stream.length > 0) {
        const cut = 1 + random.uint32() % 20_000;
        const opened = opener.push(stream.subarray(0, cut));
        stream = stream.subarray(cut);
        assert(opened.messages !== undefined);
        arrived.push(...opened.messages);
      }
      assert.equal(opener.midway, false);
      assert.deepEqual(arrived, sent.flat());
    }),
    { seed, numRuns: 100 },
  );
});

/** Inputs near `original`, some with parts of another. */
function* mutated(
  original: Uint8Array,
  other: Uint8Array,
  seed: number,
  count: number,
): Generator<Uint8Array> {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) yield blindly(random, original, [other]);
}

function depthOf(value: Value): number {
  if (isArray(value)) return 1 + Math.max(0, ...value.map(depthOf));
  return isMap(value) ? 1 + Math.max(0, ...[...value.values()].map(depthOf)) : 0;
}

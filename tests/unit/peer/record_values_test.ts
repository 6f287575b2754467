import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { PeerError } from "../../../lib/base/errors.ts";
import { utf8 } from "../../../lib/base/bytes.ts";
import { attributesOf, contentOf, viewOf } from "../../../lib/peer/record_values.ts";
import type { Attributes, RecordValue, RecordView } from "../../../lib/peer/surface.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { peerIdText } from "../../../lib/identity/peer_id.ts";
import { type Attribute, ContentKind } from "../../../lib/records/item.ts";
import { jsonDepthMax, recordDataBytesMax } from "../../../lib/records/limits.ts";
import type { Shown } from "../../../lib/records/shown.ts";

const crypto = createCrypto();

Deno.test("contentOf() keeps the kind: bytes, text or JSON", () => {
  assert.deepEqual(contentOf(Uint8Array.of(1)), { contentKind: ContentKind.bytes, data: Uint8Array.of(1) });
  assert.deepEqual(contentOf("é\u0000"), { contentKind: ContentKind.text, data: utf8("é\u0000") });
  assert.deepEqual(contentOf({ a: [1, null] }), {
    contentKind: ContentKind.json,
    data: utf8('{"a":[1,null]}'),
  });
});

Deno.test("contentOf() copies bytes, those of subclasses that share memory too", () => {
  const buffer = Buffer.from([1, 2]);
  const { data } = contentOf(buffer);
  buffer[0] = 9;
  assert.deepEqual(data, Uint8Array.of(1, 2));
});

Deno.test("values come back as they went in, whatever text or JSON they are", () => {
  const values = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.string({ unit: "grapheme" }),
    fc.jsonValue(),
    fc.constantFrom("\ufeffmark", "e\u0301", { __proto__: null, b: 1 } as never, { ["__proto__"]: 1 }),
  );
  fc.assert(
    fc.property(values, (value) => {
      if (hasMinusZero(value)) return;
      const { contentKind, data } = contentOf(value as RecordValue);
      const { value: back } = viewOf(crypto, shownOf(contentKind, data, []));
      assert.equal(JSON.stringify(back), JSON.stringify(value));
      if (value instanceof Uint8Array || typeof value === "string") assert.deepEqual(back, value);
    }),
    { seed: 11, numRuns: 300 },
  );
});

Deno.test("contentOf() refuses what would come out as something else", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const values: unknown[] = [
    undefined,
    () => 1,
    Symbol("s"),
    5n,
    NaN,
    Infinity,
    -0,
    [undefined],
    [NaN],
    // deno-lint-ignore no-sparse-arrays -- a hole would come out as null
    [1, , 2],
    { a: { b: -Infinity } },
    new Date(0),
    new Map([[1, 2]]),
    new ArrayBuffer(2),
    new Uint16Array(2),
    new Error("no"),
    { toJSON: () => 1 },
    { a: 1n },
    cycle,
    { a: () => 1 },
    "half \ud800",
  ];
  for (const value of values) {
    assert.throws(() => contentOf(value as RecordValue), hasCode("invalid_record"), String(value));
  }
  assert.deepEqual(contentOf({ a: undefined } as never).data, utf8("{}"), "what is not given is not there");
});

Deno.test("contentOf() takes values nested 64 deep and refuses deeper ones, however deep", () => {
  const nested = (depth: number): RecordValue => {
    let value: RecordValue = [];
    for (let i = 1; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
    return value;
  };
  const deepest = contentOf(nested(jsonDepthMax));
  assert.equal(
    JSON.stringify(viewOf(crypto, shownOf(deepest.contentKind, deepest.data, [])).value),
    JSON.stringify(nested(jsonDepthMax)),
  );
  const tooDeep = hasCode("invalid_record", /nested deeper than 64/);
  // The last of them is still written out by JSON.stringify, and too deep for any recursion.
  for (const depth of [jsonDepthMax + 1, 1_000, 5_000]) {
    assert.throws(() => contentOf(nested(depth)), tooDeep, `${depth}`);
  }
  assert.throws(() => contentOf(nested(1_000_000)), hasCode("invalid_record"));
});

Deno.test("[R09] contentOf() takes 48 KiB and not a byte more, in bytes whatever the text", () => {
  assert.equal(contentOf(new Uint8Array(recordDataBytesMax)).data.length, recordDataBytesMax);
  assert.throws(
    () => contentOf(new Uint8Array(recordDataBytesMax + 1)),
    hasCode("record_too_large", /at most 49152/),
  );
  assert.throws(() => contentOf("é".repeat(recordDataBytesMax / 2 + 1)), hasCode("record_too_large"));
});

Deno.test("[R08] attributesOf() takes text, whole numbers, truth values and bytes by name", () => {
  const raw = Uint8Array.of(7);
  const taken = attributesOf({ t: "x", n: -5, b: true, raw, ["n".repeat(40)]: 2 ** 53 - 1 });
  raw[0] = 0;
  assert.deepEqual(taken, [["t", "x"], ["n", -5], ["b", true], ["raw", Uint8Array.of(7)], [
    "n".repeat(40),
    2 ** 53 - 1,
  ]]);
  assert.deepEqual(attributesOf({}), []);
});

Deno.test("[R08] attributesOf() refuses other names and values", () => {
  const refused: unknown[] = [
    { "": 1 },
    { "kith.author": 1 },
    { ["n".repeat(41)]: 1 },
    { "e\u0301": 1 },
    { a: 1.5 },
    { a: NaN },
    { a: 2 ** 53 },
    { a: -0 },
    { a: null },
    { a: undefined },
    { a: {} },
    { a: [1] },
    { a: "e\u0301" },
    { a: "\ud800" },
    { a: "x".repeat(1_025) },
    { a: new Uint8Array(1_025) },
    Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, 1])),
    Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`a${i}`, "x".repeat(1_000)])),
  ];
  for (const attributes of refused) {
    assert.throws(
      () => attributesOf(attributes as Attributes),
      hasCode("invalid_record", /at most 64/),
      JSON.stringify(attributes)?.slice(0, 60),
    );
  }
});

Deno.test("viewOf() shows a record whole; a name that comes twice shows its last value", () => {
  const raw = Uint8Array.of(7);
  const attributes: Attribute[] = [["a", 1], ["a", 2], ["raw", raw], ["__proto__", "own"]];
  const view = viewOf(crypto, shownOf(ContentKind.text, utf8("text"), attributes));
  const peer = peerIdText(crypto, publicKey);
  const expected: RecordView = {
    id: "ab".repeat(16),
    type: "note",
    value: "text",
    attributes: Object.fromEntries([["a", 2], ["raw", raw], ["__proto__", "own"]]) as Attributes,
    creator: peer,
    author: peer,
    version: 3,
    created: new Date(1_000),
    modified: new Date(2_000),
    expires: new Date(5_000),
    until: new Date(9_000),
  };
  assert.deepEqual(view, expected);
  (view.attributes.raw as Uint8Array)[0] = 0;
  assert.deepEqual(raw, Uint8Array.of(7), "a view shares no bytes with the item");
});

const publicKey = crypto.ed25519.publicKey(new Uint8Array(32).fill(1));

function shownOf(contentKind: number, data: Uint8Array, attributes: readonly Attribute[]): Shown {
  const body = { type: "note", creator: publicKey, created: 1_000, until: 9_000, version: 3 };
  const item = {
    record: "ab".repeat(16),
    head: { author: publicKey, at: 2_000 },
    body: { ...body, contentKind, data, attributes },
  };
  return { item, expires: 5_000 } as unknown as Shown;
}

function hasMinusZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasMinusZero);
}

function hasCode(code: string, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PeerError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

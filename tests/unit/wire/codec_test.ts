import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  decode,
  encode,
  isArray,
  isBytes,
  isMap,
  isText,
  isUint,
  isWireText,
  type Value,
} from "../../../lib/wire/codec.ts";
import { cborDepthMax, cborElementsMax, messageBytesMax } from "../../../lib/wire/limits.ts";
import appendix from "../../golden/cbor_appendix_a.json" with { type: "json" };

const bytes = (text: string) => Uint8Array.fromHex(text);

Deno.test("decode() takes the 35 published encodings of its types and refuses all others", () => {
  const refused = new Map<string, number>();
  let taken = 0;
  for (const vector of appendix.vectors) {
    const decoded = decode(bytes(vector.hex));
    if (!decoded.ok) {
      refused.set(decoded.reason, (refused.get(decoded.reason) ?? 0) + 1);
      continue;
    }
    taken++;
    assert.equal(encode(decoded.value).toHex(), vector.hex);
    if ("decoded" in vector) assert.deepEqual(plain(decoded.value), vector.decoded, vector.hex);
  }
  assert.equal(taken, 35);
  // Integers beyond 2^53; and floats, tags, simple values and indefinite lengths.
  assert.deepEqual([...refused], [["number_out_of_range", 2], ["unsupported", 45]]);
});

Deno.test("encode() and decode() agree on values at every edge", () => {
  const max = Number.MAX_SAFE_INTEGER;
  const numbers = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, max];
  const values: Value[] = [
    null,
    true,
    false,
    ...numbers,
    ...numbers.map((number) => -1 - number).slice(0, -1),
  ];
  values.push(-max, "", "é", "鷺", "🦩", "a".repeat(24), new Uint8Array(), new Uint8Array(70_000 - 10_000));
  values.push(
    [],
    [[]],
    values.slice(0, 5),
    new Map(),
    new Map<number | string, Value>([["a", 1], [-1, []], [0, null]]),
  );
  for (const value of values) {
    const decoded = decode(encode(value));
    assert(decoded.ok, String(value));
    assert.deepEqual(decoded.value, value);
  }
});

Deno.test("encode() sorts map entries as bytes and gives these bytes", () => {
  const map = new Map<number | string, Value>([["b", 1], ["aa", 2], [10, 1], [-1, 2], [100, 4]]);
  assert.equal(encode(map).toHex(), "a50a01186404200261620162616102");
  const array = [1, -1, 2 ** 53 - 1, bytes("0102"), "é", null, true, false];
  assert.equal(encode(array).toHex(), "8801201b001fffffffffffff42010262c3a9f6f5f4");
});

Deno.test("decode() refuses what is not the one encoding of a value", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["not_deterministic", [
      "1800",
      "1817",
      "1900ff",
      "1a0000ffff",
      "1b00000000ffffffff",
      "3817",
      "5801ff",
      "780161",
      "980101",
      "b8010101",
      "a202010102", // keys descending
      "a201010102", // a key twice
      "a2616101200a", // text before a number
    ]],
    ["truncated", [
      "",
      "18",
      "1900",
      "42ff",
      "6261",
      "8101".slice(0, 2),
      "a101",
      "9affffffff".slice(0, 6),
      "5affffffff",
    ]],
    ["trailing_bytes", ["0000", "8000", "f6f6"]],
    ["unsupported", [
      "c000",
      "f7",
      "f97e00",
      "fa7fc00000",
      "5f41ff",
      "7f6161ff",
      "9fff",
      "bfff",
      "1c",
      "ff",
      "a1410100",
    ]],
    ["number_out_of_range", [
      "1b0020000000000000",
      "3b001fffffffffffff",
      "1bffffffffffffffff",
      "5bffffffffffffffff",
    ]],
    ["bad_text", ["61ff", "62c328", "63eda080", "63efbbbf", "64efbbbf61", "6365cc81", "62c080"]],
    ["too_deep", ["81".repeat(17) + "00", "a1a00000"]],
    ["too_many_elements", ["9affffffff", "b94e21"]],
  ];
  for (const [reason, inputs] of cases) {
    for (const input of inputs) {
      assert.deepEqual(decode(bytes(input)), { ok: false, reason }, `${reason} ${input}`);
    }
  }
});

Deno.test("decode() counts nesting, elements and bytes exactly", () => {
  const nested = (depth: number) => bytes("81".repeat(depth - 1) + "80");
  assert(decode(nested(cborDepthMax)).ok);
  assert.deepEqual(decode(nested(cborDepthMax + 1)), { ok: false, reason: "too_deep" });
  assert.deepEqual(decode(nested(3), { depthMax: 2 }), { ok: false, reason: "too_deep" });
  assert.deepEqual(decode(nested(cborDepthMax + 1), { depthMax: 99 }), { ok: false, reason: "too_deep" });

  const zeros = (count: number) => encode(new Array<Value>(count).fill(0));
  assert(decode(zeros(cborElementsMax)).ok);
  assert.deepEqual(decode(zeros(cborElementsMax + 1)), { ok: false, reason: "too_many_elements" });
  const split = encode([[0, 0], [0, 0], new Map([[0, 0]])]); // 3 + 2 + 2 + 1
  assert(decode(split, { elementsMax: 8 }).ok);
  assert.deepEqual(decode(split, { elementsMax: 7 }), { ok: false, reason: "too_many_elements" });

  assert(decode(encode(new Uint8Array(messageBytesMax - 5))).ok);
  assert.deepEqual(decode(encode(new Uint8Array(messageBytesMax))), { ok: false, reason: "too_long" });
  assert.deepEqual(decode(encode("heron"), { bytesMax: 5 }), { ok: false, reason: "too_long" });
});

Deno.test("decode() gives bytes that do not change with its input", () => {
  const input = bytes("4201ff");
  const decoded = decode(input);
  input.fill(0);
  assert.deepEqual(decoded, { ok: true, value: bytes("01ff") });
});

Deno.test("encode() and decode() give plain bytes at any length, also from a Buffer", () => {
  for (const length of [0, 10, 200, 2_000, 20_000, 60_000]) {
    const encoded = encode([new Uint8Array(length).fill(1), "heron"]);
    assert.equal(Object.getPrototypeOf(encoded), Uint8Array.prototype, `${length}`);
    const buffer = Buffer.from(encoded);
    const decoded = decode(buffer);
    buffer.fill(0);
    assert.deepEqual(decoded, { ok: true, value: [new Uint8Array(length).fill(1), "heron"] });
  }
});

Deno.test("encode() asserts against what no decoder takes", () => {
  let deep: Value = [];
  for (let i = 0; i < cborDepthMax; i++) deep = [deep];
  const wrong: unknown[] = [
    0.5,
    -0,
    NaN,
    Infinity,
    2 ** 53,
    -(2 ** 53),
    "e\u0301",
    "\ufeffa",
    "\ud800",
    deep,
  ];
  wrong.push(undefined, 1n, {}, Symbol(), [undefined], new Map([[null, 1]]), new Map([[1.5, 1]]));
  for (const value of wrong) {
    assert.throws(() => encode(value as Value), { name: "AssertionFailure" }, String(value));
  }
});

Deno.test("isWireText() takes composed, well-formed text and nothing else", () => {
  for (const text of ["", "heron", "é", "鷺🦩", "a\ufeff", "\0"]) assert(isWireText(text), text);
  for (const text of ["e\u0301", "\ufeff", "\ud83e", "\udd69a", "\u212b"]) assert(!isWireText(text), text);
});

Deno.test("the readers tell types, lengths and bounds apart", () => {
  assert(isBytes(bytes("01"), 1) && isBytes(bytes("01")) && !isBytes(bytes("01"), 2) && !isBytes("01"));
  assert(isUint(0) && isUint(5, 5) && !isUint(6, 5) && !isUint(-1) && !isUint("1") && !isUint(undefined));
  assert(isText("", 0) && isText("é", 2) && !isText("é", 1) && !isText("aa", 1) && !isText(1, 9));
  assert(
    isArray([], 0) && isArray([1]) && !isArray([1], 2) && !isArray(new Uint8Array()) && !isArray(undefined),
  );
  assert(isMap(new Map()) && !isMap([]) && !isMap(null));
});

/** As JSON has it. */
function plain(value: Value): unknown {
  if (isArray(value)) return value.map(plain);
  if (isMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return value;
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, utf8 } from "../../../lib/base/bytes.ts";
import { joinPieces, type Piece, splitFile } from "../../../lib/cli/demo_file.ts";
import { demoPieceBytesMax } from "../../../lib/cli/demo_limits.ts";

Deno.test("splitFile() gives a piece for each line, its end included", () => {
  const expected: Piece[] = [
    { line: 1, part: 0, value: "a\r\n" },
    { line: 2, part: 0, value: "\n" },
    { line: 3, part: 0, value: "b" },
  ];
  assert.deepEqual(splitFile(utf8("a\r\n\nb")), expected);
});

Deno.test("splitFile() gives nothing for an empty file", () => {
  assert.deepEqual(splitFile(new Uint8Array()), []);
});

Deno.test("splitFile() gives bytes for a line that is not UTF-8, text for the others", () => {
  const bytes = concat(utf8("good\n"), Uint8Array.of(0xff, 0xfe, 0x0a), utf8("\ufeffmark\n"));
  assert.deepEqual(splitFile(bytes).map(({ value }) => value), [
    "good\n",
    Uint8Array.of(0xff, 0xfe, 0x0a),
    "\ufeffmark\n",
  ]);
});

Deno.test("splitFile() splits a long line where a record is full, not inside a character", () => {
  const bytes = utf8(`x${"€".repeat(demoPieceBytesMax)}\n`);
  const pieces = splitFile(bytes);
  assert.ok(pieces.length >= 3);
  assert.ok(pieces.every(({ line, value }) => line === 1 && typeof value === "string"));
  assert.deepEqual(pieces.map(({ part }) => part), pieces.map((_, i) => i));
  assert.ok(pieces.every(({ value }) => utf8(value as string).length <= demoPieceBytesMax));
  assert.deepEqual(joinPieces(pieces), bytes);
});

Deno.test("joinPieces() gives the same bytes back, in whatever order pieces come", () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(utf8("\n"), utf8("\r\n"), utf8("\ufeff"), Uint8Array.of(0xe2, 0x82), utf8("€")),
    fc.integer({ min: demoPieceBytesMax - 2, max: 2 * demoPieceBytesMax }).map((n) =>
      new Uint8Array(n).fill(0x82)
    ),
  );
  const file = fc.array(chunk, { maxLength: 12 }).map((chunks) => concat(...chunks));
  fc.assert(
    fc.property(file, fc.integer(), (bytes, seed) => {
      const pieces = splitFile(bytes);
      const order = fc.sample(fc.shuffledSubarray(pieces, { minLength: pieces.length }), {
        numRuns: 1,
        seed,
      })[0]!;
      assert.deepEqual(joinPieces(order), bytes);
      assert.ok(pieces.every(({ value }) => typeof value === "string" || value.length <= demoPieceBytesMax));
    }),
    { numRuns: 200, seed: 20_241 },
  );
});

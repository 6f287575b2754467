/** What reaches the terminal. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { PeerError } from "../../../lib/base/errors.ts";
import { columns, jsonLine, Output, plainText, shownValue } from "../../../lib/cli/output.ts";
import { RecordedIo } from "./recorded_io.ts";

const hostile = [
  "\x1b[2Jcleared",
  "\x1b]0;title\x07",
  "\x9b31mred",
  "a\rb\nc\td\0e\x7f",
  "\u202ereversed\u2066isolated\u200f",
  "zero\u200bwidth\ufeff",
  "line\u2028separator\u2029",
  "lone \ud800 surrogate",
  "\u{e0041}tag",
];
const steering = /[\p{C}\p{Zl}\p{Zp}]/u;

Deno.test("plainText() leaves nothing that steers a terminal or turns text around", () => {
  for (const text of hostile) assert.doesNotMatch(plainText(text), steering, JSON.stringify(text));
  assert.equal(plainText("\x1b[2J"), "\\u{1b}[2J");
  assert.equal(plainText("Grüße, 鷺 🦩"), "Grüße, 鷺 🦩");
});

Deno.test("jsonLine() is harmless one-line JSON that says the same", () => {
  for (const text of hostile) {
    const line = jsonLine({ [text]: text });
    assert.doesNotMatch(line, steering);
    assert.deepEqual(JSON.parse(line), { [text]: text });
  }
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
      const line = jsonLine([value, text]);
      assert.doesNotMatch(line, steering);
      assert.equal(JSON.stringify(JSON.parse(line)), JSON.stringify([value, text]));
    }),
    { seed: 20260303, numRuns: 500 },
  );
});

Deno.test("every way out makes text harmless and keeps to its lines", () => {
  for (const text of hostile) {
    const io = new RecordedIo();
    const out = new Output(io, false);
    out.result({}, columns([["id", text], ["longer id", text]]));
    out.note(text);
    out.failure(new PeerError("timeout", text));
    assert.equal(io.outLines.length, 2);
    out.result({}, text);
    for (const line of [...io.outLines, ...io.errLines]) assert.doesNotMatch(line, steering);
  }
});

Deno.test("a failure is one line, whatever its message holds", () => {
  const io = new RecordedIo();
  new Output(io, false).failure(new Error("first\n  second\r\nthird"));
  assert.deepEqual(io.errLines, ["error: first second third"]);
  const json = new RecordedIo();
  new Output(json, true).failure(new PeerError("timeout", "too\nlate"));
  assert.deepEqual(json.outLines, ['{"error":{"code":"timeout","message":"too late"}}']);
});

Deno.test("shownValue() shows text, JSON and the size of bytes, and cuts what is long", () => {
  assert.equal(shownValue({ value: "heron" }), "heron");
  assert.equal(shownValue({ value: { count: 2 } }), '{"count":2}');
  assert.equal(shownValue({ value: null }), "null");
  assert.equal(shownValue({ base64: "AAEC" }), "(3 bytes)");
  assert.match(shownValue({ value: "x".repeat(1_000) }), /^x{400}… \(--json shows all\)$/);
});

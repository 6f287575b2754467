import assert from "node:assert/strict";
import { errorCodes } from "../../lib/base/errors.ts";
import { generatedDocs } from "./docs.ts";
import { unitOf, valueText } from "./limits_doc.ts";
import { bracketedNames, idsOf } from "./parity_doc.ts";
import { parityAreas } from "./parity_rows.ts";
import { numberedEntries, replaceTable } from "./protocol_doc.ts";
import { documentedConstants, documentedEntries } from "./sources.ts";

Deno.test("generated documents are current", async () => {
  for (const { path, text } of await generatedDocs()) {
    const stale = await Deno.readTextFile(path) !== text;
    assert.ok(!stale, `${path} is out of date: run 'deno task docs'`);
  }
});

Deno.test("docs/PROTOCOL.md lists every error code", async () => {
  const text = await Deno.readTextFile("docs/PROTOCOL.md");
  const missing = Object.keys(errorCodes).filter((code) => !text.includes(`| \`${code}\` |`));
  assert.deepEqual(missing, []);
});

Deno.test("documentedConstants() reads names, values and comments", () => {
  const source =
    `/** Header. */\n\n/** One\n * line of {@linkcode x}. */\nexport const aMax: number = 2 ** 3;\n`;
  const expected = [{ name: "aMax", value: "2 ** 3", comment: "One line of `x`." }];
  assert.deepEqual(documentedConstants(source), expected);
});

Deno.test("documentedConstants() throws when a constant has no comment", () => {
  assert.throws(
    () => documentedConstants(`export const a: number = 1;\n`),
    /1 constants have no doc comment/,
  );
});

Deno.test("documentedEntries() reads an object's entries, and throws when one has no comment", () => {
  const source = `export const A = {\n  /** First. */\n  one: 1,\n  /** Second. */\n  two: "x",\n} as const;`;
  const expected = [{ name: "one", value: "1", comment: "First." }, {
    name: "two",
    value: '"x"',
    comment: "Second.",
  }];
  assert.deepEqual(documentedEntries(source, "A"), expected);
  assert.throws(() => documentedEntries(source.replace("/** Second. */", ""), "A"), /no doc comment/);
  assert.throws(() => documentedEntries(source, "B"), /no constant object 'B'/);
});

Deno.test("numberedEntries() reads numbers in order", () => {
  const source = `const Kind = { b: 7, a: 2 } as const;`;
  assert.deepEqual(numberedEntries(source, "Kind"), [["a", "2"], ["b", "7"]]);
});

Deno.test("valueText() names the unit, and a larger one where it fits", () => {
  assert.equal(valueText("frameBytesMax", 16_384), "16,384 bytes (16 KiB)");
  assert.equal(valueText("answerTimeoutMsMax", 1_000), "1,000 ms (1 s)");
  assert.equal(valueText("recordLifeMsDefault", 30 * 86_400_000), "2,592,000,000 ms (30 days)");
  assert.equal(valueText("acceptRetryMs", 100), "100 ms");
  assert.equal(valueText("lookupParallel", 4), "4");
});

Deno.test("unitOf() finds the unit in a name", () => {
  assert.equal(unitOf("cborElementsMax"), "elements");
  assert.equal(unitOf("nameCodePointsMax"), "code points");
  assert.equal(unitOf("clearAnswersPerSecond"), "answers per second");
  assert.equal(unitOf("versionMax"), "");
});

Deno.test("idsOf() reads ids in brackets", () => {
  assert.deepEqual(idsOf("[N01] a [G02][R03] b [S01, S02]"), ["N01", "G02", "R03", "S01", "S02"]);
  assert.deepEqual(idsOf("[Z01] [N1] N01 list[0]"), []);
});

Deno.test("bracketedNames() reads quoted texts and passes over comments", () => {
  const source = [
    `Deno.test("[N01] it's read", () => {});`,
    "await t.step(`[G02] ${name}`, run);",
    `  // "[N03] not this"`,
    ` * "[N04] nor this"`,
    `const x = list["[]"];`,
  ].join("\n");
  assert.deepEqual(bracketedNames(source), ["[N01] it's read", "[G02] ${name}"]);
});

Deno.test("replaceTable() writes between its markers alone", () => {
  const text = "a\n<!-- generated:x -->\nold\n<!-- end -->\nb\n<!-- generated:y -->\nkept\n<!-- end -->\n";
  const replaced = replaceTable(text, "x", "new\n");
  assert.ok(replaced.includes("new\n") && !replaced.includes("old") && replaced.includes("kept"));
  assert.equal(replaceTable(replaced, "x", "new\n"), replaced);
  assert.throws(() => replaceTable(text, "z", "new\n"), /no place for the table 'z'/);
});

Deno.test("parity: rows are complete, in order and each once", () => {
  const counts: Readonly<Record<string, number>> = { N: 50, D: 7, G: 34, R: 27, I: 12, S: 37, C: 9, X: 14 };
  const expected = Object.entries(counts).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${String(i + 1).padStart(2, "0")}`)
  );
  assert.deepEqual(parityAreas.flatMap((area) => area.rows.map((row) => row.id)), expected);
});

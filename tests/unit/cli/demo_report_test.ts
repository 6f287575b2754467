import assert from "node:assert/strict";
import { Progress, reportTable, type StepReport } from "../../../lib/cli/demo_report.ts";

const good: StepReport = { name: "resolve", who: "ben…eve", what: "found ada by UDP", ok: true, ms: 1_234 };
const bad: StepReport = {
  name: "remove",
  who: "ada, eve",
  what: "Not verified: eve reads on",
  ok: false,
  ms: 7,
};

Deno.test("reportTable() gives a line for each step in 80 columns, and failures in full below", () => {
  assert.deepEqual(reportTable([good, bad], false), [
    "      step      who       what was verified                                 time",
    "ok    resolve   ben…eve   found ada by UDP                              1,234 ms",
    "FAIL  remove    ada, eve  see below                                         7 ms",
    "",
    "remove: Not verified: eve reads on",
  ]);
});

Deno.test("reportTable() cuts what is too long", () => {
  const [, row] = reportTable([{ ...good, what: "long ".repeat(20) }], false);
  assert.equal(row!.length, 80);
  assert.ok(row!.includes("…  "));
});

Deno.test("reportTable() uses colours only when it is told to", () => {
  assert.ok(reportTable([good], true).join().includes("\x1b[32m"));
  assert.ok(!reportTable([good], false).join().includes("\x1b"));
});

Deno.test("Progress writes whole lines where they cannot be written over", () => {
  assert.deepEqual(written(false), ["[ 3/12] resolve: found ada by UDP\n"]);
});

Deno.test("Progress writes over its line on a terminal", () => {
  assert.deepEqual(written(true), [
    "\r\x1b[2K[ 3/12] resolve …",
    "\r\x1b[2K[ 3/12] resolve: 500 of 2,000, 1,000/s",
    "\r\x1b[2K",
  ]);
});

function written(isTerminal: boolean): string[] {
  const texts: string[] = [];
  const progress = new Progress({ isTerminal, write: (text) => void texts.push(text) });
  progress.begin(3, 12, "resolve");
  progress.advance(500, 2_000, 1_000);
  progress.end(good);
  return texts;
}

import assert from "node:assert/strict";
import {
  fullScale,
  jsonReport,
  measureCases,
  quantile,
  type Result,
  resultOf,
  smokeScale,
  summary,
  tableReport,
} from "../../../bench/measure.ts";
import { benches, parseRequest } from "../../../bench/run.ts";
import { listFiles } from "../../tidy/sources.ts";

Deno.test("every file of benchmarks is run, and each name is used once", async () => {
  const files = await listFiles("bench", (path) => path.endsWith("_bench.ts"));
  const names = files.map((path) => path.replace(/^.*\/|_bench\.ts$/g, ""));
  assert.deepEqual(benches.map(({ name }) => name).toSorted(), names.toSorted());
});

// The benchmarks of protocols open sockets and processes: `deno task bench:smoke` runs those too.
for (const { name, run } of benches.slice(0, 4)) {
  Deno.test(`the benchmark '${name}' runs with tiny input`, async () => {
    const results = await run(smokeScale);
    assert.ok(results.length > 0);
    for (const result of results) {
      assert.ok(result.name.startsWith(`${name}/`), result.name);
      assert.ok(result.median > 0 && result.p90 > 0 && result.runs === 1, result.name);
    }
  });
}

Deno.test("quantile() lies between two neighbors in proportion", () => {
  const values = [4, 1, 3, 2];
  assert.deepEqual([0, 0.5, 0.9, 1].map((share) => quantile(values, share)), [1, 2.5, 3.7, 4]);
  assert.deepEqual(values, [4, 1, 3, 2]);
  assert.throws(() => quantile([], 0.5), RangeError);
});

Deno.test("summary() takes the worse tenth: long times, low rates", () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  assert.deepEqual(summary("a", "ms", values), { name: "a", unit: "ms", median: 6, p90: 10, runs: 11 });
  assert.deepEqual(summary("b", "/s", values), { name: "b", unit: "/s", median: 6, p90: 2, runs: 11 });
});

Deno.test("resultOf() gives one operation's time, or operations a second", () => {
  const samples = [1, 2, 3].map((ms) => ({ wallMs: ms, cpuMs: 2 * ms, operations: 10 }));
  const shared = { runs: 3, cpuMs: 0.4, check: "x" };
  assert.deepEqual(resultOf("a", "µs", samples, "x"), {
    name: "a",
    unit: "µs",
    median: 200,
    p90: 280,
    ...shared,
  });
  assert.deepEqual(resultOf("a", "ms", samples, "x"), {
    name: "a",
    unit: "ms",
    median: 0.2,
    p90: 0.28,
    ...shared,
  });
  assert.deepEqual(resultOf("a", "/s", samples), {
    name: "a",
    unit: "/s",
    median: 5_000,
    p90: 3_667,
    runs: 3,
    cpuMs: 0.4,
  });
});

Deno.test("measureCases() has the cases take turns, and counts no warm-up", async () => {
  const calls: string[] = [];
  const caseOf = (name: string) => ({
    name,
    unit: "ms" as const,
    operations: 1,
    prepare: () => Promise.resolve(void calls.push(`${name}+`)),
    work: () => calls.push(name),
    finish: () => Promise.resolve(void calls.push(`${name}-`)),
  });
  const results = await measureCases([caseOf("a"), caseOf("b")], 2);
  const round = ["a+", "a", "a-", "b+", "b", "b-"];
  assert.deepEqual(calls, [...round, ...round, ...round]);
  assert.deepEqual(results.map(({ name, runs, check }) => [name, runs, check]), [["a", 2, 14], ["b", 2, 17]]);
});

Deno.test("jsonReport() is one line of JSON; tableReport() has a row for each result", () => {
  const results: readonly Result[] = [
    { name: "a", unit: "ms", median: 1.5, p90: 2, runs: 3, cpuMs: 0.25, check: 7 },
    { name: "long name", unit: "/s", median: 12_345, p90: 9_000, runs: 5 },
  ];
  const text = jsonReport(results);
  assert.ok(!text.includes("\n"));
  const report = JSON.parse(text);
  assert.deepEqual(report.results, results);
  assert.equal(report.machine.deno, Deno.version.deno);
  assert.ok(report.machine.cores > 0);
  assert.deepEqual(tableReport(results).split("\n").map((row) => row.split(/ {2,}/)), [
    ["name", "median", "p90", "unit", "CPU ms", "runs", "check"],
    ["a", "1.5", "2", "ms", "0.25", "3", "7"],
    ["long name", "12,345", "9,000", "/s", "5"],
  ]);
});

Deno.test("parseRequest() selects by the beginning of names, and says what it does not know", () => {
  const all = parseRequest([]);
  assert.deepEqual(all, { scale: fullScale, json: false, benches });
  const some = parseRequest(["--", "--json", "--smoke", "sto", "codec"]);
  assert.ok(typeof some !== "string");
  assert.deepEqual(some.benches.map(({ name }) => name), ["codec", "store"]);
  assert.deepEqual([some.scale, some.json], [smokeScale, true]);
  assert.match(String(parseRequest(["speed"])), /no benchmark "speed": there are codec, /);
  assert.match(String(parseRequest(["--fast"])), /no option "--fast"/);
});

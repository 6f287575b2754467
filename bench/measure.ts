/**
 * What all benchmarks share: a case is timed in rounds, the cases of one benchmark take turns in each
 * round, and what comes out is a median, a 90th percentile and CPU time.
 *
 * Turns, because machines are noisy for seconds at a time: noise then falls on all cases alike, so
 * their ratio holds even where their figures do not. CPU time is that of the whole process, its
 * threads included; where several peers run in it, that of all of them.
 */

import process from "node:process";

/** How large a run is: as measured, or as small as it can be and still run every line. */
export interface Scale {
  readonly isSmoke: boolean;
  /** How often a case is measured. */
  runs(full: number): number;
  /** How much work one run does. */
  count(full: number): number;
}

/** One benchmark: a file named `*_bench.ts`. */
export interface Bench {
  /** What selects it on the command line. */
  readonly name: string;
  run(scale: Scale): Promise<readonly Result[]>;
}

/** One line of a report. */
export interface Result {
  readonly name: string;
  readonly unit: Unit;
  readonly median: number;
  /** Nine of ten runs were as good as this or better: of a time the upper tenth, of a rate the lower. */
  readonly p90: number;
  /** CPU milliseconds of one operation, the median. */
  readonly cpuMs?: number;
  readonly runs: number;
  /** What the work came to, so that none of it can be left out: a count or the beginning of a hash. */
  readonly check?: number | string;
}

/** What a figure counts. */
export type Unit = "µs" | "ms" | "/s";

/** One run of a case. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** How many operations the run did. */
  readonly operations: number;
}

/** One thing to measure beside others. */
export interface Case {
  readonly name: string;
  readonly unit: Unit;
  /** Operations in one run. */
  readonly operations: number;
  /** Makes ready for one run; its time does not count. */
  prepare?(): Promise<void>;
  /** Does the operations; gives what they came to. */
  work(): number | string | Promise<number | string>;
  /** Clears up after one run; its time does not count. */
  finish?(): Promise<void>;
}

/** The scale of a real measurement. */
export const fullScale: Scale = { isSmoke: false, runs: (full) => full, count: (full) => full };

/** The scale that only shows that everything still runs. */
export const smokeScale: Scale = {
  isSmoke: true,
  runs: () => smokeRuns,
  count: (full) => Math.min(full, smokeCountMax),
};

/** Measures cases side by side: each once a round, after some rounds that do not count. */
export async function measureCases(cases: readonly Case[], rounds: number): Promise<Result[]> {
  const samples = cases.map((): Sample[] => []);
  const checks = cases.map((): number | string => "");
  const warmUps = Math.ceil(rounds / 5);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [i, timed] of cases.entries()) {
      await timed.prepare?.();
      const sample = await measure(timed.operations, async () => {
        checks[i] = await timed.work();
      });
      await timed.finish?.();
      if (round >= 0) samples[i]!.push(sample);
    }
  }
  return cases.map(({ name, unit }, i) => resultOf(name, unit, samples[i]!, checks[i]));
}

/** Runs work once and tells what it took. */
export async function measure(operations: number, work: () => unknown): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1_000, operations };
}

/** Sums up the runs of a case. */
export function resultOf(
  name: string,
  unit: Unit,
  samples: readonly Sample[],
  check?: number | string,
): Result {
  const values = samples.map((sample) => valueIn(unit, sample));
  const cpu = quantile(samples.map(({ cpuMs, operations }) => cpuMs / operations), 0.5);
  const result = { ...summary(name, unit, values), cpuMs: rounded(cpu) };
  return check === undefined ? result : { ...result, check };
}

/** Sums up values that were taken elsewhere: parts of a run, or another process's. */
export function summary(name: string, unit: Unit, values: readonly number[]): Result {
  return {
    name,
    unit,
    median: rounded(quantile(values, 0.5)),
    p90: rounded(quantile(values, unit === "/s" ? 0.1 : 0.9)),
    runs: values.length,
  };
}

/** The value below which a share of the values lies, between two neighbors in proportion. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("There is no quantile of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/** The report as one line of JSON. */
export function jsonReport(results: readonly Result[]): string {
  return JSON.stringify({ machine: machine(), results });
}

/** The report as a table for people. */
export function tableReport(results: readonly Result[]): string {
  const width = Math.max(4, ...results.map(({ name }) => name.length));
  const head = ["median", "p90", "unit", "CPU ms", "runs"];
  const row = (name: string, cells: readonly string[], check: string): string =>
    `${name.padEnd(width)} ${cells.map((cell) => cell.padStart(10)).join(" ")}  ${check}`.trimEnd();
  const rows = results.map(({ name, median, p90, unit, cpuMs, runs, check }) => {
    const cells = [figure(median), figure(p90), unit, cpuMs === undefined ? "" : figure(cpuMs), String(runs)];
    return row(name, cells, check === undefined ? "" : String(check));
  });
  return [row("name", head, "check"), ...rows].join("\n");
}

/** The machine and what runs on it, as far as it matters to figures. */
function machine(): Readonly<Record<string, string | number>> {
  const { deno, v8 } = Deno.version;
  return { deno, v8, os: Deno.build.os, arch: Deno.build.arch, cores: navigator.hardwareConcurrency };
}

function valueIn(unit: Unit, { wallMs, operations }: Sample): number {
  if (unit === "/s") return operations * 1_000 / wallMs;
  return wallMs / operations * (unit === "µs" ? 1_000 : 1);
}

/** Four significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function figure(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(value);
}

const smokeRuns = 1;
const smokeCountMax = 4;

/**
 * Runs the swarm: real peers under virtual time, a seed a run.
 *
 * ```text
 * deno task sim                              seeds 1 to 20
 * deno task sim --seeds 1..200 --json        the last line of stdout is one JSON object
 * deno task sim --seeds 17..17 --scenario group --svg .tmp/17.svg
 * ```
 *
 * Progress goes to stderr. It ends with 1 if any invariant does not hold.
 */

import { createHash } from "node:crypto";
import { runSeed, scenarios, type SeedOutcome } from "./run_seed.ts";

/** What the command line asks for. */
export interface Request {
  readonly first: number;
  readonly last: number;
  readonly scenario: string | null;
  readonly json: boolean;
  /** Where to write a picture of the first seed. */
  readonly svg: string | null;
  /** Whether to stop at the first violation. */
  readonly stops: boolean;
  readonly threads: number;
}

/** What a run came to. */
export interface Report {
  readonly seeds: number;
  readonly events: number;
  readonly violations: readonly {
    readonly seed: number;
    readonly scenario: string;
    readonly invariant: string;
  }[];
  readonly traceHash: string;
}

/** Reads the command line; a text that says what is wrong with it. */
export function parseRequest(args: readonly string[]): Request | string {
  const request = { first: 1, last: 20, scenario: null, json: false, svg: null, stops: false, threads: 2 };
  const read: { -readonly [key in keyof Request]: Request[key] } = request;
  for (let i = 0; i < args.length; i++) {
    const [option, value] = [args[i]!, args[i + 1]];
    if (option === "--json") read.json = true;
    else if (option === "--stop") read.stops = true;
    else if (option === "--") continue;
    else if (value === undefined || !valued.has(option)) {
      return `Cannot understand "${option}": there are --seeds A..B, --scenario NAME, --json, --svg FILE, --stop, --threads N`;
    } else {
      const fault = takeValue(read, option, value);
      if (fault !== null) return fault;
      i++;
    }
  }
  return read;
}

/** Runs what is asked for, seeds in order as threads come free. */
export async function runSwarm(request: Request, onSeed: (outcome: SeedOutcome) => void): Promise<Report> {
  const outcomes: SeedOutcome[] = [];
  const queue = Array.from({ length: request.last - request.first + 1 }, (_, i) => request.first + i);
  const isOver = () =>
    queue.length === 0 || (request.stops && outcomes.some(({ violation }) => violation !== null));
  const threads = Array.from({ length: Math.min(request.threads, queue.length) }, async () => {
    const thread = new SeedThread();
    try {
      while (!isOver()) {
        const outcome = await thread.run(queue.shift()!, request.scenario);
        outcomes.push(outcome);
        onSeed(outcome);
      }
    } finally {
      thread.end();
    }
  });
  await Promise.all(threads);
  return reportOf(outcomes);
}

function reportOf(outcomes: readonly SeedOutcome[]): Report {
  const inOrder = outcomes.toSorted((a, b) => a.seed - b.seed);
  const hash = createHash("sha256");
  for (const { seed, traceHash } of inOrder) hash.update(`${seed}:${traceHash}\n`);
  const violations = inOrder.flatMap(({ seed, scenario, violation }) =>
    violation === null ? [] : [{ seed, scenario, invariant: violation.invariant }]
  );
  const events = inOrder.reduce((sum, outcome) => sum + outcome.events, 0);
  return { seeds: inOrder.length, events, violations, traceHash: hash.digest("hex").slice(0, 16) };
}

/** One thread that runs a seed at a time. */
class SeedThread {
  readonly #worker = new Worker(new URL("./seed_worker.ts", import.meta.url), { type: "module" });

  run(seed: number, scenario: string | null): Promise<SeedOutcome> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`Seed ${seed} ended its thread: ${event.message}`));
      };
      this.#worker.postMessage(scenario === null ? { seed } : { seed, scenario });
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

function takeValue(
  read: { -readonly [key in keyof Request]: Request[key] },
  option: string,
  value: string,
): string | null {
  if (option === "--seeds") {
    const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(value) ?? [];
    [read.first, read.last] = [Number(first), Number(last ?? first)];
    return read.first <= read.last ? null : `Cannot run the seeds "${value}": write them like 1..200`;
  }
  if (option === "--scenario") {
    read.scenario = value;
    return value in scenarios
      ? null
      : `There is no scenario "${value}": there are ${Object.keys(scenarios).join(", ")}`;
  }
  if (option === "--svg") read.svg = value;
  else read.threads = Number(value);
  return Number.isInteger(read.threads) && read.threads >= 1 ? null : `Cannot run in "${value}" threads`;
}

const valued: ReadonlySet<string> = new Set(["--seeds", "--scenario", "--svg", "--threads"]);

function tell(
  { seed, scenario, events, virtualMs, violation }: SeedOutcome,
  done: number,
  all: number,
): void {
  const verdict = violation === null ? "ok" : `FAILED\n${violation.message}`;
  const span = `${(virtualMs / 1000).toFixed(0)} virtual s`;
  console.error(`${done}/${all}  seed ${seed}  ${scenario}  ${events} events  ${span}  ${verdict}`);
}

async function draw({ first, scenario }: Request, file: string): Promise<void> {
  let picture = "";
  await runSeed(first, { ...(scenario !== null && { scenario }), onDrawn: (svg) => void (picture = svg) });
  await Deno.writeTextFile(file, picture);
  console.error(`A picture of seed ${first} is in ${file}`);
}

if (import.meta.main) {
  const request = parseRequest(Deno.args);
  if (typeof request === "string") {
    console.error(request);
    Deno.exit(2);
  }
  let done = 0;
  const count = request.last - request.first + 1;
  const report = await runSwarm(request, (outcome) => tell(outcome, ++done, count));
  if (request.svg !== null) await draw(request, request.svg);
  const line =
    `${report.seeds} seeds, ${report.events} events, ${report.violations.length} violations, ${report.traceHash}`;
  console.log(request.json ? JSON.stringify(report) : line);
  Deno.exit(report.violations.length === 0 ? 0 : 1);
}

/**
 * Runs the swarm: real peers under virtual time, a seed a run. `deno task sim --help` says what it takes.
 *
 * Progress goes to stderr. It ends with 1 if any invariant does not hold, and with 2 if it cannot begin.
 */

import { createHash } from "node:crypto";
import { parseRequest, type Request, usage } from "./run_request.ts";
import type { SeedOutcome } from "./run_seed.ts";
import type { SeedAnswer, SeedTask } from "./seed_worker.ts";

/** What a run came to. */
export interface Report {
  readonly seeds: number;
  readonly events: number;
  readonly violations: readonly {
    readonly seed: number;
    readonly scenario: string;
    readonly invariant: string;
    /** What does not hold, in one line. */
    readonly message: string;
  }[];
  readonly traceHash: string;
}

/** Runs what is asked for, seeds in order as threads come free; `onDrawn` takes the picture of the first. */
export async function runSwarm(
  request: Request,
  onSeed: (outcome: SeedOutcome) => void,
  onDrawn: (svg: string) => void = () => {},
): Promise<Report> {
  const { first, last, scenario, svg } = request;
  const outcomes: SeedOutcome[] = [];
  let next = first;
  const isOver = () => next > last || (request.stops && outcomes.some(({ violation }) => violation !== null));
  const threads = Array.from({ length: Math.min(request.threads, last - first + 1) }, async () => {
    const thread = new SeedThread();
    try {
      while (!isOver()) {
        const seed = next++;
        const { outcome, picture } = await thread.run({
          seed,
          scenario,
          draws: svg !== null && seed === first,
        });
        outcomes.push(outcome);
        onSeed(outcome);
        if (picture !== null) onDrawn(picture);
      }
    } finally {
      thread.end();
    }
  });
  await Promise.all(threads);
  return reportOf(outcomes);
}

/** Sums up, in the order of the seeds. */
export function reportOf(outcomes: readonly SeedOutcome[]): Report {
  const inOrder = outcomes.toSorted((a, b) => a.seed - b.seed);
  const hash = createHash("sha256");
  for (const { seed, traceHash } of inOrder) hash.update(`${seed}:${traceHash}\n`);
  const violations = inOrder.flatMap(({ seed, scenario, violation }) =>
    violation === null
      ? []
      : [{ seed, scenario, invariant: violation.invariant, message: firstLine(violation) }]
  );
  const events = inOrder.reduce((sum, outcome) => sum + outcome.events, 0);
  return { seeds: inOrder.length, events, violations, traceHash: hash.digest("hex").slice(0, 16) };
}

/** What does not hold, without the invariant's name, which stands beside it. */
function firstLine({ invariant, message }: NonNullable<SeedOutcome["violation"]>): string {
  const line = message.split("\n", 1)[0]!;
  return line.startsWith(`${invariant}: `) ? line.slice(invariant.length + 2) : line;
}

/** One thread that runs a seed at a time. */
class SeedThread {
  readonly #worker = new Worker(new URL("./seed_worker.ts", import.meta.url), { type: "module" });

  run(task: SeedTask): Promise<SeedAnswer> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`Seed ${task.seed} ended its thread: ${event.message}`));
      };
      this.#worker.postMessage(task);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

function tell(
  { seed, scenario, events, virtualMs, violation }: SeedOutcome,
  done: number,
  all: number,
): void {
  const verdict = violation === null ? "ok" : `FAILED\n${violation.message}`;
  const span = `${(virtualMs / 1000).toFixed(0)} virtual s`;
  console.error(`${done}/${all}  seed ${seed}  ${scenario}  ${events} events  ${span}  ${verdict}`);
}

/** Why a picture cannot be written there, or `null`. What stands there stays until there is a picture. */
async function refusalToWrite(file: string): Promise<string | null> {
  try {
    (await Deno.open(file, { write: true, create: true })).close();
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/:? open '.*$/s, "") : String(error);
    return `Cannot write a picture to "${file}": ${why}`;
  }
}

/** Runs the command line and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const request = parseRequest(args);
  if (request === "help") {
    console.log(usage);
    return 0;
  }
  if ("refusal" in request) return refuse(request.refusal);
  const { svg: file, first, last } = request;
  const refusal = file === null ? null : await refusalToWrite(file);
  if (refusal !== null) return refuse(refusal);
  let done = 0;
  let picture = "";
  const report = await runSwarm(
    request,
    (outcome) => tell(outcome, ++done, last - first + 1),
    (svg) => void (picture = svg),
  );
  if (file !== null) {
    await Deno.writeTextFile(file, picture);
    console.error(`A picture of seed ${first} is in ${file}`);
  }
  const { seeds, events, violations, traceHash } = report;
  const line = `${seeds} seeds, ${events} events, ${violations.length} violations, ${traceHash}`;
  console.log(request.json ? JSON.stringify(report) : line);
  return violations.length === 0 ? 0 : 1;
}

function refuse(why: string): number {
  console.error(why);
  return 2;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/** The command line of the swarm. */

import { scenarios } from "./run_seed.ts";

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

/** What `--help` says. */
export const usage: string = `deno task sim [options]

Runs real peers under virtual time and faults, a seed a run, and watches over the invariants.

  --seeds A..B       the seeds A to B, or one alone: 1..200, 17 (1..20 if not given)
  --scenario NAME    ${Object.keys(scenarios).join(", ")}; each seed has one of its own if not given
  --json             the last line of stdout is one JSON object: seeds, events, violations, traceHash
  --svg FILE         a picture of the first of the seeds: --seeds 4..5 --svg 4.svg draws seed 4
  --stop             no further seeds after the first violation
  --threads N        so many at once (2 if not given)
  -h, --help         this text

A seed takes about 5 s of a processor, 200 seeds about 8 minutes on two cores.
Progress goes to stderr, a line a seed. It ends with 0 if all invariants hold, with 1 if one does not, and
with 2 if it cannot begin.`;

/** Reads the command line; `{ refusal }` says in a line what is wrong with it. */
export function parseRequest(args: readonly string[]): Request | "help" | { readonly refusal: string } {
  if (args.some((arg) => arg === "--help" || arg === "-h")) return "help";
  const read: Draft = {
    first: 1,
    last: 20,
    scenario: null,
    json: false,
    svg: null,
    stops: false,
    threads: 2,
  };
  const left = args.filter((arg) => arg !== "--");
  while (left.length > 0) {
    const refusal = takeOption(read, left);
    if (refusal !== null) return { refusal };
  }
  return read;
}

type Draft = { -readonly [key in keyof Request]: Request[key] };

/** Takes the next option, with its value, off `left`; says what is wrong with it. */
function takeOption(read: Draft, left: string[]): string | null {
  const [, option = "", attached] = /^(--[^=]*|[^=]*)(?:=(.*))?$/s.exec(left.shift()!) ?? [];
  if (option === "--json" || option === "--stop") {
    if (attached !== undefined) return `"${option}" takes no value`;
    if (option === "--json") read.json = true;
    else read.stops = true;
    return null;
  }
  const example = valued.get(option);
  if (example === undefined) {
    const known = [
      "--seeds A..B",
      "--scenario NAME",
      "--json",
      "--svg FILE",
      "--stop",
      "--threads N",
      "--help",
    ];
    return `Cannot understand "${option}": there are ${known.join(", ")}`;
  }
  const value = attached ?? (left[0]?.startsWith("--") ? undefined : left.shift());
  if (value === undefined || value === "") {
    return `The value of "${option}" is missing: write ${option} ${example}`;
  }
  return takeValue(read, option, value);
}

function takeValue(read: Draft, option: string, value: string): string | null {
  switch (option) {
    case "--seeds":
      return takeSeeds(read, value);
    case "--scenario":
      read.scenario = value;
      return Object.hasOwn(scenarios, value)
        ? null
        : `There is no scenario "${value}": there are ${Object.keys(scenarios).join(", ")}`;
    case "--svg":
      read.svg = value;
      return null;
    default:
      read.threads = Number(value);
      return Number.isInteger(read.threads) && read.threads >= 1 && read.threads <= threadsMax
        ? null
        : `Cannot run in "${value}" threads: any whole number from 1 to ${threadsMax} will do`;
  }
}

function takeSeeds(read: Draft, value: string): string | null {
  const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(value) ?? [];
  [read.first, read.last] = [Number(first), Number(last ?? first)];
  if (read.first <= read.last && read.last <= seedMax) return null;
  const wrong = read.first > read.last
    ? "the first is above the last"
    : `write 1..200, or 17 alone, up to ${seedMax}`;
  return `Cannot run the seeds "${value}": ${wrong}`;
}

/** Options that take a value, with an example of one. */
const valued: ReadonlyMap<string, string> = new Map([
  ["--seeds", "1..200"],
  ["--scenario", Object.keys(scenarios)[0]!],
  ["--svg", "17.svg"],
  ["--threads", "2"],
]);

/** Each thread is an isolate of its own. Guess: more than machines have processors to spare. */
const threadsMax = 64;

/** A seed is 32 bits. */
const seedMax = 0xffff_ffff;

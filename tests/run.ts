/**
 * Runs the tests and says at the very end, alone on a line, `N passed, N failed`.
 *
 * ```text
 * deno task test                     all but the slow ones, and the examples in comments and documents
 * deno task test unit graph          the test files below tests/ whose path holds one of the words
 * deno task test docs                the examples alone
 * deno task test unit --filter=G01   what begins with a dash goes to `deno test`
 * deno task test:slow                the files named slow_*_test.ts
 * ```
 *
 * Types are not checked here: that is `deno task check`. So a type error in one file does not hide
 * the outcome of all others.
 */

import { listFiles } from "./tidy/sources.ts";

/** What a run of `deno test` came to. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

/** What the command line asks for. */
export interface Request {
  readonly slow: boolean;
  /** Words that a path must hold one of; none asks for all. */
  readonly words: readonly string[];
  /** Flags for `deno test`. */
  readonly flags: readonly string[];
}

const permissions: readonly string[] = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

/** Runs what is asked for and returns the sum. */
export async function runTests(request: Request): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  const files = selectTests(await listFiles("tests", (path) => path.endsWith("_test.ts")), request);
  if (files.length > 0) outcomes.push(await runDeno([...request.flags, ...files]));
  if (wantsExamples(request)) outcomes.push(await runDeno(["--doc", "--ignore=tests,bench", "."]));
  if (outcomes.length === 0) console.error(`No test file matches: ${request.words.join(" ")}`);
  return outcomes.length === 0 ? { passed: 0, failed: 1 } : outcomes.reduce(add);
}

/** Reads the command line. */
export function parseRequest(args: readonly string[]): Request {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const flags = args.filter((arg) => arg.startsWith("-") && arg !== "--slow" && arg !== "--");
  return { slow: args.includes("--slow"), words, flags };
}

/** The test files that a request means, of all files below `tests/`, in order. */
export function selectTests(files: readonly string[], request: Request): readonly string[] {
  return files
    .filter((file) => file.endsWith("_test.ts"))
    .filter((file) => /\/slow_[^/]*$/.test(file) === request.slow)
    .filter((file) => request.words.length === 0 || request.words.some((word) => file.includes(word)))
    .toSorted();
}

/** Whether the request covers the examples in comments and documents. */
export function wantsExamples({ slow, words, flags }: Request): boolean {
  return words.includes("docs") || (!slow && words.length === 0 && flags.length === 0);
}

/**
 * The outcome by the closing line of `deno test` and its exit code. A run that ended badly without
 * a failed test (a module is missing, say) counts as one failure.
 */
export function outcomeOf(output: string, code: number): Outcome {
  const closing = /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed\b/gm;
  const last = [...output.matchAll(closing)].at(-1);
  const passed = Number(last?.[1] ?? 0);
  const failed = Number(last?.[2] ?? 0);
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

async function runDeno(args: readonly string[]): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-check", ...permissions, ...args],
    stdout: "piped",
    stderr: "inherit",
    env: Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" },
  }).spawn();
  const output = await passOn(child.stdout);
  const { code } = await child.status;
  return outcomeOf(output, code);
}

/** Hands the output on as it comes and returns its last part as plain text. */
async function passOn(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const keptCharsMax = 10_000;
  const decoder = new TextDecoder();
  let tail = "";
  for await (const bytes of stream) {
    await writeAll(bytes);
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-keptCharsMax);
  }
  // deno-lint-ignore no-control-regex -- colours are control sequences
  return tail.replaceAll(/\x1b\[[0-9;]*m/g, "");
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

function add(a: Outcome, b: Outcome): Outcome {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

if (import.meta.main) {
  const { passed, failed } = await runTests(parseRequest(Deno.args));
  console.log(`\n${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}

/**
 * All gates, one after the other, each once; a table at the end. `--no-tests` leaves the tests out
 * for a caller that has run them already. That the generated documents are current is one of the
 * tests (`tests/tidy/docs_test.ts`).
 */

/** One gate: a name and what `deno` is asked to do. */
interface Gate {
  readonly name: string;
  readonly args: readonly string[];
}

/** How a gate ended. */
interface Verdict {
  readonly name: string;
  readonly passed: boolean;
  readonly tookMs: number;
}

const entryPoints: readonly string[] = ["mod.ts", "http_api/mod.ts", "lib/sim/mod.ts", "lib/cli/mod.ts"];

const gates: readonly Gate[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["check", "--quiet", "--doc", "."] },
  { name: "doc comments", args: ["doc", "--quiet", "--lint", ...entryPoints] },
  // Types are checked above; slow types are looked for all the same.
  { name: "package", args: ["publish", "--quiet", "--dry-run", "--allow-dirty", "--no-check"] },
  { name: "tests", args: ["run", "-A", "tests/run.ts"] },
  { name: "benchmarks", args: ["run", "-A", "bench/run.ts", "--smoke"] },
];

async function pass(gate: Gate): Promise<Verdict> {
  console.log(`\n== ${gate.name}: deno ${gate.args.join(" ")}`);
  const startedMs = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...gate.args],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return { name: gate.name, passed: success, tookMs: performance.now() - startedMs };
}

function rowOf({ name, passed, tookMs }: Verdict): string {
  const seconds = (tookMs / 1000).toFixed(1).padStart(8);
  return `${passed ? "ok    " : "FAILED"} ${seconds} s  ${name}`;
}

const withTests = !Deno.args.includes("--no-tests");
const verdicts: Verdict[] = [];
for (const gate of gates) {
  if (withTests || gate.name !== "tests") verdicts.push(await pass(gate));
}
console.log(`\n== gates\n${verdicts.map(rowOf).join("\n")}`);
Deno.exit(verdicts.every((verdict) => verdict.passed) ? 0 : 1);

/**
 * Plants bugs, each in a copy of the tree of its own, and says whether the suite catches them.
 *
 * ```text
 * deno run -A tests/planted/run.ts                       all of them
 * deno run -A tests/planted/run.ts --json "one key"      those whose name holds the words, as JSON
 * ```
 *
 * A bug is caught when what must catch it fails with it, naming what the bug breaks, and does not without
 * it. Progress goes to stderr. It ends with 1 if any bug is missed.
 */

import { type Catcher, type PlantedBug, plantedBugs } from "./bugs.ts";

/** What came of one bug. */
export interface Verdict {
  readonly name: string;
  readonly stands: readonly string[];
  readonly isCaught: boolean;
  /** Invariant or test that caught it; else why nothing did. */
  readonly by: string;
  /** The seed that caught it, which is how many it took; `null` for tests. */
  readonly seed: number | null;
  /** Seeds that failed in another way, or without the bug too, as `7:I3`. */
  readonly others: readonly string[];
}

/** Runs bugs, two at a time, each as soon as there is room. */
export async function runPlanted(
  bugs: readonly PlantedBug[],
  onVerdict: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const queue = [...bugs];
  const verdicts: Verdict[] = [];
  await using clean = await CopiedTree.make();
  const workers = Array.from({ length: bugsAtOnce }, async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const verdict = await judge(bug, clean);
      verdicts.push(verdict);
      onVerdict(verdict);
    }
  });
  await Promise.all(workers);
  return verdicts;
}

/** A tree with one bug in it. */
export function planted(source: string, { name, file, find, replace }: PlantedBug): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`"${name}": its text stands ${parts.length - 1} times in ${file}`);
  return parts.join(replace);
}

async function judge(bug: PlantedBug, clean: CopiedTree): Promise<Verdict> {
  await using tree = await CopiedTree.make();
  const { name, stands, catcher, file } = bug;
  const path = `${tree.root}/${file}`;
  await Deno.writeTextFile(path, planted(await Deno.readTextFile(path), bug));
  const checked = await tree.deno(["check", "--quiet", file]);
  const missed = { name, stands, isCaught: false, seed: null, others: [] };
  if (!checked.ok) return { ...missed, by: `it does not compile: ${checked.output}` };
  return catcher.kind === "sim"
    ? await judgeBySeeds(bug, catcher, tree, clean)
    : await judgeByTests(bug, catcher, tree, clean);
}

async function judgeBySeeds(
  { name, stands }: PlantedBug,
  { scenario, invariant, says = "" }: Catcher & { kind: "sim" },
  tree: CopiedTree,
  clean: CopiedTree,
): Promise<Verdict> {
  const others: string[] = [];
  for await (const failure of tree.failures(`1..${seedsMax}`, scenario)) {
    const isIt = failure.invariant === invariant && failure.message.includes(says);
    if (isIt && await passes(clean, failure.seed, scenario)) {
      return { name, stands, isCaught: true, by: failure.message, seed: failure.seed, others };
    }
    others.push(`${failure.seed}:${failure.invariant}`);
  }
  const by = tree.trouble ?? `no seed up to ${seedsMax} breaks ${invariant}`;
  return { name, stands, isCaught: false, by, seed: null, others };
}

async function passes(tree: CopiedTree, seed: number, scenario: string): Promise<boolean> {
  for await (const _failure of tree.failures(`${seed}..${seed}`, scenario)) return false;
  return true;
}

async function judgeByTests(
  { name, stands }: PlantedBug,
  { files, filter }: Catcher & { kind: "tests" },
  tree: CopiedTree,
  clean: CopiedTree,
): Promise<Verdict> {
  const args = ["test", "-A", "--no-check", `--filter=${filter}`, ...files];
  const [without, withIt] = [await clean.deno(args), await tree.deno(args)];
  const failed = [...withIt.output.matchAll(/^(.+) => \.\/tests\/.*$/gm)].map(([, test]) => test!);
  const isCaught = without.ok && failed.some((test) => test.includes(filter));
  const why = without.ok ? "the tests pass with it" : "the tests fail without it too";
  return { name, stands, isCaught, by: isCaught ? failed[0]! : why, seed: null, others: [] };
}

/** One seed that failed. */
interface SeedFailure {
  readonly seed: number;
  readonly invariant: string;
  /** The first line of what was said. */
  readonly message: string;
}

/** A copy of the files of the tree in a folder of its own, which ends with it. */
class CopiedTree implements AsyncDisposable {
  readonly root: string;
  /** Why its seeds did not run to their end, if they did not. */
  trouble: string | null = null;

  private constructor(root: string) {
    this.root = root;
  }

  /** Copies all files that belong to the tree, changed ones as they are. */
  static async make(): Promise<CopiedTree> {
    const source = new URL("../../", import.meta.url).pathname;
    const root = await Deno.makeTempDir({ prefix: "kith-planted-" });
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const { stdout } = await new Deno.Command("git", { args, cwd: source }).output();
    const files = new TextDecoder().decode(stdout).split("\0").filter((file) => file !== "");
    for (const folder of new Set(files.map((file) => file.replace(/[^/]*$/, "")))) {
      await Deno.mkdir(`${root}/${folder}`, { recursive: true });
    }
    await Promise.all(files.map((file) => Deno.copyFile(source + file, `${root}/${file}`)));
    return new CopiedTree(root);
  }

  /** Runs `deno` in it to its end. */
  async deno(args: readonly string[]): Promise<{ readonly ok: boolean; readonly output: string }> {
    const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: this.root, env: plain });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { ok: success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  /** Runs seeds of a scenario in it; gives those that fail as they come, and ends with its reader. */
  async *failures(seeds: string, scenario: string): AsyncGenerator<SeedFailure> {
    const args = ["run", "-A", "--no-check", "tests/sim/run.ts", "--threads", "1"];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args, "--seeds", seeds, "--scenario", scenario],
      ...{ cwd: this.root, env: plain, stdout: "null", stderr: "piped" } as const,
    }).spawn();
    let text = "";
    let hasEnded = false;
    try {
      for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
        text += part;
        for (let found = failureText.exec(text); found !== null; found = failureText.exec(text)) {
          text = text.slice(found.index + found[0].length);
          const [, seed, message] = found;
          yield { seed: Number(seed), invariant: invariantOf(message!), message: message! };
        }
      }
      hasEnded = true;
    } finally {
      if (!hasEnded) child.kill("SIGKILL");
      const { code } = await child.status;
      // 0 and 1 tell whether an invariant is broken; all else is no answer.
      if (hasEnded && code > 1) {
        this.trouble = `the seeds ended with ${code}: ${text.trim().slice(-troubleMax)}`;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** What a scenario asserts itself names its invariant in words. */
function invariantOf(message: string): string {
  return /^(?:assert: )?(\w+):/.exec(message)?.[1] ?? "error";
}

async function main(): Promise<void> {
  const words = Deno.args.filter((arg) => !arg.startsWith("-"));
  const bugs = plantedBugs.filter(({ name }) =>
    words.length === 0 || words.some((word) => name.includes(word))
  );
  const verdicts = await runPlanted(bugs, (verdict) => console.error(lineOf(verdict)));
  const missed = verdicts.filter(({ isCaught }) => !isCaught);
  const line = `${verdicts.length - missed.length} of ${verdicts.length} planted bugs are caught`;
  console.log(Deno.args.includes("--json") ? JSON.stringify(verdicts) : line);
  Deno.exit(missed.length === 0 && verdicts.length > 0 ? 0 : 1);
}

function lineOf({ name, stands, isCaught, by, seed, others }: Verdict): string {
  const when = seed === null ? "" : ` at seed ${seed}`;
  const besides = others.length === 0 ? "" : ` (besides: ${others.join(", ")})`;
  return `${isCaught ? "caught" : "MISSED"}${when}  ${name} (${stands.join(", ")}): ${by}${besides}`;
}

const failureText = / seed (\d+) {2}\w+ {2}.*FAILED\n(.*)\n/;
const plain = { NO_COLOR: "1" };
const bugsAtOnce = 2;
const troubleMax = 500;
const seedsMax = 200;

if (import.meta.main) await main();

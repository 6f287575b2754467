/** The command line of the swarm, and what it says at the end. */

import assert from "node:assert/strict";
import { reportOf } from "./run.ts";
import { parseRequest, usage } from "./run_request.ts";

const asked = { first: 1, last: 20, scenario: null, json: false, svg: null, stops: false, threads: 2 };

Deno.test("parseRequest() takes seeds as a range or alone, beside an option or after a sign", () => {
  assert.deepEqual(parseRequest([]), asked);
  for (const args of [["--seeds", "4..5"], ["--seeds=4..5"], ["--", "--seeds", "4..5"]]) {
    assert.deepEqual(parseRequest(args), { ...asked, first: 4, last: 5 });
  }
  for (const args of [["--seeds", "4"], ["--seeds=4"]]) {
    assert.deepEqual(parseRequest(args), { ...asked, first: 4, last: 4 });
  }
  assert.deepEqual(
    parseRequest(["--json", "--svg", "a=b.svg", "--stop", "--threads=3", "--scenario", "graph"]),
    { ...asked, json: true, svg: "a=b.svg", stops: true, threads: 3, scenario: "graph" },
  );
});

Deno.test("parseRequest() says in one line what is wrong", () => {
  const wrong: [args: string[], says: RegExp][] = [
    [["--seeds"], /^The value of "--seeds" is missing: write --seeds 1\.\.200$/],
    [["--svg", "--json"], /^The value of "--svg" is missing/],
    [["--threads="], /^The value of "--threads" is missing/],
    [["--threads", "0"], /^Cannot run in "0" threads: any whole number from 1 to 64 will do$/],
    [["--threads", "1.5"], /from 1 to 64/],
    [["--threads", "65"], /from 1 to 64/],
    [["--seeds", "5..4"], /^Cannot run the seeds "5\.\.4": the first is above the last$/],
    [["--seeds", "4-5"], /write 1\.\.200, or 17 alone/],
    [["--seeds", "1..99999999999"], /up to 4294967295/],
    [["--scenario", "toString"], /^There is no scenario "toString": there are group, graph, names$/],
    [["--json=1"], /^"--json" takes no value$/],
    [["--sed", "4"], /^Cannot understand "--sed": there are --seeds A\.\.B, /],
    [["4..5"], /^Cannot understand "4\.\.5"/],
  ];
  for (const [args, says] of wrong) {
    const read = parseRequest(args);
    assert.ok(typeof read === "object" && "refusal" in read, args.join(" "));
    assert.match(read.refusal, says);
    assert.doesNotMatch(read.refusal, /\n/);
  }
});

Deno.test("reportOf() tells of each violation which seed, scenario and invariant, and in a line what it is", () => {
  const outcome = { scenario: "group", events: 10, traceHash: "ab", virtualMs: 1_000 };
  const violation = { invariant: "I9", message: "I9: peer 3: it hangs\nSeed 7, after 1 virtual second" };
  const report = reportOf([{ ...outcome, seed: 7, violation }, { ...outcome, seed: 6, violation: null }]);
  assert.match(
    JSON.stringify(report),
    /^\{"seeds":2,"events":20,"violations":\[\{"seed":7,"scenario":"group","invariant":"I9","message":"peer 3: it hangs"\}\],"traceHash":"[0-9a-f]{16}"\}$/,
  );
});

Deno.test("the swarm prints its usage on stdout when asked, and ends well", async () => {
  assert.match(usage, /draws seed 4/);
  assert.match(usage, /5 s .* 200 seeds about 8 minutes/);
  for (const option of ["--help", "-h"]) {
    assert.deepEqual(await run(["--seeds", option]), { code: 0, out: `${usage}\n`, error: "" });
  }
});

Deno.test("the swarm refuses a picture that cannot be written before it runs anything", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const file of [`${directory}/nowhere/4.svg`, directory]) {
      const { code, out, error } = await run(["--seeds", "4", "--svg", file]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(error, /^Cannot write a picture to "[^"\n]+": [^\n]+\n$/);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the swarm writes the picture that it was asked for, and its last line is one object", async () => {
  const file = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    const { code, out } = await run(["--seeds=14", "--scenario=graph", "--json", "--svg", file]);
    assert.equal(code, 0);
    const last = out.trimEnd().split("\n").at(-1)!;
    assert.match(last, /^\{"seeds":1,"events":\d+,"violations":\[\],"traceHash":"[0-9a-f]{16}"\}$/);
    const picture = await Deno.readTextFile(file);
    assert.match(picture, /^<svg /);
    assert.match(picture, /<title>Seed 14, scenario graph<\/title>/);
  } finally {
    await Deno.remove(file);
  }
});

async function run(args: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tests/sim/run.ts", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), error: text.decode(stderr) };
}

/** (I28) One seed gives one trace: again in this process, in another thread, and in another process. */

import assert from "node:assert/strict";
import { type Report, runSwarm } from "./run.ts";
import { runSeed, type SeedOutcome } from "./run_seed.ts";

/** Seeds whose runs are short. */
const seeds: readonly (readonly [seed: number, what: string])[] = [
  [9, "group"],
  [7, "graph"],
  [6, "names"],
  [40, "group, with real cryptography"],
];

const hashes = new Map<number, string>();

for (const [seed, what] of seeds) {
  Deno.test(`[X12] (I28) seed ${seed} (${what}) gives one trace here, in a thread and in another process`, async () => {
    const here = await runSeed(seed);
    hashes.set(seed, here.traceHash);
    assert.equal(here.violation, null);
    assert.ok(what.startsWith(here.scenario) && here.events > 1_000);
    assert.deepEqual(await runSeed(seed), here, "again in this process");
    const outcomes: SeedOutcome[] = [];
    const request = {
      first: seed,
      last: seed,
      scenario: null,
      json: true,
      svg: null,
      stops: false,
      threads: 1,
    };
    const report = await runSwarm(request, (outcome) => void outcomes.push(outcome));
    assert.deepEqual(outcomes, [here], "in a thread");
    assert.deepEqual(await reportElsewhere(seed), report, "in another process");
  });
}

Deno.test("[X12] (I28) different seeds give different traces", () => {
  assert.equal(hashes.size, seeds.length, "the tests above ran");
  assert.equal(new Set(hashes.values()).size, seeds.length);
});

/** What `deno task sim` says of a seed. */
async function reportElsewhere(seed: number): Promise<Report> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tests/sim/run.ts", "--seeds", `${seed}..${seed}`, "--json"],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, err);
  return JSON.parse(out!.trimEnd().split("\n").at(-1)!);
}

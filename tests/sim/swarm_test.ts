/** A part of the swarm in every run of the tests; `deno task sim --seeds 1..200` is the whole. */

import assert from "node:assert/strict";
import { runSwarm } from "./run.ts";
import type { SeedOutcome } from "./run_seed.ts";

/** All three scenarios, and one with real cryptography: the tenth. */
const [first, last] = [6, 10];

Deno.test("[X12] [X09] [R15] [R26] [N36] real peers keep every invariant under the faults of five seeds", async () => {
  const outcomes: SeedOutcome[] = [];
  const options = { scenario: null, json: false, svg: "6.svg", stops: false, threads: 2 };
  const pictures: string[] = [];
  const report = await runSwarm(
    { first, last, ...options },
    (outcome) => void outcomes.push(outcome),
    (svg) => void pictures.push(svg),
  );
  const messages = outcomes.flatMap(({ violation }) => violation === null ? [] : [violation.message]);
  assert.ok(messages.length === 0, `\n${messages.join("\n\n")}`);
  assert.equal(report.seeds, last - first + 1);
  assert.equal(pictures.length, 1);
  assert.ok(pictures[0]!.includes(`<title>Seed ${first}, `), "the first is drawn");
  assert.deepEqual(new Set(outcomes.map(({ scenario }) => scenario)), new Set(["group", "graph", "names"]));
  assert.ok(report.events > 10_000, `${report.events} events are too few to say anything`);
});

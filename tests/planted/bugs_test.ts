/** The list of planted bugs fits the tree; `slow_planted_test.ts` plants them. */

import assert from "node:assert/strict";
import { invariants } from "../../lib/sim/invariants.ts";
import { plantedBugs } from "./bugs.ts";
import { planted } from "./run.ts";

const root = new URL("../../", import.meta.url);

Deno.test("every planted bug changes one place of a file of the product", async () => {
  for (const bug of plantedBugs) {
    assert.match(bug.file, /^(lib|transports)\//, bug.name);
    const source = await Deno.readTextFile(new URL(bug.file, root));
    assert.notEqual(planted(source, bug), source, bug.name);
  }
});

Deno.test("planted() refuses a text that does not stand there, or more than once", () => {
  const bug = { ...plantedBugs[0]!, find: "heron", replace: "egret" };
  assert.equal(planted("a heron", bug), "a egret");
  assert.throws(() => planted("a stork", bug), /stands 0 times/);
  assert.throws(() => planted("heron and heron", bug), /stands 2 times/);
});

Deno.test("there are at least 30 planted bugs, each with a name of its own and tests that exist", async () => {
  assert.ok(plantedBugs.length >= 30);
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  for (const { name, catcher } of plantedBugs) {
    if (catcher.kind === "sim") continue;
    const sources = await Promise.all(catcher.files.map((file) => Deno.readTextFile(new URL(file, root))));
    assert.ok(sources.some((source) => source.includes(catcher.filter)), name);
  }
});

Deno.test("every invariant that applies so far has a planted bug", () => {
  const covered = new Set(plantedBugs.flatMap(({ stands }) => stands));
  const applying = invariants.filter(({ heldBy }) => !heldBy.startsWith("comes with"));
  assert.deepEqual(applying.map(({ id }) => id).filter((id) => !covered.has(id)), []);
});

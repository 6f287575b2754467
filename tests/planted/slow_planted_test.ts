/** Plants every bug in a copy of the tree: the suite catches each. */

import assert from "node:assert/strict";
import { plantedBugs } from "./bugs.ts";
import { runPlanted } from "./run.ts";

Deno.test("every planted bug is caught within 200 seeds, or by the tests that it names", async () => {
  const verdicts = await runPlanted(plantedBugs, ({ name, isCaught, by, seed }) => {
    console.error(
      `${isCaught ? "caught" : "MISSED"} ${name}: ${by}${seed === null ? "" : ` (seed ${seed})`}`,
    );
  });
  assert.deepEqual(verdicts.filter(({ isCaught }) => !isCaught), []);
  assert.equal(verdicts.length, plantedBugs.length);
});

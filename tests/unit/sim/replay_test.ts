import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { replayCommand, seedsToRun } from "../../../lib/sim/replay.ts";

const here = fileURLToPath(import.meta.url);

Deno.test("replayCommand() names the first file of a stack that is not the simulation's own", () => {
  const own = new URL("../../../lib/sim/simulation.ts", import.meta.url).href;
  const stack = [
    "Error",
    `    at Function.each (${own}:139:29)`,
    `    at file:///home/ana/chat/chat_test.ts:4:20`,
    `    at other (file:///home/ana/chat/other.ts:1:1)`,
  ].join("\n");
  assert.equal(
    replayCommand(stack)(17),
    "KITH_SEED=17 deno test --allow-env=KITH_SEED /home/ana/chat/chat_test.ts",
  );
});

Deno.test("replayCommand() finds this file in an error that is made here", () => {
  assert.equal(
    replayCommand(new Error().stack!)(1),
    `KITH_SEED=1 deno test --allow-env=KITH_SEED ${here}`,
  );
});

Deno.test("replayCommand() of a stack without files names none", () => {
  assert.equal(
    replayCommand("Error\n    at <anonymous>:1:1")(2),
    "KITH_SEED=2 deno test --allow-env=KITH_SEED",
  );
});

Deno.test("replayCommand() writes paths so that a shell reads them whole", () => {
  const command = replayCommand("    at file:///home/ana%20b/it's%20one_test.ts:4:20")(3);
  assert.equal(command, `KITH_SEED=3 deno test --allow-env=KITH_SEED '/home/ana b/it'\\''s one_test.ts'`);
});

Deno.test("seedsToRun() gives 1 to count, or the one of KITH_SEED", async () => {
  Deno.env.delete("KITH_SEED");
  assert.deepEqual(await seedsToRun(3), [1, 2, 3]);
  assert.deepEqual(await seedsToRun(0), []);
  try {
    Deno.env.set("KITH_SEED", "17");
    assert.deepEqual(await seedsToRun(3), [17]);
    for (const wrong of ["x", "-1", "1.5", "9007199254740993"]) {
      Deno.env.set("KITH_SEED", wrong);
      await assert.rejects(
        seedsToRun(3),
        new RangeError(
          `Cannot run the seed KITH_SEED="${wrong}": it must be a whole number from 0`,
        ),
      );
    }
  } finally {
    Deno.env.delete("KITH_SEED");
  }
});

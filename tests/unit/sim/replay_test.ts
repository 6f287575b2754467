import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { callerOf, replayByHand, replayCommand, seedsToRun } from "../../../lib/sim/replay.ts";

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
  assert.equal(callerOf(stack), "/home/ana/chat/chat_test.ts:4");
});

Deno.test("replayCommand() names the test, not what helps it: by its name, else the outermost", () => {
  const through = (test: string) =>
    [
      "Error",
      "    at storm (file:///home/ana/chat/storms.ts:4:20)",
      `    at async file:///home/ana/chat/${test}:7:3`,
    ].join("\n");
  for (const test of ["chat.test.ts", "chat_test.js", "test.mts", "main.ts"]) {
    assert.match(
      replayCommand(through(test))(1),
      new RegExp(` /home/ana/chat/${test.replaceAll(".", "\\.")}$`),
    );
  }
});

Deno.test("replayByHand() says where the seed goes", () => {
  assert.equal(
    replayByHand("Error\n    at file:///home/ana/sim.ts:4:20")(9),
    "give seed 9 to the simulation made at /home/ana/sim.ts:4",
  );
  assert.equal(replayByHand("Error")(9), "give seed 9 to the simulation");
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
    for (const wrong of ["x", "-1", "1.5", "", " 3", "0x10", "1e3", "4294967296"]) {
      Deno.env.set("KITH_SEED", wrong);
      await assert.rejects(
        seedsToRun(3),
        new RangeError(
          `Cannot run the seed KITH_SEED="${wrong}": it must be a whole number from 0 to 4294967295`,
        ),
      );
    }
  } finally {
    Deno.env.delete("KITH_SEED");
  }
});

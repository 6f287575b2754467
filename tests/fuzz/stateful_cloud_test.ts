/** A liar among the contacts of a cloud machine: valid, altered and out-of-order datagrams behind good keys and tokens. */

import assert from "node:assert/strict";
import { CloudAttack } from "./cloud_attack.ts";

Deno.test("[X09] (G5) [T27] 8,000 moves of a liar in a cloud: nothing throws or grows, and honest peers are served", () => {
  for (const seed of [1, 2]) {
    const attack = new CloudAttack(seed);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 1_000; i++) attack.step();
      attack.serve(round);
    }
    assert.equal(attack.steps, 4_000);
    assert.ok([...attack.moves.values()].every((times) => times > 100), "every move was made");
    assert.ok(attack.answers > 100, `the victim answered ${attack.answers} times`);
  }
});

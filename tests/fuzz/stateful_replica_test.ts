/** A liar among the members of a group: valid, altered and out-of-order messages behind a good credential. */

import assert from "node:assert/strict";
import { ReplicaAttack } from "./replica_attack.ts";

Deno.test("[X09] (G5) [T36] [T49] 8,000 moves of a lying member: nothing throws or grows, and an honest neighbor is served", () => {
  for (const seed of [1, 2]) {
    const attack = new ReplicaAttack(seed);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 1_000; i++) attack.step();
      attack.serve(round);
    }
    assert.equal(attack.steps, 4_000);
    assert.ok([...attack.moves.values()].every((times) => times > 100), "every move was made");
    assert.ok(attack.parted > 10, `parted with ${attack.parted} times`);
  }
});

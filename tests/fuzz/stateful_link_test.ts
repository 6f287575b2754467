/** Strangers who dial a whole peer and say anything behind a good handshake. */

import assert from "node:assert/strict";
import { LinkAttack } from "./link_attack.ts";

Deno.test("[X09] [T13] [T38] (G5) 4,000 moves of strangers on links: nothing fails or stays, and an honest peer is served", async () => {
  const attack = await LinkAttack.start(1);
  await using _world = attack.world;
  for (let round = 0; attack.steps < 4_000; round++) {
    for (let i = 0; i < 20; i++) await attack.session(40);
    await attack.serve(round);
  }
  assert.ok(
    attack.shakes > 50 && attack.channels > 50,
    `${attack.shakes} handshakes, ${attack.channels} channels`,
  );
});

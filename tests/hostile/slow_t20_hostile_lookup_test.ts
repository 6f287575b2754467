/** T20 with more (goal G10): clouds where no table holds all, with loss, and 20, 30 and 40 % hostile contacts. */

import assert from "node:assert/strict";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { below } from "../../lib/base/random.ts";
import { NamesWorld } from "../sim/names_world.ts";
import { lookUp, publish, searchLies, securedName, Swarm } from "./kit/hostile_swarm.ts";

const crypto = createLightCrypto();
const goals = [[0.2, 0.999], [0.3, 0.995], [0.4, 0.97]] as const;

for (const [share, goal] of goals) {
  Deno.test(`[T20] (G10) ${100 * share} % hostile contacts among 150 honest, 5 % loss: ${100 * goal} % of 600 look-ups find the name`, () => {
    const world = new NamesWorld({ seed: 100 * share, latencyMs: [5, 60], lossShare: 0.05, crypto });
    world.populate(150);
    const names = Array.from({ length: 20 }, (_, i) => securedName(i, crypto));
    const swarm = new Swarm(world);
    const lies = Object.values(searchLies(swarm, names[0]!));
    const count = Math.round(150 * share / (1 - share));
    for (let i = 0; i < count; i++) swarm.add(1, lies[i % lies.length]!);
    swarm.join();
    for (const [i, name] of names.entries()) publish(world.peers[i]!, name);
    world.run(5_000);
    let found = 0;
    let asked = 0;
    for (let i = 0; i < 600; i++) {
      const result = lookUp(world.peers[20 + below(world.random, 130)]!, names[i % 20]!);
      if (result.end === "verified" || result.end === "unverified") found++;
      asked += result.asked;
    }
    assert.ok(found >= Math.ceil(600 * goal), `seed ${100 * share}: ${found} of 600`);
    assert.ok(asked / 600 <= 60, `${asked / 600} contacts asked for each`);
  });
}

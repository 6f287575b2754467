import assert from "node:assert/strict";
import { Simulation } from "../../lib/sim/simulation.ts";
import { gatherCrowd } from "./scenarios/crowd.ts";

Deno.test("[X12] [R02] sixty full peers in one process share a cloud and a graph that they enter by five", async () => {
  await using sim = new Simulation({ seed: 1 });
  const { joinMs, spreadMs, ...outcome } = await gatherCrowd(sim, { peers: 60, writers: 10 });
  assert.deepEqual(outcome, { peers: 60, records: 10, names: 10 });
  assert.ok(joinMs < 10_000, `joining took ${joinMs} virtual ms`);
  assert.ok(spreadMs <= 1_000, `records took ${spreadMs} virtual ms`);
});

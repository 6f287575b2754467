/** Clouds and graphs whose messages travel by reference: the same as with the codec, and large. */

import assert from "node:assert/strict";
import { LeanCloud, type LeanCloudOptions } from "../../lib/sim/lean_cloud.ts";
import { LeanGraph, type LeanGraphOptions } from "../../lib/sim/lean_graph.ts";

function runCloud(options: LeanCloudOptions, count: number, awake?: number) {
  const cloud = new LeanCloud(options);
  if (awake === undefined) cloud.join(count);
  else cloud.place(count, awake);
  const published = cloud.publish(20);
  cloud.stop(0.1);
  const report = cloud.resolve(100);
  const { events, datagrams, bytes, nowMs } = cloud.world;
  return { published, report, events, datagrams, bytes, nowMs, cloud };
}

/** All that the machines say of themselves but what a wire that computes nothing cannot say. */
function statesOf(cloud: LeanCloud): unknown[] {
  return cloud.peers.map(({ machine }) => ({ ...machine.snapshot(), agreements: 0 }));
}

function runGraph(options: LeanGraphOptions, count: number) {
  const graph = new LeanGraph(options);
  graph.join(count);
  const report = graph.spread(4);
  const { events, dials, clock } = graph.world;
  return { report, events, dials, nowMs: clock.now().monoMs, graph };
}

Deno.test("[X12] cloud machines cannot tell messages by reference from sealed ones", () => {
  const options = { seed: 11, lossShare: 0.05 };
  const { cloud: lean, ...leanRun } = runCloud(options, 14);
  const { cloud: sealed, ...sealedRun } = runCloud({ ...options, isSealed: true }, 14);
  assert.deepEqual(leanRun, sealedRun, "the same ends, events, datagrams, bytes and moment");
  assert.deepEqual(statesOf(lean), statesOf(sealed));
});

Deno.test("[X12] replicas cannot tell messages by reference from encoded ones", () => {
  const { graph: lean, ...leanRun } = runGraph({ seed: 12 }, 12);
  const { graph: encoded, ...encodedRun } = runGraph({ seed: 12, isEncoded: true }, 12);
  assert.deepEqual(leanRun, encodedRun, "the same deliveries, copies, events, dials and moment");
  assert.deepEqual(
    lean.nodes.map(({ replica }) => replica.snapshot()),
    encoded.nodes.map(({ replica }) => replica.snapshot()),
  );
});

Deno.test("[X12] [N36] 500 contacts, 5 % loss, a tenth dead: names are found within 22 hops", () => {
  const { published, report } = runCloud({ seed: 13, lossShare: 0.05 }, 500, 20);
  assert.equal(published, 20);
  assert.ok(report.found >= 99, `seed 13: ${report.found} of 100`);
  assert.ok(report.hopsMax <= 22);
  assert.ok(report.datagramsMean <= 120, `seed 13: ${report.datagramsMean} datagrams`);
});

Deno.test("[X12] 200 nodes that each know one other become one graph, and what one writes reaches all", () => {
  const { graph, report } = runGraph({ seed: 14 }, 200);
  assert.ok(graph.nodes.every(({ replica }) => replica.neighbors().length > 0), "nobody is alone");
  assert.ok(report.isEverywhere, JSON.stringify(report));
  assert.equal(report.deliveries, 4 * 199);
});

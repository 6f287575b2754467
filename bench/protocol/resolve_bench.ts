/**
 * Resolving names over UDP on loopback, all participants in this process. A resolve ends with the
 * publisher's own answer; the CPU time is that of everybody who took part.
 */

import { Peer } from "@kith/peer";
import { type Bench, type Case, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures resolves in clouds of two sizes. */
export const resolveBench: Bench = { name: "resolve", run };

async function run(scale: Scale): Promise<Result[]> {
  await using stack = new AsyncDisposableStack();
  const cases: Case[] = [];
  for (const size of scale.isSmoke ? [4] : cloudSizes) {
    const peers = await openCloud(size, stack);
    for (const [i, { names }] of peers.slice(0, namesPublished).entries()) {
      await names.register(nameOf(i));
    }
    cases.push(caseOf(`resolve/${size} in the cloud, first publisher`, peers, 1, scale));
    cases.push(caseOf(`resolve/${size} in the cloud, all publishers`, peers, 32, scale));
  }
  return await measureCases(cases, scale.runs(25));
}

function caseOf(name: string, peers: readonly Peer[], max: number, scale: Scale): Case {
  const operations = scale.count(10);
  let turn = 0;
  return {
    name,
    unit: "ms",
    operations,
    async work() {
      let found = 0;
      for (let i = 0; i < operations; i++) {
        // Another asks each time, and never the publisher.
        const published = turn++ % namesPublished;
        const asker = peers[namesPublished + turn % (peers.length - namesPublished)]!;
        const results = await asker.names.resolve(nameOf(published), { max });
        if (results.some(({ verified }) => verified)) found++;
      }
      return `${found} of ${operations} verified`;
    },
  };
}

/** Peers of one cloud. Each starts from the first and looks around before the next one comes. */
async function openCloud(count: number, stack: AsyncDisposableStack): Promise<Peer[]> {
  const peers: Peer[] = [];
  while (peers.length < count) {
    const peer = stack.use(await Peer.open());
    const [first] = peers;
    if (first !== undefined) await peer.names.bootstrap([endpointOf(first)]);
    peers.push(peer);
  }
  return peers;
}

function endpointOf(peer: Peer): string {
  return peer.status().nameEndpoints[0]!.replace("udp://", "");
}

function nameOf(index: number): string {
  return `0.heron-${index}`;
}

const cloudSizes: readonly number[] = [8, 50];
const namesPublished = 3;

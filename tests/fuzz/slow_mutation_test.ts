/**
 * Five million datagrams and frames, and all that lies next to each golden packet. Most of them go to
 * decoders; the stateful part takes the full doors of machines.
 */

import assert from "node:assert/strict";
import { CloudAttack } from "./cloud_attack.ts";
import { LinkAttack } from "./link_attack.ts";
import { createForges } from "./forges.ts";
import { draftPackets, type PacketKind } from "./golden_packets.ts";
import { mutateBlindly, mutateForged, Tally } from "./mutation.ts";
import { judgeNeighbors } from "./neighbors.ts";
import { ReplicaAttack } from "./replica_attack.ts";

const packets = draftPackets();
const forges = createForges();
const tally = new Tally();
let neighbors = 0;

/** Inputs of each kind: altered blindly, and by who knows the format and has the keys. */
const shares: Readonly<Record<PacketKind, readonly [blind: number, forged: number]>> = {
  "datagram": [250_000, 50_000],
  "request": [600_000, 100_000],
  "response": [600_000, 100_000],
  "hint": [200_000, 0],
  "registration": [250_000, 20_000],
  "item": [450_000, 30_000],
  "graph message": [1_000_000, 250_000],
  "frame": [500_000, 50_000],
  "link message": [1_000_000, 200_000],
  "handshake": [10_000, 0],
  "envelope": [20_000, 0],
  "link proof": [20_000, 5_000],
  "peer id": [20_000, 20_000],
  "peer name": [50_000, 0],
  "host name": [50_000, 0],
  "invitation": [20_000, 20_000],
};

/** What arrives in a datagram or on a link, at whatever depth. */
const datagramsAndFrames: readonly PacketKind[] = [
  ...["datagram", "request", "response", "hint", "registration"] as const,
  ...["frame", "link message", "graph message", "item"] as const,
];

for (const [i, [name, [blind, forged]]] of Object.entries(shares).entries()) {
  const kind = name as PacketKind;
  Deno.test(`[X09] [T7] [T37] [T39] [T88] [T89] (G4) ${blind + forged} altered packets: ${kind}`, () => {
    mutateBlindly(tally, packets.filter((packet) => packet.kind === kind), 100 + i, blind);
    if (forged > 0) mutateForged(tally, forges.filter(({ origin }) => origin.kind === kind), 200 + i, forged);
    assert.equal(tally.count(kind), blind + forged);
  });
}

Deno.test("[X09] [T7] (G4) every bit flip, cut and extension of every golden packet is cleanly judged", () => {
  for (const packet of packets) {
    for (const count of judgeNeighbors(packet).values()) neighbors += count;
  }
  assert.ok(neighbors > 400_000, `${neighbors} neighbors`);
});

Deno.test("[X09] (G4) at least 5,000,000 datagrams and frames were judged, and none did anything else", () => {
  const judged = tally.count(...datagramsAndFrames);
  assert.ok(judged >= 5_000_000, `${judged}`);
  console.log(
    `${judged} datagrams and frames, ${tally.count()} altered packets, ${neighbors} neighbors of packets`,
  );
});

Deno.test("[X09] [T27] (G5) 100,000 moves of a liar in a cloud: nothing throws or grows, and honest peers are served", () => {
  for (let seed = 10; seed < 20; seed++) {
    const attack = new CloudAttack(seed);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 1_000; i++) attack.step();
      attack.serve(round);
    }
  }
});

Deno.test("[X09] [T36] [T49] (G5) 100,000 moves of a lying member: nothing throws or grows, and an honest neighbor is served", () => {
  for (let seed = 10; seed < 30; seed++) {
    const attack = new ReplicaAttack(seed);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 1_000; i++) attack.step();
      attack.serve(round);
    }
  }
});

Deno.test("[X09] [T13] [T38] (G5) 10,000 moves of strangers on links: nothing fails or stays, and an honest peer is served", async () => {
  const attack = await LinkAttack.start(10);
  await using _world = attack.world;
  for (let round = 0; attack.steps < 10_000; round++) {
    for (let i = 0; i < 40; i++) await attack.session(60);
    await attack.serve(round);
  }
});

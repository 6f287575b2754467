/** Golden packets are kept for ever, and everything near them is taken, ignored or refused, and no more. */

import assert from "node:assert/strict";
import { GraphMessageType } from "../../lib/graph/messages.ts";
import { PacketType } from "../../lib/names/datagram.ts";
import { ItemKind } from "../../lib/records/item.ts";
import { decode, isArray } from "../../lib/wire/codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import golden from "../golden/packets_1.json" with { type: "json" };
import { purposesOf } from "./decoders.ts";
import { goldenPatterns } from "./golden_links.ts";
import {
  type DraftPacket,
  draftPackets,
  goldenPackets,
  type PacketKind,
  packetsVersion,
} from "./golden_packets.ts";
import { dearKinds, judgeNeighbors } from "./neighbors.ts";

const packets = draftPackets();

Deno.test("[X09] (G4) at least 300 golden packets are what the code makes today, verdicts included", () => {
  assert.equal(golden.version, packetsVersion);
  assert.ok(golden.packets.length >= 300, `${golden.packets.length} packets`);
  assert.deepEqual(goldenPackets(), golden.packets);
});

Deno.test("[X09] (G4) golden packets have names of their own, and one of each kind is taken and one refused", () => {
  const names = new Set(packets.map(({ kind, name }) => `${kind} ${name}`));
  assert.equal(names.size, packets.length);
  for (const kind of new Set(packets.map((packet) => packet.kind))) {
    const verdicts = golden.packets.filter((packet) => packet.kind === kind).map(({ verdict }) => verdict);
    assert.ok(verdicts.includes("ok"), kind);
    const isNeverRefused = kind === "hint" || kind === "envelope";
    assert.ok(isNeverRefused || verdicts.some((verdict) => verdict !== "ok"), kind);
  }
});

Deno.test("[X09] (G4) a golden packet is there for every number that the protocol gives a meaning", () => {
  const first = (bytes: Uint8Array): unknown => {
    const decoded = decode(bytes);
    return decoded.ok && isArray(decoded.value) ? decoded.value[0] : null;
  };
  const seen = (kind: PacketKind, numberOf: (packet: DraftPacket) => unknown) =>
    new Set(packets.filter((packet) => packet.kind === kind).map(numberOf));
  const payloadOf = (bytes: Uint8Array): Uint8Array => {
    if (bytes[0] === 2) return bytes.subarray(1);
    const opened = openEnvelope(bytes);
    return opened.ok ? opened.payload : new Uint8Array(0);
  };
  const missing = (wanted: readonly unknown[], found: ReadonlySet<unknown>) =>
    wanted.filter((one) => !found.has(one));
  assert.deepEqual(missing(Object.values(PacketType), seen("datagram", ({ bytes }) => bytes[1])), []);
  assert.deepEqual(missing([1, 2, 3, 4], seen("request", ({ bytes }) => first(bytes))), []);
  assert.deepEqual(missing([17, 18, 19, 20], seen("response", ({ bytes }) => first(bytes))), []);
  assert.deepEqual(
    missing(Object.values(ItemKind), seen("item", ({ bytes }) => first(payloadOf(bytes)))),
    [],
  );
  assert.deepEqual(
    missing(Object.values(GraphMessageType), seen("graph message", ({ bytes }) => first(bytes))),
    [],
  );
  assert.deepEqual(missing([0, 1, 2, 3, 4, 5, 6, 7], seen("link message", ({ bytes }) => first(bytes))), []);
  assert.deepEqual(missing(goldenPatterns, seen("handshake", ({ name }) => name.split(" ")[0])), []);
  const purposes = Object.values(Purpose).filter((purpose) => purpose !== Purpose.keyExport);
  assert.deepEqual(missing(purposes, seen("envelope", ({ name }) => name.split(" ")[0])), []);
});

for (const kind of new Set(packets.map((packet) => packet.kind))) {
  const isDear = dearKinds.has(kind);
  const what = isDear
    ? "many bit flips and cuts, and each extension, of a good"
    : "each bit flip, cut and extension of a";
  const [bitStep, cutStep] = kind === "handshake" ? [40, 8] : isDear ? [8, 1] : [1, 1];
  Deno.test(`[X09] [T7] (G4) ${what} golden ${kind} is cleanly judged`, () => {
    const near = packets.filter((packet, i) => {
      return packet.kind === kind && (!isDear || golden.packets[i]!.verdict === "ok");
    });
    const reasons = near.flatMap((packet) => [...judgeNeighbors(packet, bitStep, cutStep).keys()]);
    assert.ok(reasons.some((reason) => reason !== "ok"));
  });
}

Deno.test("[X09] [T7] a golden envelope holds for its own purpose alone", () => {
  for (const { name, bytes } of packets.filter(({ kind }) => kind === "envelope")) {
    const holding = purposesOf(bytes);
    assert.equal(holding.length, 1);
    assert.ok(name.startsWith(holding[0]!));
  }
});

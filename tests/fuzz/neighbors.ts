/** All that lies next to a golden packet, through its decoder. */

import assert from "node:assert/strict";
import { fromUtf8, hex } from "../../lib/base/bytes.ts";
import { verdictOf } from "./decoders.ts";
import { type DraftPacket, draftPackets, type PacketKind } from "./golden_packets.ts";
import { cuts, extensions, flips } from "./mutators.ts";

/** Kinds that cost a signature, an agreement or twenty hashes each time: all their bits are for slow tests. */
export const dearKinds: ReadonlySet<PacketKind> = new Set(
  ["datagram", "response", "registration", "item", "handshake", "envelope"] as const,
);

// Kinds of which an altered packet may be another good one; all others are signed or have a checksum.
const openKinds: ReadonlySet<PacketKind> = new Set(
  ["datagram", "request", "response", "hint", "graph message", "link message", "handshake", "frame"] as const,
).union(new Set(["item", "peer name", "host name"] as const));

/** Judges the extensions of a packet and, in steps, its cuts and bit flips. Gives how often each verdict came. */
export function judgeNeighbors(packet: DraftPacket, bitStep = 1, cutStep = 1): ReadonlyMap<string, number> {
  const verdicts = new Map<string, number>();
  const own = verdictOf(packet, packet.bytes);
  const judge = (bytes: Uint8Array) => {
    const verdict = judged(packet, bytes);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (verdict === "ok") assert.ok(mayBeGood(packet, bytes), `${packet.name}: ${bytes.toHex()} is taken`);
  };
  for (const bytes of flips(packet.bytes, bitStep)) judge(bytes);
  for (const bytes of cuts(packet.bytes, cutStep)) judge(bytes);
  for (const bytes of extensions(packet.bytes)) judge(bytes);
  // What was refused in between has moved no nonce and no key.
  assert.equal(verdictOf(packet, packet.bytes), own, packet.name);
  return verdicts;
}

/** The verdict; whatever is thrown says which bytes did it. */
export function judged(packet: DraftPacket, bytes: Uint8Array): string {
  try {
    return verdictOf(packet, bytes);
  } catch (error) {
    throw new Error(`${packet.kind}, ${packet.name}: ${bytes.toHex()}`, { cause: error });
  }
}

function mayBeGood({ kind }: DraftPacket, altered: Uint8Array): boolean {
  return openKinds.has(kind) || goods.has(textOf(kind, altered));
}

/** Golden packets that are taken: what is altered of one that is not may be one of them. */
const goods: ReadonlySet<string> = new Set(
  draftPackets().filter((packet) => verdictOf(packet, packet.bytes) === "ok")
    .map(({ kind, bytes }) => textOf(kind, bytes)),
);

function textOf(kind: PacketKind, bytes: Uint8Array): string {
  // Space around an invitation means nothing.
  return kind === "invitation" ? (fromUtf8(bytes) ?? String.fromCharCode(...bytes)).trim() : hex(bytes);
}

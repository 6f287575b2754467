/** Mutation of every golden packet, blind and by somebody who knows the format and has the keys. */

import assert from "node:assert/strict";
import { createForges } from "./forges.ts";
import { draftPackets } from "./golden_packets.ts";
import { mutateBlindly, mutateForged, Tally } from "./mutation.ts";
import { verdictOf } from "./decoders.ts";

const packets = draftPackets();
const forges = createForges();

Deno.test("[X09] [T7] (G4) 20,000 packets altered blindly are taken or cleanly refused", () => {
  const tally = new Tally();
  mutateBlindly(tally, packets, 20_261_125, 20_000);
  assert.equal(tally.count(), 20_000);
});

Deno.test("[X09] a forged packet with its content unaltered has the verdict of the golden one", () => {
  for (const { origin, content, wrap } of forges) {
    const verdict = verdictOf(origin, origin.bytes);
    if (verdict === "bad_signature" || verdict === "refused") continue;
    assert.equal(verdictOf(origin, wrap(content)), verdict, `${origin.kind}, ${origin.name}`);
  }
});

Deno.test("[X09] [T7] [T37] [T39] [T88] [T89] 15,000 contents altered by who signs and seals them are taken or refused", () => {
  const tally = new Tally();
  mutateForged(tally, forges, 20_261_126, 15_000);
  assert.equal(tally.count(), 15_000);
  // Some of what a liar signs is well-formed: the mutation went past the signature.
  for (
    const kind of [
      "request",
      "response",
      "datagram",
      "item",
      "graph message",
      "link message",
      "frame",
    ] as const
  ) {
    assert.ok(tally.taken(kind) > 0, `no altered ${kind} is well-formed`);
  }
});

/** A cloud of 200 machines, where no routing table holds all. */

import assert from "node:assert/strict";
import { below } from "../../lib/base/random.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { contentOf, NamesWorld, resolvedOf, signerOf } from "./names_world.ts";

Deno.test("[N36] 200 contacts, 1 % loss: 99.9 % of 2,000 resolves find the name, within 22 hops", () => {
  const world = new NamesWorld({ seed: 200, lossShare: 0.01, crypto: createLightCrypto() });
  world.populate(200);
  for (let i = 0; i < 50; i++) {
    const content = contentOf({ comment: `${i}` });
    world.peers[4 * i]!.wait({
      kind: "register",
      authority: null,
      classifier: `name ${i}`,
      signer: signerOf(1 + i, world.crypto),
      content,
    });
  }
  world.run(5_000);
  const failures: string[] = [];
  let asked = 0;
  for (let i = 0; i < 2_000; i++) {
    const peer = world.peers[below(world.random, 200)]!;
    const request = {
      kind: "resolve",
      authority: null,
      classifier: `name ${i % 50}`,
      resultsMax: 32,
    } as const;
    const end = peer.wait(request);
    if (!("result" in end)) {
      failures.push(`${i}: ${end.code}`);
      continue;
    }
    const { hops, asked: count } = resolvedOf(end);
    assert.ok(hops <= 22);
    asked += count;
  }
  assert.ok(failures.length <= 2, `seed 200: ${failures.join()}`);
  assert.ok(asked / 2_000 <= 10, `${asked / 2_000} contacts asked for each resolve`);
  for (const peer of world.peers) {
    const { sizeEstimate, contacts } = peer.machine.snapshot();
    assert.ok(sizeEstimate > 60 && sizeEstimate < 700, `an estimate of ${sizeEstimate}`);
    assert.ok(contacts.length >= 40);
  }
});

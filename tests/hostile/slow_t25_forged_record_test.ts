/** T25 with more: every bit of 200 registrations. Signatures are real ones, so it takes a minute. */

import assert from "node:assert/strict";
import { cloudId } from "../../lib/names/id_space.ts";
import { openRegistration, verifyRegistration } from "../../lib/names/registration.ts";
import { crypto } from "../sim/names_world.ts";
import { sampleRegistrations } from "./kit/forged_registrations.ts";

Deno.test("[T25] no registration of 200 with one bit turned is taken", () => {
  const cloud = cloudId(crypto, "test");
  let tried = 0;
  for (const bytes of sampleRegistrations(3, 200)) {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const opened = openRegistration(crypto, cloud, flipped);
      assert.ok(!opened.ok || !verifyRegistration(crypto, cloud, opened.statement), `bit ${bit}`);
      tried++;
    }
  }
  assert.ok(tried > 300_000, `${tried} bits`);
});

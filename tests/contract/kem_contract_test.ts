import assert from "node:assert/strict";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { createKem } from "../../lib/platform/kem.ts";
import { kemContract } from "./kem_contract.ts";

kemContract("this platform", createKem);

Deno.test("Kem of this platform agrees with another implementation, either way round", async () => {
  const kem = createKem();
  const theirs = ml_kem768.keygen(new Uint8Array(64).fill(1));
  const toThem = await kem.encapsulate(theirs.publicKey);
  assert(toThem !== null);
  assert.deepEqual(ml_kem768.decapsulate(toThem.ciphertext, theirs.secretKey), toThem.sharedSecret);

  const ours = await kem.generate();
  const toUs = ml_kem768.encapsulate(ours.publicKey, new Uint8Array(32).fill(2));
  assert.deepEqual(await ours.decapsulate(toUs.cipherText), toUs.sharedSecret);
});

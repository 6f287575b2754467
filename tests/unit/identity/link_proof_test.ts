import assert from "node:assert/strict";
import { checkLinkProof, createLinkProof } from "../../../lib/identity/link_proof.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { encode } from "../../../lib/wire/codec.ts";
import { sealEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";

const crypto = createCrypto();
const staticKey = crypto.x25519.publicKey(new Uint8Array(32).fill(1));
const otherKey = crypto.x25519.publicKey(new Uint8Array(32).fill(2));
const signer = signerOf(3);

Deno.test("checkLinkProof() names the identity and the time of a proof", () => {
  const proof = createLinkProof(crypto, signer, staticKey, 1_700_000_000_000);
  assert.deepEqual(checkLinkProof(crypto, proof, staticKey), {
    ok: true,
    identityKey: signer.publicKey,
    issuedMs: 1_700_000_000_000,
  });
});

Deno.test("checkLinkProof() refuses a proof of another static key, signer or purpose", () => {
  const proof = createLinkProof(crypto, signer, staticKey, 1);
  assert.deepEqual(checkLinkProof(crypto, proof, otherKey), { ok: false, reason: "other_static_key" });

  const claims = (key: Uint8Array) => encode([1, key, staticKey, 1]);
  const lie = sealEnvelope(crypto, signerOf(4), Purpose.handshake, staticKey, claims(signer.publicKey));
  assert.deepEqual(checkLinkProof(crypto, lie, staticKey), { ok: false, reason: "bad_signature" });

  const item = sealEnvelope(crypto, signer, Purpose.item, staticKey, claims(signer.publicKey));
  assert.deepEqual(checkLinkProof(crypto, item, staticKey), { ok: false, reason: "bad_signature" });

  const identityPoint = new Uint8Array(32).with(0, 1);
  const hostile = sealEnvelope(crypto, signer, Purpose.handshake, staticKey, claims(identityPoint));
  assert.deepEqual(checkLinkProof(crypto, hostile, staticKey), { ok: false, reason: "bad_key" });
});

Deno.test("checkLinkProof() refuses every altered, cut or lengthened proof without throwing", () => {
  const proof = createLinkProof(crypto, signer, staticKey, 1);
  for (let i = 0; i < proof.length; i++) {
    const altered = proof.slice();
    altered[i]! ^= 0x04;
    assert.equal(checkLinkProof(crypto, altered, staticKey).ok, false, `byte ${i}`);
    assert.equal(checkLinkProof(crypto, proof.subarray(0, i), staticKey).ok, false, `cut at ${i}`);
  }
  assert.equal(checkLinkProof(crypto, new Uint8Array([...proof, 0]), staticKey).ok, false);
});

function signerOf(seedByte: number) {
  const seed = new Uint8Array(32).fill(seedByte);
  return {
    publicKey: crypto.ed25519.publicKey(seed),
    sign: (message: Uint8Array) => crypto.ed25519.sign(seed, message),
  };
}

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { utf8 } from "../../../lib/base/bytes.ts";
import { Identity, signerOf, verifyAppSignature } from "../../../lib/identity/identity.ts";
import { parsePeerId } from "../../../lib/identity/peer_id.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { openEnvelope, sealEnvelope, verifyEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";

const crypto = createCrypto();
const seed = new Uint8Array(32).map((_, i) => 200 - i);
const alice = Identity.fromSeed(crypto, seed, "Alice");
const bob = Identity.fromSeed(crypto, new Uint8Array(32).fill(2), "Bob");

Deno.test("[I01] an identity follows from its seed: key, peer id, peer names", () => {
  assert.deepEqual(alice.publicKey, crypto.ed25519.publicKey(seed));
  assert.deepEqual(parsePeerId(crypto, alice.id), alice.publicKey);
  assert.equal(alice.peerName().text, alice.id);
  assert.equal(alice.peerName("printer").text, `${alice.id}.printer`);
  assert.throws(() => alice.peerName("a".repeat(150)), { code: "invalid_peer_name" });
  assert.throws(() => Identity.fromSeed(crypto, seed.subarray(1), "Alice"));
});

Deno.test("[I01] an identity's name has 1 to 255 code points", () => {
  for (const name of ["a", "é".repeat(255), "🦩".repeat(255)]) {
    assert.equal(Identity.fromSeed(crypto, seed, name).name, name);
  }
  for (const name of ["", "a".repeat(256), "🦩".repeat(256), "a\nb", "e\u0301", "\ud800"]) {
    assert.throws(() => Identity.fromSeed(crypto, seed, name), RangeError);
  }
});

Deno.test("[I03] identities of one seed have one peer name, whatever they are called", () => {
  const renamed = Identity.fromSeed(crypto, seed, "Alice of the pond");
  assert.equal(renamed.id, alice.id);
  assert.deepEqual(renamed.peerName("a"), alice.peerName("a"));
});

Deno.test("[I09] an application signs and verifies in a context, and gets its bytes back", () => {
  const signed = alice.sign(utf8("heron"), "notes");
  assert.deepEqual(verifyAppSignature(crypto, alice.publicKey, "notes", signed), utf8("heron"));
  assert.equal(verifyAppSignature(crypto, alice.publicKey, "Notes", signed), null);
  assert.equal(verifyAppSignature(crypto, alice.publicKey, "", signed), null);
  assert.equal(verifyAppSignature(crypto, bob.publicKey, "notes", signed), null);
  for (let i = 0; i < signed.length; i++) {
    const altered = signed.with(i, signed[i]! ^ 1);
    assert.equal(verifyAppSignature(crypto, alice.publicKey, "notes", altered), null, `byte ${i}`);
  }
  assert.throws(() => alice.sign(utf8("heron"), "\ud800"), RangeError);
});

Deno.test("[I09] what an application has signed passes for no purpose of Kith's, nor the other way round", () => {
  const scope = new Uint8Array(32).fill(1);
  const signed = openEnvelope(alice.sign(utf8("heron"), "notes"));
  assert(signed.ok);
  for (const purpose of Object.values(Purpose)) {
    const holds = verifyEnvelope(crypto, signed, purpose, utf8("notes"), alice.publicKey);
    assert.equal(holds, purpose === Purpose.app);
  }
  const item = sealEnvelope(crypto, signerOf(alice), Purpose.item, scope, utf8("heron"));
  assert.equal(verifyAppSignature(crypto, alice.publicKey, "\u0001".repeat(32), item), null);
});

Deno.test("signerOf() signs as the identity", () => {
  const signer = signerOf(alice);
  assert.deepEqual(signer.publicKey, alice.publicKey);
  assert(crypto.ed25519.verify(alice.publicKey, utf8("heron"), signer.sign(utf8("heron"))));
});

Deno.test("an identity shows its seed to nobody", () => {
  const own = [...Object.getOwnPropertyNames(alice), ...Object.getOwnPropertySymbols(alice)];
  assert.deepEqual(own.sort(), ["id", "name"]);
  const shown = [
    JSON.stringify(alice),
    JSON.stringify(structuredClone(alice)),
    inspect(alice, { showHidden: true, depth: 9, getters: true }),
    Deno.inspect(alice, { showHidden: true, depth: 9, getters: true }),
    inspect(signerOf(alice), { showHidden: true, depth: 9 }),
    alice.sign(new Uint8Array(), "notes").toHex(),
  ];
  // The bytes of the seed fall by one: in any base they would stand in this order.
  for (const text of shown) {
    assert(!text.includes(seed.subarray(0, 3).toHex()), text);
    assert(!/200,\s*199,\s*198/.test(text), text);
    assert(!text.includes(seed.subarray(0, 3).toBase64()), text);
  }
});

Deno.test("an identity does not change with the seed or key that the caller holds", () => {
  const given = seed.slice();
  const identity = Identity.fromSeed(crypto, given, "Alice");
  given.fill(0);
  identity.publicKey.fill(0);
  assert.deepEqual(identity.publicKey, alice.publicKey);
  const signed = identity.sign(utf8("heron"), "notes");
  assert.deepEqual(verifyAppSignature(crypto, alice.publicKey, "notes", signed), utf8("heron"));
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import { concat, utf8 } from "../../../lib/base/bytes.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { openEnvelope, sealEnvelope, type Signer, verifyEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";
import cose from "../../golden/cose_eddsa.json" with { type: "json" };
import golden from "../../golden/envelope.json" with { type: "json" };

const crypto = createCrypto();
const bytes = (text: string) => Uint8Array.fromHex(text);
const scope = new Uint8Array(32).fill(2);
const purposes = Object.values(Purpose);

for (const vector of golden.envelopes) {
  Deno.test(`sealEnvelope() gives the bytes of another COSE library: ${vector.purpose}`, () => {
    const purpose = purposes.find((known) => known === vector.purpose)!;
    const payload = bytes(vector.payload);
    const sealed = sealEnvelope(crypto, signerOf(bytes(vector.seed)), purpose, bytes(vector.scope), payload);
    // Theirs begins with the tag of COSE_Sign1, ours with the version.
    assert.equal(sealed.toHex(), vector.cose_sign1_tagged.replace(/^d2/, "01"));
    const opened = openEnvelope(sealed);
    assert(opened.ok);
    assert.deepEqual(opened.payload, payload);
    assert(verifyEnvelope(crypto, opened, purpose, bytes(vector.scope), bytes(vector.public_key)));
  });
}

Deno.test("an envelope is signed over the structure of RFC 9052, put together by hand", () => {
  const payload = utf8("This is the content.");
  const opened = openEnvelope(sealEnvelope(crypto, signerOf(seed(1)), Purpose.item, scope, payload));
  assert(opened.ok);
  const external = concat(bytes("826b"), utf8("kith/item/1"), bytes("5820"), scope);
  const structure = concat(
    bytes("846a"),
    utf8("Signature1"),
    bytes("43a10132"),
    bytes(`58${external.length.toString(16)}`),
    external,
    bytes("54"),
    payload,
  );
  const der = concat(bytes("302e020100300506032b657004220420"), seed(1));
  const secret = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  assert(verify(null, structure, createPublicKey(secret), opened.signature));
});

Deno.test("the published COSE example verifies, and is no envelope of ours", () => {
  const { input, intermediates, output } = cose.examples[0]!;
  const signature = bytes(output.cbor).subarray(-64);
  const signed = bytes((intermediates as { ToBeSign_hex: string }).ToBeSign_hex);
  assert(crypto.ed25519.verify(bytes(input.sign0!.key.x_hex), signed, signature));
  assert.deepEqual(openEnvelope(bytes(output.cbor)), { ok: false, reason: "unknown_version" });
  const versioned = concat(Uint8Array.of(1), bytes(output.cbor).subarray(1));
  assert.deepEqual(openEnvelope(versioned), { ok: false, reason: "not_an_envelope" });
});

Deno.test("a signature for one purpose verifies for no other", () => {
  const signer = signerOf(seed(1));
  const table = purposes.map((sealed) => {
    const opened = openEnvelope(sealEnvelope(crypto, signer, sealed, scope, utf8("heron")));
    assert(opened.ok);
    return purposes.map((purpose) => verifyEnvelope(crypto, opened, purpose, scope, signer.publicKey));
  });
  assert.deepEqual(table, purposes.map((sealed) => purposes.map((purpose) => sealed === purpose)));
  assert.equal(new Set(purposes).size, Object.keys(Purpose).length);
});

Deno.test("a signature within one scope verifies in no other, nor under another key, nor for another payload", () => {
  const signer = signerOf(seed(1));
  const opened = openEnvelope(sealEnvelope(crypto, signer, Purpose.item, scope, utf8("heron")));
  assert(opened.ok);
  const verifies = (within: Uint8Array, key: Uint8Array, payload = opened.payload) =>
    verifyEnvelope(crypto, { ...opened, payload }, Purpose.item, within, key);
  assert(verifies(scope, signer.publicKey));
  const others = [new Uint8Array(), scope.subarray(1), scope.with(31, 3), concat(scope, scope)];
  for (const other of others) assert(!verifies(other, signer.publicKey), other.toHex());
  assert(!verifies(scope, signerOf(seed(2)).publicKey));
  assert(!verifies(scope, signer.publicKey, utf8("Heron")));
});

Deno.test("openEnvelope() takes payloads of every length of head, and only the shortest head", () => {
  const signer = signerOf(seed(1));
  for (const length of [0, 1, 23, 24, 25, 26, 255, 256, 257, 258, 65_535, 65_536, 65_540]) {
    const payload = new Uint8Array(length).fill(7);
    const opened = openEnvelope(sealEnvelope(crypto, signer, Purpose.item, scope, payload));
    assert(opened.ok, `${length}`);
    assert.deepEqual(opened.payload, payload);
  }
  const sealed = sealEnvelope(crypto, signer, Purpose.item, scope, Uint8Array.of(9));
  const start = sealed.subarray(0, 7);
  const end = sealed.subarray(8);
  for (const head of ["5801", "590001", "5a00000001", "5b0000000000000001", "5f41"]) {
    const wider = concat(start, bytes(head), end);
    assert.deepEqual(openEnvelope(wider), { ok: false, reason: "not_an_envelope" }, head);
  }
});

Deno.test("openEnvelope() refuses every envelope that is cut, lengthened, or altered in its layout", () => {
  const sealed = sealEnvelope(crypto, signerOf(seed(1)), Purpose.item, scope, utf8("heron"));
  for (let i = 0; i < sealed.length; i++) {
    assert.equal(openEnvelope(sealed.subarray(0, i)).ok, false, `cut ${i}`);
  }
  assert.equal(openEnvelope(concat(sealed, Uint8Array.of(0))).ok, false);
  const layout = [...Array(8).keys(), sealed.length - 66, sealed.length - 65];
  for (const i of layout) assert.equal(openEnvelope(sealed.with(i, sealed[i]! ^ 1)).ok, false, `byte ${i}`);
});

Deno.test("sealEnvelope() asserts that the signer returns a signature", () => {
  const broken: Signer = { publicKey: new Uint8Array(32), sign: () => new Uint8Array(64) };
  assert.throws(() => sealEnvelope(crypto, broken, Purpose.item, scope, scope), /signature that others take/);
});

function signerOf(seed: Uint8Array): Signer {
  return {
    publicKey: crypto.ed25519.publicKey(seed),
    sign: (message) => crypto.ed25519.sign(seed, message),
  };
}

function seed(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

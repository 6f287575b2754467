import assert from "node:assert/strict";
import { isAgreementKey } from "../../../lib/identity/keys.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { isCanonicalSignature, parsePublicKey, verifySignature } from "../../../lib/wire/signature.ts";
import edges from "../../golden/ed25519_edge_cases.json" with { type: "json" };

const crypto = createCrypto();
const bytes = (text: string) => Uint8Array.fromHex(text);

/** The verdict of protocol §1 on each published case: only honest points, S and R get through, and cofactorless. */
const valid = ["mixed order A and R"];

for (const [index, edge] of edges.cases.entries()) {
  Deno.test(`verifySignature() judges published case ${index}: ${edge.note}`, () => {
    const key = bytes(edge.pub_key);
    assert.equal(parsePublicKey(key) === null, edge.public_key_must_be_refused_at_parse);
    const verdict = verifySignature(crypto, key, bytes(edge.message), bytes(edge.signature));
    assert.equal(verdict, valid.includes(edge.note));
  });
}

Deno.test("parsePublicKey() refuses every encoding of a point of small order and every y from p on", () => {
  const prime = 2n ** 255n - 19n;
  const smallOrder = [0n, 1n, prime - 1n, littleEndian(edges.cases[0]!.pub_key) % 2n ** 255n];
  smallOrder.push(prime - smallOrder[3]!); // its negative
  for (const y of smallOrder) {
    for (const sign of [0n, 1n]) assert.equal(parsePublicKey(encoded(y, sign)), null, `${y} ${sign}`);
  }
  for (let y = prime; y < 2n ** 255n; y++) {
    for (const sign of [0n, 1n]) assert.equal(parsePublicKey(encoded(y, sign)), null, `${y} ${sign}`);
  }
  for (const y of [2n, 3n, prime - 2n, prime - 3n]) {
    assert.notEqual(parsePublicKey(encoded(y, 1n)), null, `${y}`);
  }
});

Deno.test("parsePublicKey() gives a copy, and null for any other length", () => {
  const key = crypto.ed25519.publicKey(new Uint8Array(32).fill(1));
  const parsed = parsePublicKey(key);
  assert.deepEqual(parsed, key);
  assert.notEqual(parsed, key);
  for (const length of [0, 31, 33, 64]) assert.equal(parsePublicKey(new Uint8Array(length).fill(2)), null);
});

Deno.test("isCanonicalSignature() draws the line at L exactly", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const point = crypto.ed25519.publicKey(new Uint8Array(32).fill(1));
  const signature = (scalar: bigint) => new Uint8Array([...point, ...encoded(scalar, 0n)]);
  assert(isCanonicalSignature(signature(0n)));
  assert(isCanonicalSignature(signature(order - 1n)));
  assert(!isCanonicalSignature(signature(order)));
  assert(!isCanonicalSignature(signature(order + 1n)));
  assert(!isCanonicalSignature(signature(2n ** 253n)));
  assert(!isCanonicalSignature(signature(0n).subarray(1)));
});

Deno.test("verifySignature() refuses the one signature that holds for any message under the identity point", () => {
  const identityPoint = new Uint8Array(32).with(0, 1);
  const forged = new Uint8Array(64).with(0, 1);
  assert(crypto.ed25519.verify(identityPoint, bytes("00"), forged), "the platform takes it: hence the rule");
  assert(!verifySignature(crypto, identityPoint, bytes("00"), forged));
});

Deno.test("isAgreementKey() refuses exactly the keys that the platform finds no secret with", () => {
  const secret = new Uint8Array(32).fill(9);
  const prime = 2n ** 255n - 19n;
  const order8 = littleEndian("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
  const otherOrder8 = littleEndian("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157");
  const near = [0n, 1n, 2n, 9n, prime - 2n, prime - 1n, prime, prime + 1n, prime + 2n, 2n ** 255n - 1n];
  for (const u of [...near, order8, order8 + 1n, otherOrder8, otherOrder8 - 1n]) {
    for (const top of [0n, 1n]) {
      const key = encoded(u, top);
      assert.equal(isAgreementKey(key), crypto.x25519.agree(secret, key) !== null, `${u} ${top}`);
    }
  }
  assert(!isAgreementKey(new Uint8Array(31).fill(9)));
});

function littleEndian(text: string): bigint {
  return BigInt("0x" + bytes(text).reverse().toHex());
}

/** 255 bits little-endian, and the top bit. */
function encoded(value: bigint, top: bigint): Uint8Array {
  return bytes((value + top * 2n ** 255n).toString(16).padStart(64, "0")).reverse();
}

import assert from "node:assert/strict";
import { base32, fromBase32 } from "../../../lib/base/base32.ts";
import { concat, utf8 } from "../../../lib/base/bytes.ts";
import { parsePeerId, peerIdText } from "../../../lib/identity/peer_id.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";

const crypto = createCrypto();
const key = crypto.ed25519.publicKey(new Uint8Array(32).fill(1));
const id = peerIdText(crypto, key);

Deno.test("peerIdText() gives this text, which parsePeerId() takes back", () => {
  assert.equal(id, "rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5ocucyb");
  assert.equal(id.length, 56);
  assert.deepEqual(parsePeerId(crypto, id), key);
});

Deno.test("parsePeerId() refuses every altered letter, exchanged neighbors, other lengths and upper case", () => {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  let slipped = 0;
  for (let i = 0; i < id.length; i++) {
    for (const letter of letters) {
      if (letter === id[i]) continue;
      if (parsePeerId(crypto, id.slice(0, i) + letter + id.slice(i + 1)) !== null) slipped++;
    }
  }
  // Two bytes of checksum let one in 65,536 through: none of these 1,736.
  assert.equal(slipped, 0);
  assert.equal(parsePeerId(crypto, id.slice(0, 3) + id[4] + id[3] + id.slice(5)), null);
  for (const text of ["", id.slice(1), id + "a", id.toUpperCase(), "é".repeat(56), "1".repeat(56)]) {
    assert.equal(parsePeerId(crypto, text), null, text);
  }
});

Deno.test("parsePeerId() refuses an unsafe key and another version though their checksums hold", () => {
  const text = (publicKey: Uint8Array, version: Uint8Array) =>
    base32(
      concat(publicKey, crypto.sha256(utf8("kith/peer-id"), publicKey, version).subarray(0, 2), version),
    );
  assert.equal(text(key, Uint8Array.of(1)), id);
  assert.equal(parsePeerId(crypto, text(key, Uint8Array.of(2))), null);
  assert.equal(parsePeerId(crypto, text(new Uint8Array(32).with(0, 1), Uint8Array.of(1))), null);
  assert.equal(parsePeerId(crypto, text(new Uint8Array(32).fill(0xff), Uint8Array.of(1))), null);
  assert.equal(fromBase32(id)?.length, 35);
});

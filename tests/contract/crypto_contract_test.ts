import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { cryptoContract } from "./crypto_contract.ts";

cryptoContract("this platform", createCrypto);

const { sha256, hmacSha256, ed25519, x25519, aead } = createCrypto();
const bytes = (text: string) => Uint8Array.fromHex(text);

Deno.test("sha256() and hmacSha256() give the published answers (FIPS 180-4, RFC 4231 case 2)", () => {
  assert.equal(
    sha256(utf8("abc")).toHex(),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.equal(
    hmacSha256(utf8("Jefe"), utf8("what do ya want for nothing?")).toHex(),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

Deno.test("ed25519 gives the published answer (RFC 8032 §7.1, test 2)", () => {
  const seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  assert.equal(
    ed25519.publicKey(seed).toHex(),
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  );
  assert.equal(
    ed25519.sign(seed, bytes("72")).toHex(),
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
});

Deno.test("x25519 gives the published answer and refuses points of small order (RFC 7748 §5.2, §6.1)", () => {
  const bob = bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  assert.equal(
    x25519.publicKey(bob).toHex(),
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  assert.equal(
    x25519.agree(bob, bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))?.toHex(),
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  );
  const smallOrder = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const point of smallOrder) assert.equal(x25519.agree(bob, bytes(point)), null, point);
});

Deno.test("aead gives the published answer (RFC 8439 §2.8.2)", () => {
  const key = bytes("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const text =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    "sunscreen would be it.";
  const sealed = aead.seal(
    key,
    bytes("070000004041424344454647"),
    bytes("50515253c0c1c2c3c4c5c6c7"),
    utf8(text),
  );
  assert.equal(sealed.subarray(0, 16).toHex(), "d31a8d34648e60db7b86afbc53ef7ec2");
  assert.equal(sealed.subarray(-16).toHex(), "1ae10b594f09e26a7e902ecbd0600691");
});

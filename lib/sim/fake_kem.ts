/**
 * A KEM for simulations: it has the sizes and the manners of ML-KEM-768, draws from a seeded random,
 * settles at once, and hides nothing from anybody who looks.
 */

import type { Crypto, Kem, KemKeyPair, Random } from "../base/ports.ts";

/** A KEM that protects nothing and repeats exactly. */
export function createFakeKem(crypto: Pick<Crypto, "sha256">, random: Random): Kem {
  const secretOf = (publicKey: Uint8Array, ciphertext: Uint8Array) => crypto.sha256(publicKey, ciphertext);

  const generate = (): Promise<KemKeyPair> => {
    const publicKey = publicKeyOf(random.bytes(seedBytes));
    return Promise.resolve({
      publicKey,
      decapsulate: (ciphertext) =>
        Promise.resolve(ciphertext.length === ciphertextBytes ? secretOf(publicKey, ciphertext) : null),
    });
  };

  const encapsulate: Kem["encapsulate"] = (publicKey) => {
    if (!isPublicKey(publicKey)) return Promise.resolve(null);
    const ciphertext = random.bytes(ciphertextBytes);
    return Promise.resolve({ ciphertext, sharedSecret: secretOf(publicKey, ciphertext) });
  };

  return { generate, encapsulate };
}

/** The seed again and again, each time marked by its place, so that not any bytes are a key. */
function publicKeyOf(seed: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: publicKeyBytes }, (_, i) => seed[i % seedBytes]! ^ (i >> 5));
}

function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== publicKeyBytes) return false;
  return publicKeyOf(bytes.subarray(0, seedBytes)).every((byte, i) => byte === bytes[i]);
}

const seedBytes = 32;
const publicKeyBytes = 1_184;
const ciphertextBytes = 1_088;

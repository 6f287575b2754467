/**
 * The KEM port on WebCrypto's ML-KEM-768, the only ML-KEM that the platform has. Its private keys
 * cannot be exported and it takes no seed.
 */

import type { Kem, KemEncapsulation, KemKeyPair } from "../base/ports.ts";

/** ML-KEM-768 of this machine. */
export function createKem(): Kem {
  return { generate, encapsulate };
}

async function generate(): Promise<KemKeyPair> {
  const pair = await subtle.generateKey(algorithm, false, ["encapsulateBits", "decapsulateBits"]);
  const publicKey = new Uint8Array(await subtle.exportKey("raw-public", pair.publicKey));
  return {
    publicKey,
    async decapsulate(ciphertext) {
      try {
        return new Uint8Array(await subtle.decapsulateBits(algorithm, pair.privateKey, ciphertext));
      } catch {
        return null; // not 1,088 bytes
      }
    },
  };
}

async function encapsulate(publicKey: Uint8Array): Promise<KemEncapsulation | null> {
  try {
    const key = await subtle.importKey("raw-public", publicKey, algorithm, true, ["encapsulateBits"]);
    const { ciphertext, sharedKey } = await subtle.encapsulateBits(algorithm, key);
    return { ciphertext: new Uint8Array(ciphertext), sharedSecret: new Uint8Array(sharedKey) };
  } catch {
    return null; // not 1,184 bytes, or a coefficient outside the field (FIPS 203 §7.2)
  }
}

/** What "Modern Algorithms in the Web Cryptography API" adds, which TypeScript does not know yet. */
interface KemSubtle {
  generateKey(algorithm: string, extractable: boolean, usages: readonly string[]): Promise<CryptoKeyPair>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  importKey(
    format: "raw-public",
    bytes: Uint8Array,
    algorithm: string,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  encapsulateBits(
    algorithm: string,
    key: CryptoKey,
  ): Promise<{ readonly ciphertext: ArrayBuffer; readonly sharedKey: ArrayBuffer }>;
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: Uint8Array): Promise<ArrayBuffer>;
}

const subtle = crypto.subtle as unknown as KemSubtle;
const algorithm = "ML-KEM-768";

/** Counts what cryptography was asked for: cost in simulations is counted work, never time. */

import type { Crypto } from "../base/ports.ts";

/** How often each primitive was used. */
export interface CryptoCounts {
  readonly signatures: number;
  readonly verifications: number;
  readonly agreements: number;
  readonly sealed: number;
  readonly opened: number;
}

/** Sees each sealing: its key and nonce may never come together again. */
export type SealTap = (key: Uint8Array, nonce: Uint8Array) => void;

/** A {@linkcode Crypto} that counts. */
export class CryptoWork {
  /** The counting one. */
  readonly crypto: Crypto;
  /** The one that it counts, for those who only look. */
  readonly uncounted: Crypto;
  /** Sees each sealing. */
  onSeal: SealTap = () => {};
  #signatures = 0;
  #verifications = 0;
  #agreements = 0;
  #sealed = 0;
  #opened = 0;

  /** Counts the uses of `inner`. */
  constructor(inner: Crypto) {
    this.uncounted = inner;
    const { ed25519, x25519, aead } = inner;
    this.crypto = {
      sha256: inner.sha256,
      hmacSha256: inner.hmacSha256,
      ed25519: {
        publicKey: (seed) => ed25519.publicKey(seed),
        sign: (seed, message) => (this.#signatures++, ed25519.sign(seed, message)),
        verify: (key, message, signature) => (this.#verifications++, ed25519.verify(key, message, signature)),
      },
      x25519: {
        publicKey: (secretKey) => x25519.publicKey(secretKey),
        agree: (secretKey, publicKey) => (this.#agreements++, x25519.agree(secretKey, publicKey)),
      },
      aead: {
        seal: (key, nonce, associated, plaintext) => {
          this.#sealed++;
          this.onSeal(key, nonce);
          return aead.seal(key, nonce, associated, plaintext);
        },
        open: (key, nonce, associated, ciphertext) => {
          this.#opened++;
          return aead.open(key, nonce, associated, ciphertext);
        },
      },
    };
  }

  /** All counts so far. */
  counts(): CryptoCounts {
    return {
      signatures: this.#signatures,
      verifications: this.#verifications,
      agreements: this.#agreements,
      sealed: this.#sealed,
      opened: this.#opened,
    };
  }
}

/** Crypto that counts what is asked of it: cost is judged by counted work, never by time. */

import type { Crypto } from "../../../lib/base/ports.ts";
import { fixtureCrypto } from "../../fixtures/items.ts";

/** What was asked of a {@linkcode CountingCrypto}. */
export interface CryptoCounts {
  verifications: number;
  signatures: number;
  hashes: number;
  agreements: number;
  /** AEADs opened, or tried to. */
  openings: number;
}

/** Real crypto, and how often it was used. */
export interface CountingCrypto extends Crypto {
  readonly counts: CryptoCounts;
  /** What `work` cost. */
  cost(work: () => void): CryptoCounts;
}

/** Makes a crypto that counts from nothing. */
export function createCountingCrypto(real: Crypto = fixtureCrypto): CountingCrypto {
  const counts: CryptoCounts = { verifications: 0, signatures: 0, hashes: 0, agreements: 0, openings: 0 };
  return {
    ...real,
    counts,
    sha256: (...parts) => {
      counts.hashes++;
      return real.sha256(...parts);
    },
    ed25519: {
      ...real.ed25519,
      publicKey: (seed) => real.ed25519.publicKey(seed),
      sign: (seed, message) => {
        counts.signatures++;
        return real.ed25519.sign(seed, message);
      },
      verify: (...args) => {
        counts.verifications++;
        return real.ed25519.verify(...args);
      },
    },
    x25519: {
      publicKey: (secretKey) => real.x25519.publicKey(secretKey),
      agree: (...args) => {
        counts.agreements++;
        return real.x25519.agree(...args);
      },
    },
    aead: {
      seal: (...args) => real.aead.seal(...args),
      open: (...args) => {
        counts.openings++;
        return real.aead.open(...args);
      },
    },
    cost(work) {
      const before = { ...counts };
      work();
      return {
        verifications: counts.verifications - before.verifications,
        signatures: counts.signatures - before.signatures,
        hashes: counts.hashes - before.hashes,
        agreements: counts.agreements - before.agreements,
        openings: counts.openings - before.openings,
      };
    },
  };
}

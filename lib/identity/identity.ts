/**
 * Identities: who a peer is to others. An identity keeps its seed to itself: nothing on it, and no
 * inspection or serialization of it, shows the seed, and applications sign with it only under a purpose of
 * their own, so no signature they are talked into can pass for one of Kith's.
 */

import { utf8 } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { isWireText } from "../wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer, verifyEnvelope } from "../wire/envelope.ts";
import { Purpose } from "../wire/purposes.ts";
import { identityNameCodePointsMax } from "./limits.ts";
import { peerIdText } from "./peer_id.ts";
import { createPeerName, type PeerName } from "./peer_name.ts";

/** Set by the class, which alone can read what it keeps private. */
let readSigner: (identity: Identity) => Signer;

/** A name for people, and an Ed25519 key pair whose secret half stays inside. */
export class Identity {
  /** The peer id: its public key as a text. */
  readonly id: string;
  /** What its owner calls it. It is not part of any peer name. */
  readonly name: string;
  readonly #crypto: Crypto;
  readonly #publicKey: Uint8Array;
  readonly #signer: Signer;

  /** The identity of a 32-byte seed. */
  static fromSeed(crypto: Crypto, seed: Uint8Array, name: string): Identity {
    const kept = new Uint8Array(seed);
    const publicKey = crypto.ed25519.publicKey(kept);
    const sign = (message: Uint8Array) => crypto.ed25519.sign(kept, message);
    return new Identity(crypto, { publicKey, sign }, name);
  }

  private constructor(crypto: Crypto, signer: Signer, name: string) {
    requireIdentityName(name);
    this.id = peerIdText(crypto, signer.publicKey);
    this.name = name;
    this.#crypto = crypto;
    this.#publicKey = signer.publicKey;
    this.#signer = signer;
  }

  /** The Ed25519 public key: a copy. */
  get publicKey(): Uint8Array {
    return new Uint8Array(this.#publicKey);
  }

  /** A peer name that only this identity may publish: its own, or one with a classifier. */
  peerName(classifier?: string): PeerName {
    return createPeerName(this.#crypto, this.publicKey, classifier ?? null);
  }

  /**
   * Signs bytes for an application. The context says what for, and the signature holds in no other. The
   * result holds the bytes as well; {@linkcode verifyAppSignature} takes them out.
   */
  sign(bytes: Uint8Array, context: string): Uint8Array {
    return sealEnvelope(this.#crypto, this.#signer, Purpose.app, contextScope(context), bytes);
  }

  static {
    readSigner = (identity) => identity.#signer;
  }
}

/** The bytes that an identity signed in this context, or `null` if it did not. */
export function verifyAppSignature(
  crypto: Crypto,
  publicKey: Uint8Array,
  context: string,
  envelope: Uint8Array,
): Uint8Array | null {
  const opened = openEnvelope(envelope);
  if (!opened.ok) return null;
  const holds = verifyEnvelope(crypto, opened, Purpose.app, contextScope(context), publicKey);
  return holds ? new Uint8Array(opened.payload) : null;
}

/** Signs with an identity for Kith's own purposes. Not for applications: `mod.ts` leaves it out. */
export function signerOf(identity: Identity): Signer {
  return readSigner(identity);
}

/** Throws a `RangeError` unless the text may name an identity. */
export function requireIdentityName(name: string): void {
  const codePoints = name.length > 2 * identityNameCodePointsMax ? Infinity : [...name].length;
  if (
    codePoints >= 1 && codePoints <= identityNameCodePointsMax && isWireText(name) && !/\p{Cc}/u.test(name)
  ) {
    return;
  }
  throw new RangeError(
    `An identity's name must have 1 to ${identityNameCodePointsMax} characters of Unicode text in NFC, none of them ` +
      `a control character, and this one does not`,
  );
}

function contextScope(context: string): Uint8Array {
  // Broken surrogates all become the same bytes: two contexts would be one.
  if (!context.isWellFormed()) throw new RangeError("A signing context must be well-formed Unicode text");
  return utf8(context);
}

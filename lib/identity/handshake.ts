/**
 * The handshake of a link: the Noise Protocol Framework, revision 34, with X25519, ChaCha20-Poly1305 and
 * SHA-256, as one state that its driver moves message by message. `XXhfs` and `IKhfs` add ML-KEM-768 by
 * the tokens `e1` and `ekem1` of the Noise extension for hybrid forward secrecy (profile
 * `Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256`); they hold against whoever breaks one of X25519 and
 * ML-KEM alone.
 *
 * Nothing here draws keys or waits: ephemeral keys come in at the start, and what the asynchronous KEM
 * yields comes in with the message that needs it. A message that is refused leaves the state as it was.
 */

import { assert } from "../base/assert.ts";
import { concat, utf8 } from "../base/bytes.ts";
import type { Crypto, KemEncapsulation } from "../base/ports.ts";
import { CipherState, tagBytes } from "../wire/cipher.ts";
import { isAgreementKey } from "./keys.ts";
import { handshakeMessageBytesMax } from "./limits.ts";

/** The patterns: who knows whose static key before, and whether a KEM takes part. */
export type HandshakePattern = "XX" | "IK" | "NK" | "KK" | "XXhfs" | "IKhfs";

/** What one end brings along. Which keys are needed follows from pattern and role. */
export interface HandshakeOptions {
  readonly pattern: HandshakePattern;
  /** Whether this end sends the first message. */
  readonly initiator: boolean;
  /** What both ends must agree on before: version and purpose. */
  readonly prologue: Uint8Array;
  /** A fresh X25519 secret key. */
  readonly ephemeralKey: Uint8Array;
  /** This end's X25519 secret key. */
  readonly staticKey?: Uint8Array;
  /** The other end's X25519 public key, where the pattern has it known before: one that `isAgreementKey` took. */
  readonly remoteStatic?: Uint8Array;
  /** A fresh ML-KEM-768 public key: for the initiator of a hybrid pattern. */
  readonly kemPublicKey?: Uint8Array;
}

/** Why a message was refused. */
export type HandshakeRejection = "bad_length" | "bad_key" | "bad_tag";

/** What a message carried, or why it was refused. */
export type HandshakeRead =
  | { readonly ok: true; readonly payload: Uint8Array }
  | { readonly ok: false; readonly reason: HandshakeRejection };

/** What a finished handshake leaves. */
export interface HandshakeResult {
  /** Key of what this end sends. */
  readonly sendKey: Uint8Array;
  /** Key of what this end receives. */
  readonly receiveKey: Uint8Array;
  /** Names this one handshake; equal at both ends and nowhere else. */
  readonly handshakeHash: Uint8Array;
  /** The other end's X25519 public key; `null` where the pattern has none. */
  readonly remoteStatic: Uint8Array | null;
}

/** One end of one handshake. */
export class HandshakeState {
  readonly #crypto: Crypto;
  readonly #options: HandshakeOptions;
  readonly #messages: readonly (readonly Token[])[];
  #turn = 0;
  #symmetric: SymmetricState;
  #remote: RemoteKeys;
  #result: HandshakeResult | null = null;

  /** Starts a handshake; asserts that the keys its pattern needs are there. */
  constructor(crypto: Crypto, options: HandshakeOptions) {
    const pattern = patterns[options.pattern];
    assertKeys(pattern, options);
    this.#crypto = crypto;
    this.#options = options;
    this.#messages = pattern.messages;
    this.#remote = { ephemeral: null, static: options.remoteStatic ?? null, kem: null };
    this.#symmetric = new SymmetricState(crypto, pattern.name);
    this.#symmetric.mixHash(options.prologue);
    for (const side of pattern.known) {
      const own = (side === "initiator") === options.initiator;
      this.#symmetric.mixHash(own ? crypto.x25519.publicKey(options.staticKey!) : options.remoteStatic!);
    }
  }

  /** Writes this end's next message. `kem` is what encapsulating to {@linkcode kemPublicKey} gave, where the message carries it. */
  writeMessage(payload: Uint8Array, kem?: KemEncapsulation): Uint8Array {
    assert(this.next === "write", "a handshake message is written in turn");
    const symmetric = this.#symmetric.clone();
    const parts: Uint8Array[] = [];
    for (const token of this.#messages[this.#turn]!) {
      parts.push(this.#write(token, symmetric, kem));
    }
    parts.push(symmetric.encryptAndHash(payload));
    this.#advance(symmetric, this.#remote);
    const message = concat(...parts);
    assert(message.length <= handshakeMessageBytesMax, "a handshake message is no longer than Noise has it");
    return message;
  }

  /**
   * Reads the other end's next message. `kemSharedSecret` is what decapsulating the ciphertext of
   * {@linkcode kemCiphertext} gave, where the message carries one.
   */
  readMessage(message: Uint8Array, kemSharedSecret?: Uint8Array): HandshakeRead {
    assert(this.next === "read", "a handshake message is read in turn");
    const reading = this.#startReading(message);
    const rejection = this.#readTokens(reading, this.#messages[this.#turn]!, kemSharedSecret);
    if (rejection !== null) return { ok: false, reason: rejection };
    const payload = reading.symmetric.decryptAndHash(reading.rest);
    if (payload === null) return { ok: false, reason: "bad_tag" };
    this.#advance(reading.symmetric, reading.remote);
    return { ok: true, payload };
  }

  /** The KEM ciphertext inside the other end's next message, to be decapsulated before it is read; changes nothing. */
  kemCiphertext(
    message: Uint8Array,
  ): { readonly ok: true; readonly ciphertext: Uint8Array } | {
    readonly ok: false;
    readonly reason: HandshakeRejection;
  } {
    const tokens = this.#messages[this.#turn] ?? [];
    assert(this.next === "read" && tokens.includes("ekem1"), "only one message carries a KEM ciphertext");
    const reading = this.#startReading(message);
    const rejection = this.#readTokens(reading, tokens.slice(0, tokens.indexOf("ekem1")), undefined);
    if (rejection !== null) return { ok: false, reason: rejection };
    const sealed = take(reading, kemCiphertextBytes + reading.symmetric.overheadBytes);
    if (sealed === null) return { ok: false, reason: "bad_length" };
    const ciphertext = reading.symmetric.decryptAndHash(sealed);
    return ciphertext === null ? { ok: false, reason: "bad_tag" } : { ok: true, ciphertext };
  }

  /** What this end does next. */
  get next(): "write" | "read" | "done" {
    if (this.#turn >= this.#messages.length) return "done";
    return (this.#turn % 2 === 0) === this.#options.initiator ? "write" : "read";
  }

  /** Whether the next message carries a KEM ciphertext. */
  get nextHasKem(): boolean {
    return this.#messages[this.#turn]?.includes("ekem1") ?? false;
  }

  /** The other end's ML-KEM-768 public key, once it is known. */
  get kemPublicKey(): Uint8Array | null {
    return this.#remote.kem;
  }

  /** The other end's X25519 public key, once it is known. */
  get remoteStatic(): Uint8Array | null {
    return this.#remote.static;
  }

  /** The outcome, once {@linkcode next} is `done`. */
  get result(): HandshakeResult | null {
    return this.#result;
  }

  #write(token: Token, symmetric: SymmetricState, kem: KemEncapsulation | undefined): Uint8Array {
    const { ephemeralKey, staticKey, kemPublicKey } = this.#options;
    switch (token) {
      case "e": {
        const key = this.#crypto.x25519.publicKey(ephemeralKey);
        symmetric.mixHash(key);
        return key;
      }
      case "s":
        return symmetric.encryptAndHash(this.#crypto.x25519.publicKey(staticKey!));
      case "e1":
        return symmetric.encryptAndHash(kemPublicKey!);
      case "ekem1": {
        assert(kem?.ciphertext.length === kemCiphertextBytes, "this message carries a KEM ciphertext");
        const sealed = symmetric.encryptAndHash(kem.ciphertext);
        symmetric.mixKey(kem.sharedSecret);
        return sealed;
      }
      default:
        assert(
          this.#mixAgreement(token, symmetric, this.#remote),
          "a key of small order was refused when read",
        );
        return empty;
    }
  }

  #startReading(message: Uint8Array): Reading {
    return { symmetric: this.#symmetric.clone(), remote: { ...this.#remote }, rest: message };
  }

  #readTokens(
    reading: Reading,
    tokens: readonly Token[],
    kemSharedSecret: Uint8Array | undefined,
  ): HandshakeRejection | null {
    if (reading.rest.length > handshakeMessageBytesMax) return "bad_length";
    for (const token of tokens) {
      const rejection = this.#read(token, reading, kemSharedSecret);
      if (rejection !== null) return rejection;
    }
    return null;
  }

  #read(token: Token, reading: Reading, kemSharedSecret: Uint8Array | undefined): HandshakeRejection | null {
    const { symmetric, remote } = reading;
    if (token !== "e" && token !== "s" && token !== "e1" && token !== "ekem1") {
      return this.#mixAgreement(token, symmetric, remote) ? null : "bad_key";
    }
    const bytes = take(reading, tokenBytes[token] + (token === "e" ? 0 : symmetric.overheadBytes));
    if (bytes === null) return "bad_length";
    if (token === "e") {
      if (!isAgreementKey(bytes)) return "bad_key";
      remote.ephemeral = bytes.slice();
      symmetric.mixHash(bytes);
      return null;
    }
    const opened = symmetric.decryptAndHash(bytes);
    if (opened === null) return "bad_tag";
    if (token === "s") {
      if (!isAgreementKey(opened)) return "bad_key";
      remote.static = opened;
    } else if (token === "e1") remote.kem = opened;
    else {
      assert(kemSharedSecret?.length === 32, "this message needs what its KEM ciphertext holds");
      symmetric.mixKey(kemSharedSecret);
    }
    return null;
  }

  /** Mixes in one agreement: the first letter of the token is the initiator's key, the second the responder's. */
  #mixAgreement(token: Agreement, symmetric: SymmetricState, remote: RemoteKeys): boolean {
    const { initiator, ephemeralKey, staticKey } = this.#options;
    const own = token[initiator ? 0 : 1] === "e" ? ephemeralKey : staticKey!;
    const other = token[initiator ? 1 : 0] === "e" ? remote.ephemeral! : remote.static!;
    const secret = this.#crypto.x25519.agree(own, other);
    if (secret === null) return false;
    symmetric.mixKey(secret);
    return true;
  }

  #advance(symmetric: SymmetricState, remote: RemoteKeys): void {
    this.#symmetric = symmetric;
    this.#remote = remote;
    this.#turn++;
    if (this.next !== "done") return;
    const [fromInitiator, fromResponder] = symmetric.split();
    this.#result = {
      sendKey: this.#options.initiator ? fromInitiator : fromResponder,
      receiveKey: this.#options.initiator ? fromResponder : fromInitiator,
      handshakeHash: symmetric.hash,
      remoteStatic: remote.static,
    };
  }
}

/** SymmetricState of Noise §5.2: the chaining key, the hash of all that was said, and the current cipher. */
class SymmetricState {
  readonly #crypto: Crypto;
  #chainingKey: Uint8Array;
  #cipher: CipherState | null = null;
  hash: Uint8Array;

  constructor(crypto: Crypto, protocolName: string) {
    const name = utf8(protocolName);
    this.#crypto = crypto;
    this.hash = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : crypto.sha256(name);
    this.#chainingKey = this.hash;
  }

  /** What encrypting adds now: nothing before the first key. */
  get overheadBytes(): number {
    return this.#cipher === null ? 0 : tagBytes;
  }

  mixHash(bytes: Uint8Array): void {
    this.hash = this.#crypto.sha256(this.hash, bytes);
  }

  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#derive(secret);
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(this.#crypto.aead, key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher?.seal(this.hash, plaintext) ?? plaintext;
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Uint8Array): Uint8Array | null {
    const plaintext = this.#cipher === null ? ciphertext.slice() : this.#cipher.open(this.hash, ciphertext);
    if (plaintext !== null) this.mixHash(ciphertext);
    return plaintext;
  }

  /** The keys of both directions, the initiator's first. */
  split(): readonly [Uint8Array, Uint8Array] {
    return this.#derive(empty);
  }

  clone(): SymmetricState {
    const copy = new SymmetricState(this.#crypto, "");
    copy.hash = this.hash;
    copy.#chainingKey = this.#chainingKey;
    copy.#cipher = this.#cipher?.clone() ?? null;
    return copy;
  }

  /** HKDF of Noise §4.3 with two outputs. */
  #derive(secret: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const { hmacSha256 } = this.#crypto;
    const temporary = hmacSha256(this.#chainingKey, secret);
    const first = hmacSha256(temporary, Uint8Array.of(1));
    return [first, hmacSha256(temporary, first, Uint8Array.of(2))];
  }
}

interface RemoteKeys {
  ephemeral: Uint8Array | null;
  static: Uint8Array | null;
  kem: Uint8Array | null;
}

/** A message being read, beside the state it may become. */
interface Reading {
  readonly symmetric: SymmetricState;
  readonly remote: RemoteKeys;
  rest: Uint8Array;
}

function take(reading: Reading, length: number): Uint8Array | null {
  if (reading.rest.length < length) return null;
  const bytes = reading.rest.subarray(0, length);
  reading.rest = reading.rest.subarray(length);
  return bytes;
}

/** Keys that a pattern needs and does not get are our own mistake, found before anything is sent. */
function assertKeys(pattern: Pattern, options: HandshakeOptions): void {
  const own = options.initiator ? "initiator" : "responder";
  const other = options.initiator ? "responder" : "initiator";
  const ownMessages = pattern.messages.filter((_, turn) => (turn % 2 === 0) === options.initiator).flat();
  const needsStatic = pattern.known.includes(own) || ownMessages.includes("s");
  assert(!needsStatic || options.staticKey?.length === 32, "this pattern needs a static key");
  const knowsRemote = pattern.known.includes(other);
  assert(
    knowsRemote
      ? options.remoteStatic && isAgreementKey(options.remoteStatic)
      : options.remoteStatic === undefined,
    "the other end's static key is given where the pattern has it known, and only there",
  );
  const needsKem = ownMessages.includes("e1");
  assert(
    needsKem ? options.kemPublicKey?.length === kemPublicKeyBytes : options.kemPublicKey === undefined,
    "a KEM key is given by the initiator of a hybrid handshake, and by nobody else",
  );
}

/** Bytes of an ML-KEM-768 public key and ciphertext (FIPS 203 §8). */
const kemPublicKeyBytes = 1_184;
const kemCiphertextBytes = 1_088;

type Agreement = "ee" | "es" | "se" | "ss";
type Token = "e" | "s" | "e1" | "ekem1" | Agreement;

const tokenBytes = { e: 32, s: 32, e1: kemPublicKeyBytes, ekem1: kemCiphertextBytes } as const;

interface Pattern {
  readonly name: string;
  /** Whose static key is known before the first message. */
  readonly known: readonly ("initiator" | "responder")[];
  /** Messages in turn, the initiator's first. */
  readonly messages: readonly (readonly Token[])[];
}

const patterns: Readonly<Record<HandshakePattern, Pattern>> = {
  XX: {
    name: "Noise_XX_25519_ChaChaPoly_SHA256",
    known: [],
    messages: [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
  },
  IK: {
    name: "Noise_IK_25519_ChaChaPoly_SHA256",
    known: ["responder"],
    messages: [["e", "es", "s", "ss"], ["e", "ee", "se"]],
  },
  NK: {
    name: "Noise_NK_25519_ChaChaPoly_SHA256",
    known: ["responder"],
    messages: [["e", "es"], ["e", "ee"]],
  },
  KK: {
    name: "Noise_KK_25519_ChaChaPoly_SHA256",
    known: ["initiator", "responder"],
    messages: [["e", "es", "ss"], ["e", "ee", "se"]],
  },
  XXhfs: {
    name: "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256",
    known: [],
    messages: [["e", "e1"], ["e", "ee", "ekem1", "s", "es"], ["s", "se"]],
  },
  IKhfs: {
    name: "Noise_IKhfs_25519+MLKEM768_ChaChaPoly_SHA256",
    known: ["responder"],
    messages: [["e", "e1", "es", "s", "ss"], ["e", "ee", "ekem1", "se"]],
  },
};

const empty = new Uint8Array();

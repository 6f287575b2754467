/**
 * The dialling end of a link with its keys in the test's hand: it shakes hands as it should, and may then
 * say anything: any message, any frame, any bytes.
 */

import { concat, utf8 } from "../../lib/base/bytes.ts";
import type { ByteStream, Crypto, Kem, Random } from "../../lib/base/ports.ts";
import { HandshakeState } from "../../lib/identity/handshake.ts";
import { createLinkProof } from "../../lib/identity/link_proof.ts";
import { linkVersion } from "../../lib/peer/limits.ts";
import { decodeLinkMessage, type LinkMessage } from "../../lib/peer/link_messages.ts";
import { CipherState } from "../../lib/wire/cipher.ts";
import type { Signer } from "../../lib/wire/envelope.ts";
import { FrameOpener } from "../../lib/wire/frames.ts";

/** What a raw link is made of. */
export interface RawLinkOptions {
  readonly crypto: Crypto;
  readonly kem: Kem;
  readonly random: Random;
  readonly signer: Signer;
  readonly wallMs: number;
  /** Alters what is sent of the handshake: the version with the first message (0), and the third (1). */
  readonly alter?: (bytes: Uint8Array, step: number) => Uint8Array;
}

/** A link after its handshake. */
export class RawLink {
  readonly handshakeHash: Uint8Array;
  /** What the other end said so far, oldest first. */
  readonly heard: LinkMessage[] = [];
  isEnded = false;
  readonly #stream: ByteStream;
  readonly #cipher: CipherState;
  readonly #opener: FrameOpener;

  /** Shakes hands on a stream; `null` if the other end ended it. */
  static async dial(stream: ByteStream, options: RawLinkOptions): Promise<RawLink | null> {
    try {
      return await shakeHands(stream, options);
    } catch {
      stream.close(); // the other end refused, which is its right
      return null;
    }
  }

  constructor(stream: ByteStream, state: HandshakeState, crypto: Crypto) {
    const { sendKey, receiveKey, handshakeHash } = state.result!;
    this.#stream = stream;
    this.handshakeHash = handshakeHash;
    this.#cipher = new CipherState(crypto.aead, sendKey);
    this.#opener = new FrameOpener(crypto, receiveKey);
    this.#read();
  }

  /** Sends a frame with any plaintext: flags, then segments. */
  sendFrame(plaintext: Uint8Array): void {
    const sealed = this.#cipher.seal(new Uint8Array(0), plaintext);
    this.sendBytes(concat(Uint8Array.of(sealed.length >>> 8, sealed.length & 255), sealed));
    if ((plaintext[0]! & 1) !== 0) this.#cipher.rekey();
  }

  /** Sends messages, or what should be messages, in frames of their own. */
  sendMessage(message: Uint8Array): void {
    for (let at = 0; at === 0 || at < message.length; at += segmentBytesMax) {
      const part = message.subarray(at, at + segmentBytesMax);
      const continues = at + segmentBytesMax < message.length;
      this.sendFrame(concat(Uint8Array.of(0, continues ? 1 : 0, part.length >>> 8, part.length & 255), part));
    }
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes).catch(() => this.#end());
  }

  close(): void {
    this.#stream.close();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    while (!this.isEnded) {
      const count = await this.#stream.read(buffer).catch(() => null);
      if (count === null) return this.#end();
      for (const message of this.#opener.push(buffer.subarray(0, count)).messages ?? []) {
        const decoded = decodeLinkMessage(message);
        if (decoded.ok) this.heard.push(decoded.message);
      }
    }
  }

  #end(): void {
    this.isEnded = true;
    this.#stream.close();
  }
}

async function shakeHands(stream: ByteStream, options: RawLinkOptions): Promise<RawLink> {
  const { crypto, kem, random, signer, wallMs, alter = (bytes) => bytes } = options;
  const pair = await kem.generate();
  const staticKey = random.bytes(32);
  const state = new HandshakeState(crypto, {
    pattern: "XXhfs",
    initiator: true,
    prologue: concat(Uint8Array.of(linkVersion), utf8("kith/link/1")),
    ephemeralKey: random.bytes(32),
    staticKey,
    kemPublicKey: pair.publicKey,
  });
  const first = concat(Uint8Array.of(linkVersion), framed(state.writeMessage(new Uint8Array(0))));
  await stream.write(alter(first, 0));
  const [, high, low] = await readExactly(stream, 3);
  const second = await readExactly(stream, high! * 256 + low!);
  const sealed = state.kemCiphertext(second);
  if (!sealed.ok) throw new Error("the other end read something else");
  const secret = await pair.decapsulate(sealed.ciphertext);
  if (!state.readMessage(second, secret!).ok) throw new Error("the other end read something else");
  const proof = createLinkProof(crypto, signer, crypto.x25519.publicKey(staticKey), wallMs);
  await stream.write(alter(framed(state.writeMessage(proof)), 1));
  return new RawLink(stream, state, crypto);
}

async function readExactly(stream: ByteStream, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await stream.read(bytes.subarray(filled));
    if (count === null) throw new Error("the other end ended the stream");
    filled += count;
  }
  return bytes;
}

function framed(message: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(message.length >>> 8, message.length & 255), message);
}

/** What fits a full frame: 16,384 bytes less the tag, the flags and a segment's head. */
const segmentBytesMax = 16_384 - 16 - 1 - 3;

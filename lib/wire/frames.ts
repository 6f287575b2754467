/**
 * Frames: what travels on a link once the handshake is done.
 *
 * A frame is its length in two bytes, then one AEAD ciphertext under a counted nonce. Its plaintext is a
 * byte of flags (bit 0: the sender's key changes after this frame) and then segments: a byte (0: the
 * message ends here, 1: it goes on in the next frame), a length in two bytes, the bytes. So small messages
 * share a frame and large ones cross several. A message goes on only where its frame is full, which
 * bounds the pieces that an opener has to keep.
 */

import { assert } from "../base/assert.ts";
import { concat } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { CipherState, tagBytes } from "./cipher.ts";
import { frameBytesMax, messageBytesMax, rekeyFramesMax } from "./limits.ts";

/** Why the bytes of a link were refused. */
export type FrameRejection = "bad_length" | "bad_tag" | "malformed" | "message_too_long" | "rekey_overdue";

/** Messages that are complete, in order; or why the link cannot go on. */
export type FramesOpened =
  | { readonly messages: readonly Uint8Array[]; readonly reject?: never }
  | { readonly reject: FrameRejection; readonly messages?: never };

/** Limits that tests make smaller. */
export interface FrameOptions {
  /** Frames under one key; {@linkcode rekeyFramesMax} by default. Equal at both ends. */
  readonly rekeyFramesMax?: number;
}

/** Turns messages into the bytes of one direction of a link. */
export class FrameSealer {
  readonly #cipher: CipherState;
  readonly #rekeyFramesMax: number;
  #framesUnderKey = 0;
  #rekeyWanted = false;

  /** Seals under the key that this end sends with. */
  constructor(crypto: Crypto, key: Uint8Array, options: FrameOptions = {}) {
    this.#cipher = new CipherState(crypto.aead, key);
    this.#rekeyFramesMax = options.rekeyFramesMax ?? rekeyFramesMax;
  }

  /** Seals messages into as few frames as they need. Without messages it seals a frame only to carry a wanted rekey. */
  seal(messages: readonly Uint8Array[]): Uint8Array {
    const frames: Uint8Array[] = [];
    let segments: Uint8Array[] = [];
    let room = segmentsBytesMax;
    for (const message of messages) {
      assert(message.length <= messageBytesMax, "a message is no longer than the other end takes");
      let rest = message;
      do {
        if (room < segmentHeadBytes + Math.min(1, rest.length)) {
          this.#sealFrame(frames, segments);
          segments = [];
          room = segmentsBytesMax;
        }
        const segment = rest.subarray(0, room - segmentHeadBytes);
        rest = rest.subarray(segment.length);
        segments.push(segmentHead(rest.length > 0, segment.length), segment);
        room -= segmentHeadBytes + segment.length;
      } while (rest.length > 0);
    }
    if (segments.length > 0 || this.#rekeyWanted) this.#sealFrame(frames, segments);
    return concat(...frames);
  }

  /** Has the next frame tell that the key changes after it. */
  rekey(): void {
    this.#rekeyWanted = true;
  }

  #sealFrame(frames: Uint8Array[], segments: readonly Uint8Array[]): void {
    this.#framesUnderKey++;
    const rekeys = this.#rekeyWanted || this.#framesUnderKey >= this.#rekeyFramesMax;
    const plaintext = concat(Uint8Array.of(rekeys ? flagRekey : 0), ...segments);
    const sealed = this.#cipher.seal(noAssociated, plaintext);
    frames.push(Uint8Array.of(sealed.length >>> 8, sealed.length & 255), sealed);
    if (!rekeys) return;
    this.#cipher.rekey();
    this.#framesUnderKey = 0;
    this.#rekeyWanted = false;
  }
}

/** Turns the bytes of one direction of a link back into messages. */
export class FrameOpener {
  readonly #cipher: CipherState;
  readonly #rekeyFramesMax: number;
  #framesUnderKey = 0;
  /** First byte of a frame's length, if only that has arrived. */
  #lengthHigh: number | null = null;
  /** A frame that has not arrived wholly, and how much of it has. */
  #frame: Uint8Array | null = null;
  #filled = 0;
  /** Pieces of a message whose end has not arrived. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #rejection: FrameRejection | null = null;

  /** Opens under the key that the other end sends with. */
  constructor(crypto: Crypto, key: Uint8Array, options: FrameOptions = {}) {
    this.#cipher = new CipherState(crypto.aead, key);
    this.#rekeyFramesMax = options.rekeyFramesMax ?? rekeyFramesMax;
  }

  /** Takes the next bytes of the stream, cut anywhere. After a rejection every further call gives the same one. */
  push(bytes: Uint8Array): FramesOpened {
    const messages: Uint8Array[] = [];
    let rest = bytes;
    while (rest.length > 0 && this.#rejection === null) {
      rest = this.#frame === null ? this.#startFrame(rest, messages) : this.#fillFrame(rest, messages);
    }
    return this.#rejection === null ? { messages } : { reject: this.#rejection };
  }

  /** Whether a frame or message has begun and not ended: the driver sets a deadline to that. */
  get midway(): boolean {
    return this.#lengthHigh !== null || this.#frame !== null || this.#pieces.length > 0;
  }

  /** Reads a frame's length and, where all of it is there, the frame. Gives what is left. */
  #startFrame(bytes: Uint8Array, messages: Uint8Array[]): Uint8Array {
    if (this.#lengthHigh === null) {
      this.#lengthHigh = bytes[0]!;
      return bytes.subarray(1);
    }
    const length = this.#lengthHigh * 256 + bytes[0]!;
    this.#lengthHigh = null;
    if (length < frameBytesMin || length > frameBytesMax) {
      this.#rejection = "bad_length";
      return bytes;
    }
    const end = 1 + length;
    if (bytes.length >= end) {
      this.#openFrame(bytes.subarray(1, end), messages);
      return bytes.subarray(end);
    }
    this.#frame = new Uint8Array(length);
    this.#filled = 0;
    return bytes.subarray(1);
  }

  #fillFrame(bytes: Uint8Array, messages: Uint8Array[]): Uint8Array {
    const frame = this.#frame!;
    const part = bytes.subarray(0, frame.length - this.#filled);
    frame.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === frame.length) {
      this.#frame = null;
      this.#openFrame(frame, messages);
    }
    return bytes.subarray(part.length);
  }

  #openFrame(frame: Uint8Array, messages: Uint8Array[]): void {
    const plaintext = this.#cipher.open(noAssociated, frame);
    if (plaintext === null) {
      this.#rejection = "bad_tag";
      return;
    }
    this.#rejection = this.#readFlags(plaintext[0]!) ?? this.#readSegments(plaintext, messages);
  }

  #readFlags(flags: number): FrameRejection | null {
    if ((flags & ~flagRekey) !== 0) return "malformed";
    this.#framesUnderKey++;
    if ((flags & flagRekey) !== 0) {
      this.#cipher.rekey();
      this.#framesUnderKey = 0;
    }
    return this.#framesUnderKey < this.#rekeyFramesMax ? null : "rekey_overdue";
  }

  #readSegments(plaintext: Uint8Array, messages: Uint8Array[]): FrameRejection | null {
    let offset = 1;
    while (offset < plaintext.length) {
      const start = offset + segmentHeadBytes;
      if (start > plaintext.length) return "malformed";
      const continues = plaintext[offset]!;
      const end = start + plaintext[offset + 1]! * 256 + plaintext[offset + 2]!;
      if (continues > 1 || end > plaintext.length) return "malformed";
      const isFull = end === plaintext.length && plaintext.length === plaintextBytesMax && end > start;
      if (continues === 1 && !isFull) return "malformed";
      if (this.#piecesBytes + end - start > messageBytesMax) return "message_too_long";
      this.#addSegment(plaintext.subarray(start, end), continues === 1, messages);
      offset = end;
    }
    return null;
  }

  #addSegment(segment: Uint8Array, continues: boolean, messages: Uint8Array[]): void {
    if (continues || this.#pieces.length > 0) {
      this.#pieces.push(segment);
      this.#piecesBytes += segment.length;
      if (continues) return;
      messages.push(concat(...this.#pieces));
      this.#pieces = [];
      this.#piecesBytes = 0;
    } else {
      // A copy, so that whoever keeps a small message does not keep its whole frame.
      messages.push(segment.slice());
    }
  }
}

function segmentHead(continues: boolean, length: number): Uint8Array {
  return Uint8Array.of(continues ? 1 : 0, length >>> 8, length & 255);
}

const flagRekey = 0x01;
const segmentHeadBytes = 3;
const plaintextBytesMax = frameBytesMax - tagBytes;
const segmentsBytesMax = plaintextBytesMax - 1;

/** The flags and the tag. */
const frameBytesMin = 1 + tagBytes;

const noAssociated = new Uint8Array();

/** Bytes near other bytes, without knowing what they mean. Equal seeds give equal bytes. */

import { concat } from "../../lib/base/bytes.ts";
import { below, pick, type SeededRandom } from "../../lib/base/random.ts";

/** Inputs that differ from the packet in one bit: in each byte every `step`th bit, not always the same ones. */
export function* flips(bytes: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = at % step; bit < 8; bit += step) yield bytes.with(at, bytes[at]! ^ (1 << bit));
  }
}

/** Proper beginnings of the packet: every `step`th. */
export function* cuts(bytes: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length += step) yield bytes.slice(0, length);
}

/** The packet with 1 to 64 bytes behind it: zeros, and its own beginning again. */
export function* extensions(bytes: Uint8Array): Generator<Uint8Array> {
  for (let extra = 1; extra <= extraBytesMax; extra++) {
    yield concat(bytes, new Uint8Array(extra));
    yield concat(bytes, bytes.subarray(0, extra));
  }
}

/** A packet altered at random: one to three times, each in one of nine ways. */
export function blindly(random: SeededRandom, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  let altered = bytes;
  for (let times = 1 + below(random, 3); times > 0; times--) altered = alteredOnce(random, altered, others);
  return altered;
}

function alteredOnce(random: SeededRandom, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const at = below(random, bytes.length + 1);
  const length = 1 + below(random, 8);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (below(random, 9)) {
    case 0:
      return at < bytes.length ? bytes.with(at, bytes[at]! ^ (1 << below(random, 8))) : bytes;
    case 1:
      return at < bytes.length ? bytes.with(at, below(random, 256)) : bytes;
    case 2:
      return at < bytes.length ? bytes.with(at, pick(random, tellingBytes)) : bytes;
    case 3:
      return head.slice();
    case 4:
      return concat(bytes, random.bytes(1 + below(random, extraBytesMax)));
    case 5:
      return concat(head, random.bytes(length), tail);
    case 6:
      return concat(head, tail.subarray(length));
    case 7:
      return concat(head, tail.subarray(0, length), tail);
    default: {
      const other = pick(random, others);
      return concat(
        head,
        other.subarray(Math.min(below(random, 2) === 0 ? at : below(random, other.length + 1), other.length)),
      );
    }
  }
}

const extraBytesMax = 64;

/** The ends of each range of CBOR's initial bytes, and the bytes that mean something to a text. */
const tellingBytes = [
  ...[0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f, 0x20, 0x3b, 0x40, 0x5b, 0x5f, 0x60, 0x7b, 0x7f],
  ...[
    0x80,
    0x9a,
    0x9b,
    0x9f,
    0xa0,
    0xbb,
    0xbf,
    0xc0,
    0xdb,
    0xe0,
    0xf4,
    0xf6,
    0xf7,
    0xf8,
    0xf9,
    0xfa,
    0xfb,
    0xff,
  ],
  ...[0x2e, 0x30, 0x3a, 0x7e],
];

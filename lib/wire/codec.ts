/**
 * CBOR in the deterministic form of RFC 8949 §4.2, cut to what Kith needs: integers within ±(2^53 − 1),
 * byte strings, text, arrays, maps with integer or text keys, `false`, `true` and `null`. No floats, tags,
 * other simple values or indefinite lengths.
 *
 * One value has one encoding: the decoder refuses every other, so hashes and signatures over bytes
 * are hashes and signatures over values. The decoder is written by hand because a general one takes
 * unsorted maps and broken UTF-8, and allocates before it judges. What it read is encoded again by
 * the library and compared, so that two independent codecs agree on every value that gets in.
 */

import { encode as encodeCbor, encodeInto, rfc8949EncodeOptions } from "cborg";
import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { cborDepthMax, cborElementsMax, messageBytesMax } from "./limits.ts";

/** What can be encoded. Numbers are safe integers; text is {@linkcode isWireText | wire text}. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<number | string, Value>;

/** Why bytes were refused. */
export type DecodeRejection =
  | "too_long"
  | "too_deep"
  | "too_many_elements"
  | "truncated"
  | "trailing_bytes"
  | "not_deterministic"
  | "unsupported"
  | "number_out_of_range"
  | "bad_text";

/** A value, or why there is none. */
export type Decoded =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: DecodeRejection };

/** Tighter or wider limits for one decoding. */
export interface DecodeOptions {
  /** Bytes of input; {@linkcode messageBytesMax} by default. */
  readonly bytesMax?: number;
  /** Array items and map entries together; {@linkcode cborElementsMax} by default. */
  readonly elementsMax?: number;
  /** Nested arrays and maps; {@linkcode cborDepthMax} by default and at most. */
  readonly depthMax?: number;
}

/** The one encoding of a value. */
export function encode(value: Value): Uint8Array {
  assertEncodable(value, 0);
  return encoding(value).slice();
}

/** The value that these bytes are the one encoding of. Never throws. */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Decoded {
  if (bytes.length > (options.bytesMax ?? messageBytesMax)) return { ok: false, reason: "too_long" };
  const depthMax = Math.min(options.depthMax ?? cborDepthMax, cborDepthMax);
  const decoding = new Decoding(bytes, options.elementsMax ?? cborElementsMax);
  const value = decoding.value(depthMax);
  if (value === undefined) return { ok: false, reason: decoding.reason };
  if (decoding.left > 0) return { ok: false, reason: "trailing_bytes" };
  if (!equalBytes(encoding(value), bytes)) return { ok: false, reason: "not_deterministic" };
  return { ok: true, value };
}

/**
 * Whether a text may be encoded: well-formed, in Unicode's composed form (NFC) so that equal texts
 * are equal bytes, and not beginning with U+FEFF, which decoders drop. Ask before taking a user's text.
 */
export function isWireText(text: string): boolean {
  if (isAscii.test(text)) return true;
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff && text.normalize("NFC") === text;
}

/** Whether a decoded value is a byte string, of this length if one is given. */
export function isBytes(value: Value | undefined, length?: number): value is Uint8Array {
  return value instanceof Uint8Array && (length === undefined || value.length === length);
}

/** Whether a decoded value is a whole number from 0 to `max`. */
export function isUint(value: Value | undefined, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}

/** Whether a decoded value is a text of at most `bytesMax` bytes of UTF-8. */
export function isText(value: Value | undefined, bytesMax: number): value is string {
  if (typeof value !== "string" || value.length > bytesMax) return false;
  return value.length * 3 <= bytesMax || utf8(value).length <= bytesMax;
}

/** Whether a decoded value is an array, of this length if one is given. */
export function isArray(value: Value | undefined, length?: number): value is readonly Value[] {
  return Array.isArray(value) && (length === undefined || value.length === length);
}

/** Whether a decoded value is a map. */
export function isMap(value: Value | undefined): value is ReadonlyMap<number | string, Value> {
  return value instanceof Map;
}

function assertEncodable(value: Value, depth: number): void {
  if (value === null || typeof value === "boolean" || value instanceof Uint8Array) return;
  if (typeof value === "number") {
    assert(Number.isSafeInteger(value) && !Object.is(value, -0), "an encoded number is a safe integer");
  } else if (typeof value === "string") {
    assert(isWireText(value), "an encoded text is well-formed, composed and without a byte order mark");
  } else {
    assert(depth < cborDepthMax, "an encoded value is no deeper than a decoder takes");
    if (Array.isArray(value)) {
      for (const item of value) assertEncodable(item, depth + 1);
    } else {
      assert(value instanceof Map, "an encoded value is of the encodable types");
      for (const [key, item] of value) {
        assert(typeof key === "number" || typeof key === "string", "a map's keys are numbers or texts");
        assertEncodable(key, depth + 1);
        assertEncodable(item, depth + 1);
      }
    }
  }
}

/** The library's encoding of a value, until the next one is asked for. */
function encoding(value: Value): Uint8Array {
  try {
    return scratch.subarray(0, encodeInto(value, scratch, rfc8949EncodeOptions).written);
  } catch {
    // Too long for a message: something that only a disk takes. The library may give a part of a pool.
    return new Uint8Array(encodeCbor(value, rfc8949EncodeOptions));
  }
}

function isPlain(bytes: Uint8Array): boolean {
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype;
}

/** One pass over one input. Each reading method returns `undefined` once the input is refused. */
class Decoding {
  readonly #bytes: Uint8Array;
  #elementsLeft: number;
  #offset = 0;
  /** Why the input was refused; means something only after a method returned `undefined`. */
  reason: DecodeRejection = "truncated";

  constructor(bytes: Uint8Array, elementsMax: number) {
    this.#bytes = isPlain(bytes) ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#elementsLeft = elementsMax;
  }

  /** Bytes that are not read yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Reads a value that nests at most `depthLeft` arrays and maps. */
  value(depthLeft: number): Value | undefined {
    const initial = this.#bytes[this.#offset];
    if (initial === undefined) return this.#refuse("truncated");
    const major = initial >>> 5;
    if (major === majorTag || (initial & 31) > 27) return this.#refuse("unsupported");
    if (major === majorSimple) return this.#simple(initial);
    const argument = this.#argument(initial & 31);
    if (argument === undefined) return undefined;
    switch (major) {
      case 0:
        return argument;
      case 1:
        return argument < Number.MAX_SAFE_INTEGER ? -1 - argument : this.#refuse("number_out_of_range");
      case 2:
        return this.#take(argument)?.slice();
      case 3:
        return this.#text(argument);
      case 4:
        return this.#array(argument, depthLeft);
      default:
        return this.#map(argument, depthLeft);
    }
  }

  #simple(initial: number): boolean | null | undefined {
    this.#offset++;
    if (initial === 0xf4) return false;
    if (initial === 0xf5) return true;
    if (initial === 0xf6) return null;
    return this.#refuse("unsupported");
  }

  /** The number in or after the initial byte, in its shortest form. */
  #argument(information: number): number | undefined {
    this.#offset++;
    if (information < 24) return information;
    const length = 1 << (information - 24);
    if (length > this.left) return this.#refuse("truncated");
    let argument = 0;
    for (let i = 0; i < length; i++) argument = argument * 256 + this.#bytes[this.#offset++]!;
    if (argument > Number.MAX_SAFE_INTEGER) return this.#refuse("number_out_of_range");
    const shortest = length === 1 ? argument >= 24 : argument >= 2 ** (length * 4);
    return shortest ? argument : this.#refuse("not_deterministic");
  }

  #take(length: number): Uint8Array | undefined {
    if (length > this.left) return this.#refuse("truncated");
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  #text(length: number): string | undefined {
    const bytes = this.#take(length);
    if (bytes === undefined) return undefined;
    const text = length <= shortTextBytes ? shortText(bytes) : fromUtf8(bytes);
    return text !== null && isWireText(text) ? text : this.#refuse("bad_text");
  }

  #array(length: number, depthLeft: number): Value[] | undefined {
    if (!this.#enter(length, 1, depthLeft)) return undefined;
    const items: Value[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.value(depthLeft - 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #map(length: number, depthLeft: number): Map<number | string, Value> | undefined {
    if (!this.#enter(length, 2, depthLeft)) return undefined;
    const entries = new Map<number | string, Value>();
    let previous: Uint8Array | null = null;
    for (let i = 0; i < length; i++) {
      const start = this.#offset;
      const key = this.value(0);
      if (key === undefined) return undefined;
      if (typeof key !== "number" && typeof key !== "string") return this.#refuse("unsupported");
      const encoded = this.#bytes.subarray(start, this.#offset);
      // Ascending and so without duplicates.
      if (previous !== null && compareBytes(previous, encoded) >= 0) return this.#refuse("not_deterministic");
      previous = encoded;
      const item = this.value(depthLeft - 1);
      if (item === undefined) return undefined;
      entries.set(key, item);
    }
    return entries;
  }

  /** Whether an array or map may be read: before anything is allocated for it. */
  #enter(length: number, bytesEach: number, depthLeft: number): boolean {
    if (depthLeft <= 0) this.#refuse("too_deep");
    else if (length > this.#elementsLeft) this.#refuse("too_many_elements");
    else if (length * bytesEach > this.left) this.#refuse("truncated");
    else {
      this.#elementsLeft -= length;
      return true;
    }
    return false;
  }

  #refuse(reason: DecodeRejection): undefined {
    this.reason = reason;
    return undefined;
  }
}

/** Short texts are mostly ASCII, and made eight times faster this way (measured). */
function shortText(bytes: Uint8Array): string | null {
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return fromUtf8(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

const shortTextBytes = 32;
const majorTag = 6;
const majorSimple = 7;

// deno-lint-ignore no-control-regex
const isAscii = /^[\x00-\x7f]*$/;

/** Where values are encoded. In a buffer of its own for each the library takes twice the time (measured). */
const scratch = new Uint8Array(messageBytesMax);

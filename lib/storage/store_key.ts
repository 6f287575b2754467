/**
 * Keys of the store's index: their order, which is Deno KV's, and their size.
 *
 * Parts are compared one by one, first by type (bytes < text < number), then by value; a key comes
 * after the keys that it begins with.
 */

import { assert } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import type { StoreKey } from "../base/ports.ts";

/**
 * A text that orders as the key does and is no beginning of another key's unless the keys are so.
 * Each part is a type mark, its content without a zero, and a zero that is below all content.
 */
export function storeKeyText(key: StoreKey): string {
  let text = "";
  for (const part of key) {
    if (typeof part === "string") text += "\x02" + orderedText(part) + "\x00";
    else if (typeof part === "number") text += "\x03" + orderedNumber(part);
    else text += "\x01" + part.toHex() + "\x00";
  }
  return text;
}

/** The size of a key as Deno KV encodes it: two bytes around each part, zeros inside count double. */
export function storeKeyBytes(key: StoreKey): number {
  let bytes = 0;
  for (const part of key) {
    if (typeof part === "number") bytes += 10;
    else bytes += 2 + escapedLength(typeof part === "string" ? utf8(part) : part);
  }
  return bytes;
}

/** UTF-8 as one character a byte, for code units would order characters beyond U+FFFF wrongly; 0 and 1 become two each. */
function orderedText(part: string): string {
  assert(part.isWellFormed(), "a text in a store key is well-formed");
  if (/^[ -~]*$/.test(part)) return part;
  return Array.from(utf8(part), (byte) => byte < 2 ? `\x01${byte}` : String.fromCharCode(byte)).join("");
}

/** IEEE bits with the sign turned, or all bits turned below zero: then they order as the numbers do. */
function orderedNumber(part: number): string {
  assert(!Number.isNaN(part) && !Object.is(part, -0), "a number in a store key has a place in the order");
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, part);
  const bits = view.getBigUint64(0);
  const ordered = part < 0 ? ~bits & 0xffff_ffff_ffff_ffffn : bits | 0x8000_0000_0000_0000n;
  return ordered.toString(16).padStart(16, "0");
}

function escapedLength(bytes: Uint8Array): number {
  let length = bytes.length;
  for (const byte of bytes) if (byte === 0) length++;
  return length;
}

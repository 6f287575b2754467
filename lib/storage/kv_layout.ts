/**
 * How a store lies in Deno KV (format 1):
 *
 * | key | value |
 * | --- | --- |
 * | `"format"` | one byte: the format |
 * | `"i"`, parts of the key… | an index entry ‖ CRC-32 over key and value |
 * | `"b"`, hash, 0 | count of chunks (4 bytes) ‖ first chunk of a body |
 * | `"b"`, hash, n | chunk n |
 * | `"o"`, hash | empty: this body has no owner yet, or none any more |
 *
 * A body is there when its chunk 0 is. The mark `"o"` is set before chunks that no index commit
 * covers yet and together with a drop, so the next opening can clear what a crash left.
 */

import { crc32 } from "node:zlib";
import { concat, uintBytes } from "../base/bytes.ts";
import { storeValueBytesMax } from "../base/limits.ts";
import type { StoreEntry, StoreKey } from "../base/ports.ts";
import { storeKeyText } from "./store_key.ts";

/** One write of an atomic commit; `null` deletes. */
export interface Mutation {
  /** Where. */
  readonly key: StoreKey;
  /** What. */
  readonly value: Uint8Array | null;
}

/** Where the format stands. */
export const formatKey: StoreKey = ["format"];

/** The format that this code reads and writes. */
export const kvFormat: Uint8Array = Uint8Array.of(1);

/** What is before the parts of an index key. */
export const indexRoot: StoreKey = ["i"];

/** What is before the hash in a mark. */
export const markRoot: StoreKey = ["o"];

/** The key of a mark. */
export function markKey(hash: string): StoreKey {
  return [...markRoot, Uint8Array.fromHex(hash)];
}

/** What is before the number in the keys of a body's chunks. */
export function bodyRoot(hash: string): StoreKey {
  return ["b", Uint8Array.fromHex(hash)];
}

/** The key of one chunk. */
export function chunkKey(hash: string, chunk: number): StoreKey {
  return [...bodyRoot(hash), chunk];
}

/** The writes that make a body; chunk 0 is the last, so a body that is there is whole. */
export function bodyMutations(hash: string, bytes: Uint8Array): Mutation[] {
  const count = Math.max(1, Math.ceil(bytes.length / storeValueBytesMax));
  const mutations: Mutation[] = [];
  for (let n = count - 1; n > 0; n--) {
    mutations.push({ key: chunkKey(hash, n), value: chunkOf(bytes, n) });
  }
  mutations.push({ key: chunkKey(hash, 0), value: concat(uintBytes(count, 4), chunkOf(bytes, 0)) });
  return mutations;
}

/** The first chunk and how many there are, or `null` if it is damaged. */
export function readFirstChunk(value: Uint8Array): { count: number; chunk: Uint8Array } | null {
  if (value.length < 4) return null;
  const count = new DataView(value.buffer, value.byteOffset, 4).getUint32(0);
  return { count, chunk: value.subarray(4) };
}

/** The write of an index entry, with the check that tells a damaged one: Deno KV serves flipped bits as truth (measured). */
export function indexMutation({ key, value }: StoreEntry): Mutation {
  return { key: [...indexRoot, ...key], value: concat(value, checkOf(key, value)) };
}

/** The value of an index entry, or `null` if it is damaged. */
export function readIndexValue(key: StoreKey, stored: unknown): Uint8Array | null {
  if (!(stored instanceof Uint8Array) || stored.length < checkBytes) return null;
  const value = stored.subarray(0, stored.length - checkBytes);
  const check = checkOf(key, value);
  return check.every((byte, i) => byte === stored[value.length + i]) ? value : null;
}

function chunkOf(bytes: Uint8Array, n: number): Uint8Array {
  return bytes.subarray(n * storeValueBytesMax, (n + 1) * storeValueBytesMax);
}

function checkOf(key: StoreKey, value: Uint8Array): Uint8Array {
  return uintBytes(crc32(value, crc32(storeKeyText(key))), checkBytes);
}

const checkBytes = 4;

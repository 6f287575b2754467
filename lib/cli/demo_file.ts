/** A file as records, and back: any bytes come out as they went in. */

import { fromUtf8, utf8 } from "../base/bytes.ts";
import { demoPieceBytesMax } from "./demo_limits.ts";

/** A line, its end included, or a part of a long one. Text where it is UTF-8, else bytes. */
export interface Piece {
  /** 1, 2, … */
  readonly line: number;
  /** 0, 1, … within the line. */
  readonly part: number;
  readonly value: string | Uint8Array;
}

/** Splits a file after each line feed, and longer lines where a record is full. */
export function splitFile(bytes: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  for (let line = 1, start = 0; start < bytes.length; line++) {
    const feed = bytes.indexOf(lineFeed, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    for (let part = 0; start < end; part++) {
      const piece = bytes.subarray(start, partEnd(bytes, start, end));
      pieces.push({ line, part, value: fromUtf8(piece) ?? piece });
      start += piece.length;
    }
  }
  return pieces;
}

/** Puts pieces together, in whatever order they come. */
export function joinPieces(pieces: readonly Piece[]): Uint8Array {
  const sorted = pieces.toSorted((a, b) => a.line - b.line || a.part - b.part);
  const parts = sorted.map(({ value }) => typeof value === "string" ? utf8(value) : value);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Where a part ends: not inside a character, if it is one. */
function partEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= demoPieceBytesMax) return end;
  let cut = start + demoPieceBytesMax;
  for (let back = 0; back < 3 && isContinuation(bytes[cut]!); back++) cut--;
  return isContinuation(bytes[cut]!) ? start + demoPieceBytesMax : cut;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

const lineFeed = 0x0a;

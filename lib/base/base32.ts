/** Base 32 text of RFC 4648, lower case and without padding: peer ids, names and invitations. */

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const values = new Map([...alphabet].map((letter, value) => [letter, value]));

/** The base 32 text of bytes. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >>> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) text += alphabet[(buffer << (5 - bits)) & 31];
  return text;
}

/** The bytes of a base 32 text, or `null` if it is not exactly what {@linkcode base32} writes. */
export function fromBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let buffer = 0;
  let bits = 0;
  let offset = 0;
  for (const letter of text) {
    const value = values.get(letter);
    if (value === undefined) return null;
    buffer = (buffer << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[offset++] = (buffer >>> bits) & 255;
    }
    buffer &= (1 << bits) - 1;
  }
  // Left-over bits must be zero and fewer than a letter, else two texts would mean the same bytes.
  return bits < 5 && buffer === 0 ? bytes : null;
}

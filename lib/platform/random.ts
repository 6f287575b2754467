/** Chance from the operating system, fit for keys. */

import type { Random } from "../base/ports.ts";
import { randomCallBytesMax, randomPoolNumbers } from "./limits.ts";

/** A generator on the platform's own. */
export function createRandom(): Random {
  return new PlatformRandom();
}

class PlatformRandom implements Random {
  /** Numbers drawn ahead, since each call of the platform costs a microsecond; bytes, which become keys, are never kept. */
  readonly #pool = new Uint32Array(randomPoolNumbers);
  #left = 0;

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += randomCallBytesMax) {
      crypto.getRandomValues(bytes.subarray(at, at + randomCallBytesMax));
    }
    return bytes;
  }

  uint32(): number {
    if (this.#left === 0) {
      crypto.getRandomValues(this.#pool);
      this.#left = this.#pool.length;
    }
    return this.#pool[--this.#left]!;
  }
}

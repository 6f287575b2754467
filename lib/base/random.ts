/** Chance as an argument: the seeded generator of tests and simulations, and draws on any generator. */

import type { Random } from "./ports.ts";
import { assert } from "./assert.ts";

/**
 * A repeatable generator (xoshiro128**, Blackman and Vigna 2018). It is for tests and simulations:
 * keys drawn from it are no secret.
 */
export class SeededRandom implements Random {
  #state: Uint32Array;

  /** Equal seeds give equal draws. */
  constructor(seed: number) {
    this.#state = new Uint32Array(4);
    // splitmix32 spreads close seeds over the whole state.
    let z = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0;
      let mixed = z;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.#state[i] = mixed ^ (mixed >>> 16);
    }
  }

  /** Fresh bytes of this generator. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }

  /** A number from 0 to 2^32 − 1. */
  uint32(): number {
    const s = this.#state;
    const result = Math.imul(rotl(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11);
    return result;
  }
}

/** A whole number from 0 to `limit` − 1. */
export function below(random: Random, limit: number): number {
  assert(limit >= 1 && limit <= 2 ** 32, "a draw needs a limit from 1 to 2^32");
  return Math.floor((random.uint32() / 2 ** 32) * limit);
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  return random.uint32() / 2 ** 32;
}

/** One of the items. */
export function pick<T>(random: Random, items: readonly T[]): T {
  assert(items.length > 0, "a pick needs at least one item");
  return items[below(random, items.length)]!;
}

/** A shuffled copy (Fisher and Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/** A duration spread evenly over ± `share` of itself, so that peers do not act in step. */
export function jittered(random: Random, durationMs: number, share = 0.25): number {
  return Math.round(durationMs * (1 - share + 2 * share * fraction(random)));
}

function rotl(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

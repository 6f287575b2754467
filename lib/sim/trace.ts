/**
 * What happened in a simulation, in order: a hash over all of it, and the last part in words. Two runs of
 * one seed have one hash; where they part, a thing has got in that no seed decides.
 */

import { traceEntriesMax } from "./limits.ts";

/** One thing that happened. */
export interface TraceEntry {
  /** True time in milliseconds since the simulation began. */
  readonly atMs: number;
  /** To whom: the name or the address of a peer, or `simulation`. */
  readonly who: string;
  /** What, in a few words. */
  readonly what: string;
}

/** The record of a run. */
export class Trace {
  readonly #entries: TraceEntry[] = [];
  #oldest = 0;
  #count = 0;
  #a = 0x9e3779b9;
  #b = 0x7f4a7c15;

  /** Takes one thing that happened; `content` goes into the hash alone. */
  add(atMs: number, who: string, what: string, content?: Uint8Array): void {
    this.#count++;
    this.#mix(Math.floor(atMs * 1024)); // to about a microsecond
    this.#mixText(who);
    this.#mixText(what);
    if (content !== undefined) this.#mixBytes(content);
    const entry = { atMs, who, what };
    if (this.#entries.length < traceEntriesMax) this.#entries.push(entry);
    else {
      this.#entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % traceEntriesMax;
    }
  }

  /** How many things happened. */
  get count(): number {
    return this.#count;
  }

  /** 16 characters of hexadecimal text over all that happened so far. */
  get hash(): string {
    const a = finish(this.#a ^ this.#count);
    const b = finish(this.#b ^ a);
    return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
  }

  /** The last things that happened, oldest first. */
  entries(): readonly TraceEntry[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
  }

  /** The last lines, for people. */
  tail(lines: number): string {
    return this.entries().slice(-lines).map(({ atMs, who, what }) =>
      `${(atMs / 1000).toFixed(3).padStart(10)} s  ${who}  ${what}`
    ).join("\n");
  }

  #mix(value: number): void {
    this.#a = Math.imul((this.#a ^ value) + 0x7feb352d | 0, 0x85ebca6b);
    this.#b = Math.imul(this.#b + (this.#a >>> 15) | 0, 0xc2b2ae35) ^ value;
    this.#a ^= this.#b >>> 13;
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }

  /** Four bytes at a time: content is most of what there is. */
  #mixBytes(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.#mix(bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24);
    }
    for (let i = whole; i < bytes.length; i++) this.#mix(bytes[i]!);
  }
}

/** The finaliser of MurmurHash3: every bit reaches every other. */
function finish(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

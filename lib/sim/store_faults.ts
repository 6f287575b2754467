/** What goes wrong under a simulated store: arranged by a test, or drawn from its seed. */

import { assert } from "../base/assert.ts";
import { type ErrorCode, PeerError } from "../base/errors.ts";
import type { Random, Timers } from "../base/ports.ts";
import { below, fraction } from "../base/random.ts";

/** Failures that stores have. */
export type StoreFault = Extract<ErrorCode, "store_full" | "store_failed" | "store_in_use" | "store_damaged">;

/** How often what goes wrong, as shares from 0 to 1 of the transactions or reads. */
export interface StoreOdds {
  /** Transactions that fail, each in any of the ways that {@linkcode StoreFault} names, and change nothing. */
  readonly failing?: number;
  /** Transactions whose answer is lost; about half of them count. */
  readonly lost?: number;
  /** Reads that fail. */
  readonly failingReads?: number;
}

/** What is to become of one transaction. */
export type Fate =
  | { readonly kind: "counts" }
  | { readonly kind: "fails"; readonly error: Error }
  | { readonly kind: "lost"; readonly counts: boolean; readonly error: PeerError }
  | { readonly kind: "crashes"; readonly when: "before" | "after" };

/** The faults of one opening of a store. */
export class StoreFaults {
  readonly #timers: Timers | null;
  readonly #random: Random | null;
  #next: StoreFault[] = [];
  #standing: StoreFault | null = null;
  #reads: StoreFault | null = null;
  #lost: boolean[] = [];
  #odds: StoreOdds = {};
  #writeMs: Span = instantly;
  #readMs: Span = instantly;
  #syncMs = 0;
  #gate: PromiseWithResolvers<void> | null = null;
  #crashPoint: { readonly transaction: number; readonly when: "before" | "after" } | null = null;
  #transactions = 0;

  /** Without timers nothing can be slow, without a random nothing can be drawn. */
  constructor(timers: Timers | null, random: Random | null) {
    this.#timers = timers;
    this.#random = random;
  }

  failNext(fault: StoreFault, count: number): void {
    for (let i = 0; i < count; i++) this.#next.push(fault);
  }

  failAlways(fault: StoreFault | null): void {
    this.#standing = fault;
  }

  failReads(fault: StoreFault | null): void {
    this.#reads = fault;
  }

  loseAnswers(count: number, counts: boolean): void {
    for (let i = 0; i < count; i++) this.#lost.push(counts);
  }

  disturb(odds: StoreOdds): void {
    assert(this.#random !== null, "a store that is disturbed by chance was given a random");
    this.#odds = odds;
  }

  delay(minMs: number, maxMs: number): void {
    this.#writeMs = this.#span(minMs, maxMs);
  }

  delayReads(minMs: number, maxMs: number): void {
    this.#readMs = this.#span(minMs, maxMs);
  }

  hold(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  crashAt(transaction: number, when: "before" | "after"): void {
    this.#crashPoint = { transaction, when };
  }

  /** What is wrong for as long as it is arranged, in words; `null` if nothing is. To be slow is not wrong. */
  get trouble(): string | null {
    const { failing = 0, lost = 0, failingReads = 0 } = this.#odds;
    const faults = [
      ...this.#standing === null ? [] : [`all writes fail (${words[this.#standing]})`],
      ...this.#reads === null ? [] : [`all reads fail (${words[this.#reads]})`],
      ...this.#gate === null ? [] : ["writes are held up"],
      ...failing === 0 ? [] : [`${percent(failing)} of writes fail`],
      ...lost === 0 ? [] : [`${percent(lost)} of answers to writes are lost`],
      ...failingReads === 0 ? [] : [`${percent(failingReads)} of reads fail`],
    ];
    return faults.length === 0 ? null : faults.join(", ");
  }

  /** How many transactions became durable. */
  get transactions(): number {
    return this.#transactions;
  }

  /** A transaction became durable. */
  count(): void {
    this.#transactions++;
  }

  /** Waits as long as arranged before a transaction is written, and says what is to become of it. */
  async beforeWrite(): Promise<Fate> {
    const totalMs = this.#draw(this.#writeMs);
    const waitMs = this.#random === null || totalMs === 0
      ? Math.floor(totalMs / 2)
      : below(this.#random, totalMs + 1);
    this.#syncMs = totalMs - waitMs;
    await this.#wait(waitMs);
    while (this.#gate !== null) await this.#gate.promise;
    return this.#fate();
  }

  /** Waits as long as what was written takes to become durable. */
  beforeSync(): Promise<void> {
    return this.#wait(this.#syncMs);
  }

  /** Waits as long as arranged before a read; throws what it fails with. */
  async beforeRead(): Promise<void> {
    await this.#wait(this.#draw(this.#readMs));
    const fault = this.#reads ?? (this.#happens(this.#odds.failingReads) ? "store_failed" : null);
    if (fault !== null) throw failure(fault);
  }

  #fate(): Fate {
    const fault = this.#next.shift() ?? this.#standing;
    if (fault !== null) return { kind: "fails", error: failure(fault) };
    const { transaction, when } = this.#crashPoint ?? {};
    if (transaction === this.#transactions + 1) return { kind: "crashes", when: when! };
    const lost = this.#lost.shift();
    if (lost !== undefined) return { kind: "lost", counts: lost, error: lostError() };
    return this.#drawFate();
  }

  #drawFate(): Fate {
    if (this.#happens(this.#odds.failing)) {
      return { kind: "fails", error: failure(storeFaults[below(this.#random!, storeFaults.length)]!) };
    }
    if (!this.#happens(this.#odds.lost)) return { kind: "counts" };
    return { kind: "lost", counts: fraction(this.#random!) < 0.5, error: lostError() };
  }

  #happens(share = 0): boolean {
    return share > 0 && fraction(this.#random!) < share;
  }

  #draw({ minMs, maxMs }: Span): number {
    return minMs === maxMs ? minMs : minMs + below(this.#random!, maxMs - minMs + 1);
  }

  #span(minMs: number, maxMs: number): Span {
    // Clocks tell whole milliseconds, and what is signed carries them.
    assert(Number.isInteger(minMs) && Number.isInteger(maxMs), "a delay of a store has whole milliseconds");
    assert(this.#timers !== null || maxMs === 0, "a store that delays was given timers");
    assert(this.#random !== null || minMs === maxMs, "a store whose delays vary was given a random");
    return { minMs, maxMs };
  }

  #wait(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#timers!.set(delayMs, resolve));
  }
}

interface Span {
  readonly minMs: number;
  readonly maxMs: number;
}

const instantly: Span = { minMs: 0, maxMs: 0 };

/** What Deno KV says (measured), so that `kvError` has to find out what it means. */
const words: Readonly<Record<StoreFault, string>> = {
  "store_full": "database or disk is full",
  "store_failed": "disk I/O error",
  "store_in_use": "database is locked",
  "store_damaged": "database disk image is malformed",
};

const storeFaults = Object.keys(words) as StoreFault[];

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function failure(fault: StoreFault): Error {
  return new Error(words[fault]);
}

function lostError(): PeerError {
  return new PeerError("timeout", "Cannot write to the store: the answer was lost; write the same again");
}

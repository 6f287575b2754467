/**
 * What happened on simulated disks, in order: each transaction, each answer to a commit, and what a test
 * notes in between. From one log of one run come the stores that a crash at any of its moments would have
 * left, thousands of them, without running anything again.
 */

import { assert } from "../base/assert.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { StoreChange } from "../base/ports.ts";
import type { Mutation } from "../storage/kv_layout.ts";
import { applied, type DiskEntries } from "./strict_disk.ts";
import { StrictStore, type StrictStoreOptions } from "./strict_store.ts";

/** One thing that happened. */
export type LogStep<Note = unknown> =
  /** A transaction became durable. */
  | { readonly kind: "transaction"; readonly disk: string; readonly writes: readonly Mutation[] }
  /** A failing disk altered what it held. */
  | { readonly kind: "rot"; readonly disk: string; readonly writes: readonly Mutation[] }
  /** Whoever asked for a change was told that it is stored, or why not. */
  | {
    readonly kind: "answer";
    readonly disk: string;
    readonly change: StoreChange;
    readonly outcome: "stored" | ErrorCode;
  }
  /** What a test wants to know of this moment. */
  | { readonly kind: "note"; readonly disk: string; readonly note: Note };

/** Where a crash falls with respect to a transaction: before it, after it and its answer, or between the two. */
export type CrashMoment = "before" | "unanswered" | "after";

/** A store as a crash would have left it. */
export interface CrashImage {
  /** What the next start finds. */
  readonly store: StrictStore;
  /** How many steps of the log had happened: nothing after them was known to anybody. */
  readonly steps: number;
}

/** Takes the steps of one disk. */
export interface DiskLog {
  /** A transaction became durable. */
  transaction(writes: readonly Mutation[]): void;
  /** Stored bytes changed by themselves. */
  rot(writes: readonly Mutation[]): void;
  /** A commit was answered. */
  answer(change: StoreChange, outcome: "stored" | ErrorCode): void;
}

/**
 * The log of a run.
 *
 * @example Every store that a crash could have left
 * ```ts
 * import { CommitLog, StrictStore } from "@kith/peer/testing";
 *
 * const log = new CommitLog();
 * const store = new StrictStore({ commits: log.disk("a") });
 * await store.commit({ sets: [{ key: ["n"], value: Uint8Array.of(1) }] });
 * await store.commit({ sets: [{ key: ["n"], value: Uint8Array.of(2) }] });
 * for (let n = 1; n <= log.transactions("a"); n++) {
 *   const { store } = log.image("a", n, "after");
 *   console.log(await store.read(["n"])); // null (the mark of the format), then 1, then 2
 * }
 * ```
 */
export class CommitLog<Note = unknown> {
  readonly #steps: LogStep<Note>[] = [];
  readonly #disks = new Map<string, DiskHistory>();

  /** What a store on the disk with this name is to be given. */
  disk(name: string): DiskLog {
    const history = this.#disks.getOrInsertComputed(name, () => new DiskHistory());
    const write = (kind: "transaction" | "rot", writes: readonly Mutation[]) => {
      history.add(this.#steps.length, writes, kind);
      this.#steps.push({ kind, disk: name, writes });
    };
    return {
      transaction: (writes) => write("transaction", writes),
      rot: (writes) => write("rot", writes),
      answer: (change, outcome) => void this.#steps.push({ kind: "answer", disk: name, change, outcome }),
    };
  }

  /** Notes something at this moment. */
  note(disk: string, note: Note): void {
    this.#steps.push({ kind: "note", disk, note });
  }

  /** Everything so far. */
  get steps(): readonly LogStep<Note>[] {
    return this.#steps;
  }

  /** How many transactions became durable on a disk. */
  transactions(disk: string): number {
    return this.#disks.get(disk)?.transactions.length ?? 0;
  }

  /** The store that a crash at the n-th transaction (from 1) of a disk would have left. */
  image(
    disk: string,
    transaction: number,
    moment: CrashMoment,
    options: StrictStoreOptions = {},
  ): CrashImage {
    const at = this.#disks.get(disk)?.transactions;
    assert(at?.[transaction - 1] !== undefined, "the log holds the transaction of that number");
    const step = at[transaction - 1]!;
    if (moment === "before") return this.imageAt(disk, step, options);
    const steps = moment === "unanswered" ? step + 1 : at[transaction] ?? this.#steps.length;
    return this.imageAt(disk, steps, options);
  }

  /** The store that a crash after so many steps of the log would have left. */
  imageAt(disk: string, steps: number, options: StrictStoreOptions = {}): CrashImage {
    const entries = this.#disks.get(disk)?.entriesAt(steps) ?? new Map();
    return { store: new StrictStore({ ...options, entries }), steps };
  }
}

/** The writes on one disk by the step at which they came, with the whole of it every now and then. */
class DiskHistory {
  /** The steps of the transactions. */
  readonly transactions: number[] = [];
  readonly #writes: { readonly step: number; readonly writes: readonly Mutation[] }[] = [];
  /** What lay on the disk before every `wholeEach`-th write. */
  readonly #wholes: DiskEntries[] = [];

  add(step: number, writes: readonly Mutation[], kind: "transaction" | "rot"): void {
    this.#writes.push({ step, writes });
    if (kind === "transaction") this.transactions.push(step);
  }

  entriesAt(steps: number): DiskEntries {
    let count = this.#writes.findIndex(({ step }) => step >= steps);
    if (count < 0) count = this.#writes.length;
    const whole = Math.floor(count / wholeEach);
    return applied(this.#whole(whole), this.#slice(whole * wholeEach, count));
  }

  #whole(at: number): DiskEntries {
    if (this.#wholes.length === 0) this.#wholes.push(new Map());
    while (this.#wholes.length <= at) {
      const from = (this.#wholes.length - 1) * wholeEach;
      this.#wholes.push(applied(this.#wholes.at(-1)!, this.#slice(from, from + wholeEach)));
    }
    return this.#wholes[at]!;
  }

  #slice(from: number, to: number): (readonly Mutation[])[] {
    return this.#writes.slice(from, to).map(({ writes }) => writes);
  }
}

/** An image takes at most so many writes on top of a copy. */
const wholeEach = 32;

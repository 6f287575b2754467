/** Limits of stores beyond those of the port (`lib/base/limits.ts`). `docs/LIMITS.md` is generated from these comments. */

/** Bytes of one encoded key: Deno KV takes 2,048 (measured); half is room for the store's own parts. */
export const storeKeyBytesMax: number = 1_024;

/** Bytes of all encoded keys of one change: Deno KV takes 81,920 an atomic commit (measured). */
export const storeChangeKeyBytesMax: number = 80_000;

/** Bytes of bodies written by one atomic commit: Deno KV takes 800 KiB with keys (measured). */
export const storeBodyBatchBytesMax: number = 600 * 1024;

/** Bytes of values, bodies and, twice, keys that go in a single atomic commit; above, bodies go ahead of the index. */
export const storeSingleCommitBytesMax: number = 700 * 1024;

/** Mutations of one atomic commit: Deno KV takes 1,000 (measured). */
export const storeMutationsMax: number = 1_000;

/** Keys read by one call: Deno KV takes 10 (measured). */
export const storeReadKeysMax: number = 10;

/** Entries fetched at once while listing: few calls, and at most 16 MiB of the largest values. */
export const storeListBatch: number = 256;

/** A read that takes longer fails: callers rather go without the store than wait. A foreign lock alone takes 5 s (measured). */
export const storeReadMsMax: number = 2_000;

/** A commit that takes longer fails: above the 20 s after which SQLite itself gives up on a foreign lock (measured). */
export const storeCommitMsMax: number = 30_000;

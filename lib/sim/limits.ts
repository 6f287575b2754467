/** Limits of Deno KV that the simulated one keeps (2.9.6, measured). `docs/LIMITS.md` is generated from these comments. */

/** Bytes of one encoded key that Deno KV takes (measured). */
export const kvKeyBytesMax: number = 2_048;

/** Bytes of one value that Deno KV takes (measured). */
export const kvValueBytesMax: number = 65_536;

/** Bytes of one transaction that Deno KV takes: values, keys of removals, and keys of sets twice (measured). */
export const kvCommitBytesMax: number = 819_200;

/** Bytes of the keys that one transaction sets (measured). */
export const kvSetKeysBytesMax: number = 81_920;

/** Entries that one listing of Deno KV fetches at once (measured). */
export const kvBatchMax: number = 1_000;

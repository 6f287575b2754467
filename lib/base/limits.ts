/** Limits of the base layer and of the ports. `docs/LIMITS.md` is generated from these comments. */

/** One value in the store's index: Deno KV refuses more than 65,536 bytes serialized (measured); the rest is headroom. */
export const storeValueBytesMax: number = 61_440;

/** One body in the store, kept in chunks: the ceiling of what one record may ever weigh. */
export const storeBodyBytesMax: number = 64 * 1024 * 1024;

/** Entries of one store change: Deno KV takes 1,000 mutations an atomic commit (measured); half leaves room for chunks. */
export const storeChangeEntriesMax: number = 500;

/** Bytes of one store change's index entries: Deno KV takes 800 KiB an atomic commit (measured). */
export const storeChangeBytesMax: number = 600 * 1024;

/** The longest delay handed to a JavaScript timer: above 2^31 − 1 it fires at once (measured). */
export const timerDelayMsMax: number = 2 ** 31 - 1;

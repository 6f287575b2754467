/** Limits of simulations, and those of Deno KV that the simulated one keeps (2.9.6, measured). `docs/LIMITS.md` is generated from these comments. */

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

/** Last entries of a trace that are kept in words; older ones count in its hash alone. Guess: what a person reads. */
export const traceEntriesMax: number = 4_096;

/** The largest seed: chance begins with 32 bits. */
export const seedMax: number = 4_294_967_295;

/** Longest that a simulation runs for one condition, in virtual milliseconds, unless it is told: an hour. Guess. */
export const runMsDefault: number = 3_600_000;

/** Lines of the trace in the message of a failure. Guess: one screen. */
export const failureTraceLines: number = 20;

/** Most peers of one simulation: each stands in a network of its own, 10.0.1.1 to 10.253.x.1. */
export const peersMax: number = 65_000;

/** Timers of one machine at most: one for each machine in it, each wait and each link. Guess, far above what is seen. */
export const timersMax: number = 4_096;

/** Signature checks that one event may cost: the items of one message, or of one step of a catch-up. Measured, doubled. */
export const verificationsPerEventMax: number = 2_048;

/** Datagrams and chunks that a peer at rest sends in a minute: keep-alives, catch-ups and the upkeep of a cloud. Measured, doubled. */
export const idleMessagesPerMinuteMax: number = 600;

/** Columns of a timeline, each a bar of what was sent in its time. Guess: as many as a screen shows apart. */
export const timelineColumns: number = 360;

/** Peers that a timeline draws, the first ones; a picture of more says nothing. */
export const timelinePeersMax: number = 64;

/** Milliseconds by which a clock jumps at least for a timeline to show it: less is how a clock is set right. Guess. */
export const timelineJumpMs: number = 1_000;

/** Events at one and the same moment, after which time is said to stand still. Guess, far above what is seen. */
export const eventsPerMomentMax: number = 20_000;

/**
 * Inputs of one peer's machines at one and the same moment, after which time is said to stand still: several times what
 * comes of as many writes at once as a graph takes, for disks may take no time and each write is asked, stored, sent.
 */
export const inputsPerMomentMax: number = 100_000;

/** Longest until a node without neighbors dials again somebody it knows: what a failed dial, a pause and the bound on dials make it wait. */
export const seekMsMax: number = 120_000;

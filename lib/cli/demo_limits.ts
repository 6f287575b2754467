/** Limits of the demo. `docs/LIMITS.md` is generated from these comments. */

/** How long a peer may take to part with the others, once its stdin has closed. */
export const demoCloseMsMax: number = 2_000;

/** How long one wait of the demo may take: far beyond what any takes, for machines that are busy. */
export const demoWaitMsMax: number = 60_000;

/** Bytes of the file. Refused above: five peers each keep all of it in memory. */
export const demoFileBytesMax: number = 20_000_000;

/** Records that the file may need. Refused above: each is signed once, checked four times and kept five times. */
export const demoRecordsMax: number = 100_000;

/** Bytes of one piece of the file: a record's value (48 KiB). */
export const demoPieceBytesMax: number = 49_152;

/** Records of one request to a peer. */
export const demoBatchRecords: number = 500;

/** Bytes of one request to a peer, about. */
export const demoBatchBytes: number = 1_000_000;

/** Characters kept of what a peer's process complains about: the end of a stack trace. */
export const demoStderrCharsMax: number = 4_000;

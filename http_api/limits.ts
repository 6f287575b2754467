/** Limits of the admin API. `docs/LIMITS.md` is generated from these comments. */

/** Connections at once; more are closed unread. One person with some programs needs a handful (guess). */
export const adminConnectionsMax: number = 64;

/** Request line and headers must be complete after this. `Deno.serve` waits for ever (500 of 500 stood open after 100 s, measured). */
export const adminHeadMsMax: number = 5_000;

/** The whole request must be complete after this: 1 MiB at 35 kB/s. */
export const adminRequestMsMax: number = 30_000;

/** A reader that takes nothing of its answer for so long is cut off; event streams send something each `eventHeartbeatMs`. */
export const adminDrainMsMax: number = 30_000;

/** An idle connection is kept so long for a next request. */
export const adminIdleMsMax: number = 5_000;

/** How often deadlines of connections are checked: so late may one fire. */
export const adminCheckMs: number = 1_000;

/** Bytes of request line and headers together, as Node has it. */
export const adminHeadBytesMax: number = 16_384;

/** Bytes of a request's body, counted as they are read: one record and what JSON and base 64 add. */
export const adminBodyBytesMax: number = 1024 * 1024;

/** Nesting of JSON in a request: as deep as CBOR may be on the wire. */
export const adminJsonDepthMax: number = 16;

/** Characters of a token at least: 128 bits in base 64. */
export const adminTokenCharsMin: number = 22;

/** Event streams at once, for each of them holds a connection and a queue (guess). */
export const eventStreamsMax: number = 16;

/** Events that wait for a slow reader; then the newest are dropped and one `gap` tells how many. */
export const eventQueueMax: number = 256;

/** A comment is sent on a silent event stream after this, so that both ends notice a broken connection. */
export const eventHeartbeatMs: number = 15_000;

/** Records in one page of a list at most. */
export const pageRecordsMax: number = 1_000;

/** Records in one page of a list where the caller does not say. */
export const pageRecordsDefault: number = 100;

/** Names that this API keeps registered at once. */
export const keptNamesMax: number = 256;

/** Longest wait that a caller may ask for: ten minutes, so that no request stands for ever. */
export const adminWaitMsMax: number = 600_000;

/** What is wrong with a request is told for so many places of it. */
export const faultsToldMax: number = 10;

/** Characters of an invitation's text that are looked at; a real one has 320 at most. */
export const invitationTextCharsMax: number = 1_024;

/** Names (groups, identities, peer names) in a request: 255 code points of up to four bytes, and an authority. */
export const nameCharsMax: number = 1_020;

/** Limits of the transports. `docs/LIMITS.md` is generated from these comments. */

/** Largest datagram the receiver takes from the platform: all of UDP, so that nothing is cut silently. */
export const datagramReceiveBytesMax: number = 65_536;

/** Datagrams that wait for the reader where the platform pushes them (`node:dgram`); above, new ones are lost as UDP loses them. */
export const datagramQueueCountMax: number = 1_024;

/** Bytes of datagrams that wait for the reader, as above: at 1,200 bytes each about 870. */
export const datagramQueueBytesMax: number = 1024 * 1024;

/** Socket buffer asked of the platform where it can be asked (`node:dgram`); the usual 208 KiB lost 8 % of a burst (measured). */
export const datagramSocketBytes: number = 1024 * 1024;

/** Destinations whose permission is remembered when Deno grants only some: a check costs about as much as a send (guess). */
export const datagramPermissionsMax: number = 4_096;

/** Pause after the platform failed to accept a stream (no file descriptors left), so that the loop does not spin. */
export const acceptRetryMs: number = 100;

/** Bytes under way or unread in one direction of a stream in memory; above, the writer waits, as TCP makes it wait. */
export const memoryStreamBytesMax: number = 256 * 1024;

/** Streams in memory that wait to be accepted; above, new ones are refused, as a full backlog refuses them. */
export const memoryBacklogMax: number = 128;

/** Longest datagram in memory: what UDP over IPv4 carries. Longer ones are lost. */
export const memoryDatagramBytesMax: number = 65_507;

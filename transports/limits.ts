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

/** Bytes that a direction of limited capacity queues unless told otherwise: about 50 ms at 1.3 MB/s, a common home router. */
export const memoryQueueBytesMax: number = 64 * 1024;

/** Bytes of a stream that take their turn in a direction of limited capacity at once; between them come other streams and datagrams. */
export const memoryPieceBytesMax: number = 4 * 1024;

/** What a lost part of a stream in memory holds up itself and all behind it, at least: the shortest wait of Linux before it sends again. */
export const memoryRetransmissionMs: number = 200;

/** How long a translator in memory keeps a mapping that sends nothing, unless told otherwise: usual for UDP (RFC 4787 asks for 120 s, many take 30 s). */
export const memoryMappingMs: number = 30_000;

/** Mappings of one translator in memory; above, the least recently used one gives way. */
export const memoryMappingsMax: number = 4_096;

/** Addresses that one mapping remembers as sent to; above, the least recently used one gives way and is no longer let in. */
export const memoryMappingPeersMax: number = 4_096;

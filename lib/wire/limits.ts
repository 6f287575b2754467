/** Limits of everything that is encoded. `docs/LIMITS.md` is generated from these comments. */

/** Nesting of a decoded value: protocol §1. Deeper input is refused. */
export const cborDepthMax: number = 16;

/** Elements (array items and map entries together) of one decoded value: bounds what a small frame unfolds into. Refused above. */
export const cborElementsMax: number = 20_000;

/** Bytes of one item as it travels and is stored: one store value holds it. Larger ones are refused. */
export const itemBytesMax: number = 61_000;

/** Bytes of one encrypted frame on a link, tag included, length prefix not: protocol §2. */
export const frameBytesMax: number = 16_384;

/** Bytes of one message on a link, carried by several frames if need be: one item and its envelope. A longer one closes the link. */
export const messageBytesMax: number = 65_536;

/** Bytes of one datagram: what crosses the Internet unfragmented (protocol §3). */
export const datagramBytesMax: number = 1_200;

/** Frames under one key of a link: protocol §2. The sender changes its key by then; a link whose sender does not is closed. */
export const rekeyFramesMax: number = 2 ** 20;

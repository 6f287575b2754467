/** Limits of items, records and their set. `docs/LIMITS.md` is generated from these comments. */

/** Bytes of a record's type: a short word with a namespace. Refused above. */
export const recordTypeBytesMax: number = 128;

/** Bytes of a record's value. What is larger comes in chunks, later; refused until then. */
export const recordDataBytesMax: number = 49_152;

/** Nesting of a JSON value: deeper ones overflow whoever writes them out again. Refused above. */
export const jsonDepthMax: number = 64;

/** Attributes of a record. Refused above. */
export const attributesMax: number = 64;

/** Bytes of an attribute's name. Refused above. */
export const attributeNameBytesMax: number = 40;

/** Bytes of one attribute's text or bytes. Refused above. */
export const attributeValueBytesMax: number = 1_024;

/** Bytes of all attributes of a record together, encoded: with the value they fit one item. */
export const attributesBytesMax: number = 8_192;

/** Highest version of a record: protocol §4. A record updated once a second reaches it in 68 years. */
export const versionMax: number = 2 ** 31;

/** Hash prefixes of earlier versions in a version: protocol §4. */
export const prevMax: number = 8;

/** Bytes of each such prefix: protocol §4; they decide nothing. */
export const prevBytes: number = 8;

/** Life of a record whose author says nothing: 30 days (design §1). */
export const recordLifeMsDefault: number = 30 * 86_400_000;

/** `until − created` at most, where the graph says nothing: 400 days (protocol §4). */
export const recordSpanMsMaxDefault: number = 400 * 86_400_000;

/** Room that a record gets between its expiry and its `until`: a day at least, so that a tombstone outlives every copy under way. */
export const untilRoomMsMin: number = 86_400_000;

/** Latest moment that anything may name: the last one that a `Date` can hold, so that no reader ever fails on it. */
export const timeMsMax: number = 8_640_000_000_000_000;

/** Longest span of a record that a founding item may allow: far beyond any use, and a sum with the present stays a moment. */
export const spanMsMax: number = 4_000_000_000_000_000;

/** A data item further ahead of peer time than this waits: protocol §4 (10 minutes). */
export const aheadMsMax: number = 600_000;

/** Code points of a group's or identity's display name (`windows` row S01: 255). */
export const nameCodePointsMax: number = 255;

/** Hashes in one part of a list: at 34 bytes each, with the part's head, they fit one item (61,000 bytes). */
export const listPartHashesMax: number = 1_790;

/** Parts of one list: 458,000 items of one lineage. A longer list is refused. */
export const listPartsMax: number = 256;

/** Invitations that one removal names. Refused above. */
export const removalClosesMax: number = 64;

/** Joiners of one invitation. */
export const joinersMaxMax: number = 100_000;

/** Data items outside the set that wait for what they name; of whoever brought most the oldest gives way and is asked for again later. */
export const asideItemsMax: number = 4_096;

/** Authority items and list parts that wait for what they name; they have room of their own, so that no data holds up a removal. */
export const asideAuthorityItemsMax: number = 4_096;

/** Superseded and void data items kept for a return to the set; of the author that takes most the oldest gives way. */
export const shelfItemsMax: number = 16_384;

/** Void authority items kept for a return to the set: each is looked at whenever authority is judged. */
export const shelfAuthorityItemsMax: number = 4_096;

/** Bytes of each of these four: a guess at what a small machine spares. */
export const sidelinedBytesMax: number = 64 * 1024 * 1024;

/** How long an item stays on the shelf: 30 days (protocol §4). */
export const shelfMsMax: number = 30 * 86_400_000;

/** How long an item past its `until` stays on the shelf: a clock set wrong for less than an hour destroys nothing. */
export const pastMsMax: number = 3_600_000;

/** Limits of groups. `docs/LIMITS.md` is generated from these comments. */

/** Longest chain of credentials below the group key, unless the founding says otherwise: protocol §6. */
export const depthMaxDefault: number = 8;

/** Leaves that count for one credential, those of the lowest hashes: whoever has left could sign them without end. */
export const leavesMax: number = 4;

/** Life of an invitation that says nothing: 7 days (design §1). */
export const invitationLifeMsDefault: number = 7 * 86_400_000;

/** Longest life of an invitation: a year. Refused above. */
export const invitationLifeMsMax: number = 366 * 86_400_000;

/** Characters of an invitation's text: protocol §6, so that it fits a message, a QR code, a line. */
export const invitationTextMax: number = 320;

/** Endpoints in an invitation's text: protocol §6. */
export const invitationEndpointsMax: number = 2;

/** Items that one answer of a join conversation carries: two chains of 24 links and their roots. Refused above. */
export const chainItemsMax: number = 128;

/** Bytes of such an answer: it is one message on a channel. */
export const chainBytesMax: number = 60_000;

/** Joiners that one member witnesses at once. The oldest gives way and begins again. */
export const knocksMax: number = 64;

/** How long a place of an invitation is kept for a joiner whose admission is on its way to the store. */
export const grantMsMax: number = 30_000;

/** Limits of names, identities and handshakes. `docs/LIMITS.md` is generated from these comments. */

/** Code points of a classifier: what PNRP allowed. Longer ones are refused. */
export const classifierCodePointsMax: number = 149;

/** Code points of an identity's name: what the Windows Identity Manager allowed. Longer ones are refused. */
export const identityNameCodePointsMax: number = 255;

/** Bytes of a host name: RFC 1035 §2.3.4. A peer name that would need more has no host form. */
export const hostNameBytesMax: number = 253;

/** Letters in one label of an encoded classifier: below the 63 of RFC 1035 §2.3.4, so that a label may gain a prefix. */
export const hostLabelBytesMax: number = 60;

/** Bytes of one handshake message: Noise, revision 34, §3. Longer ones are refused. */
export const handshakeMessageBytesMax: number = 65_535;

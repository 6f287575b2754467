/** Limits of what Kith asks of the platform. `docs/LIMITS.md` is generated from these comments. */

/** Bytes drawn by one call: `crypto.getRandomValues` refuses more (WebCrypto). */
export const randomCallBytesMax: number = 65_536;

/** Numbers drawn ahead: enough that the call's cost is small for each (guess). */
export const randomPoolNumbers: number = 256;

/** Characters of one line of the log; the rest is cut, so that a peer cannot fill the disk by one message. */
export const logLineCharsMax: number = 2_000;

/** Bytes of a key file: some hundred sealed identities. A larger one is not read. */
export const keyFileBytesMax: number = 1024 * 1024;

/** Cost of sealing by a passphrase, as a power of 2: scrypt's N, with r = 8 about 128 MiB and half a second (OWASP's advice). */
export const sealCostLog2: number = 17;

/** Highest cost accepted when opening: 1 GiB. A file that asks for more is damaged or hostile. */
export const sealCostLog2Max: number = 20;

/** scrypt's block size r, the usual one; nothing else is accepted when opening. */
export const sealBlockSize: number = 8;

/** scrypt's parallelism p; nothing else is accepted when opening. */
export const sealParallelism: number = 1;

/** Ed25519 key objects kept for seeds of identities and bearer keys: each costs 28 µs to make again (measured). The least recently used gives way. */
export const secretKeyObjectsMax: number = 256;

/** Ed25519 key objects kept for the keys of authors: each costs 9 µs to make again (measured). The least recently used gives way. */
export const publicKeyObjectsMax: number = 4_096;

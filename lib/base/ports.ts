/**
 * Ports: what Kith asks of the world around it. Interfaces only; the real ones are in
 * `lib/platform`, `lib/storage` and `transports`, the virtual ones in `lib/sim`. Each has one
 * contract suite in `tests/contract` that all its implementations run.
 */

/** A moment on both clocks of a peer. */
export interface Instant {
  /** Milliseconds that only ever go forward; the origin means nothing. */
  readonly monoMs: number;
  /** Milliseconds since 1970 by the wall clock, which people and other programs may move. */
  readonly wallMs: number;
}

/** Tells the time. */
export interface Clock {
  /** The present moment on both clocks. */
  now(): Instant;
}

/** Calls back later. */
export interface Timers {
  /** Calls back once after `delayMs`; any delay is legal, a long one is waited for in parts. */
  set(delayMs: number, callback: () => void): TimerHandle;
}

/** A callback that is still to come. */
export interface TimerHandle {
  /** Drops the callback; nothing happens if it ran already. */
  cancel(): void;
}

/** Draws numbers and bytes. */
export interface Random {
  /** Fresh bytes. */
  bytes(length: number): Uint8Array;
  /** A number from 0 to 2^32 − 1. */
  uint32(): number;
}

/** Synchronous primitives. Inputs of the wrong length are our own mistakes and throw. */
export interface Crypto {
  /** SHA-256 over the parts, one after the other. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC with SHA-256 over the parts. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** Signatures (RFC 8032). */
  readonly ed25519: Ed25519;
  /** Key agreement (RFC 7748). */
  readonly x25519: X25519;
  /** Authenticated encryption: ChaCha20-Poly1305 (RFC 8439). */
  readonly aead: Aead;
}

/** Ed25519 on raw 32-byte seeds and keys. */
export interface Ed25519 {
  /** The public key of a seed. */
  publicKey(seed: Uint8Array): Uint8Array;
  /** A signature of 64 bytes. */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** Cofactorless check as OpenSSL does it; `false` for anything malformed. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** X25519 on raw 32-byte keys. */
export interface X25519 {
  /** The public key of a secret key. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** The shared secret, or `null` if the other key leads to zero. */
  agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
}

/** An AEAD with 32-byte keys, 12-byte nonces and a tag of 16 bytes at the end. */
export interface Aead {
  /** Ciphertext with its tag. */
  seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Plaintext, or `null` if the tag does not hold. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | null;
}

/** ML-KEM-768 (FIPS 203). A port of its own because the platform has it only asynchronously. */
export interface Kem {
  /** A fresh key pair. */
  generate(): Promise<KemKeyPair>;
  /** A shared secret of 32 bytes for the holder of `publicKey`; `null` if the key is malformed. */
  encapsulate(publicKey: Uint8Array): Promise<KemEncapsulation | null>;
}

/** One end of a key encapsulation. */
export interface KemKeyPair {
  /** 1,184 bytes. */
  readonly publicKey: Uint8Array;
  /** The shared secret in a ciphertext of 1,088 bytes; `null` if it is malformed. */
  decapsulate(ciphertext: Uint8Array): Promise<Uint8Array | null>;
}

/** What encapsulation yields. */
export interface KemEncapsulation {
  /** 1,088 bytes for the other end. */
  readonly ciphertext: Uint8Array;
  /** 32 bytes to keep. */
  readonly sharedSecret: Uint8Array;
}

/** A numeric address: an IPv4 or IPv6 literal and a port. Names are never looked up. */
export interface Address {
  /** `127.0.0.1` or `::1`, in canonical text. */
  readonly host: string;
  /** 0 to 65,535; 0 only where a port is to be chosen. */
  readonly port: number;
}

/** Reliable byte streams, as TCP gives them. */
export interface Streams {
  /** Accepts streams at an address; port 0 chooses one. */
  listen(address: Address): Promise<StreamListener>;
  /** Opens a stream; the signal ends the attempt. */
  connect(address: Address, signal: AbortSignal): Promise<ByteStream>;
}

/** Accepts streams. */
export interface StreamListener extends AsyncIterable<ByteStream> {
  /** Where it listens, with the real port. */
  readonly address: Address;
  /** Stops accepting and ends the iteration; accepted streams live on. */
  close(): void;
}

/** One stream. */
export interface ByteStream {
  /** Where the other end is. */
  readonly remote: Address;
  /** Reads some bytes into `buffer`; the count, or `null` at the end. Rejects when the stream broke. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes all bytes. Rejects when the stream broke. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends both directions; pending reads and writes settle. May be called again. */
  close(): void;
}

/** Datagrams, as UDP gives them. */
export interface Datagrams {
  /** Opens a socket at an address; port 0 chooses one. */
  bind(address: Address): Promise<DatagramSocket>;
}

/** One datagram socket. Iterating yields what arrives; it ends when the socket closes. */
export interface DatagramSocket extends AsyncIterable<Datagram> {
  /** Where it is bound, with the real port. */
  readonly address: Address;
  /** Sends at best effort: never throws, never waits; what cannot be sent is lost. */
  send(bytes: Uint8Array, to: Address): void;
  /** Closes the socket and ends the iteration. */
  close(): void;
}

/** A datagram that arrived. */
export interface Datagram {
  /** What was sent, whole. */
  readonly bytes: Uint8Array;
  /** The socket it was sent from, as far as the network tells the truth. */
  readonly from: Address;
}

/** A key in the store's index: parts in order, compared part by part as Deno KV compares them. */
export type StoreKey = readonly (string | number | Uint8Array)[];

/** One entry of the store's index. */
export interface StoreEntry {
  /** Where it stands. */
  readonly key: StoreKey;
  /** At most `storeValueBytesMax` bytes. */
  readonly value: Uint8Array;
}

/** One change of the store: after a crash it is there wholly or not at all. */
export interface StoreChange {
  /** Large bytes by their SHA-256 in lower-case hex, any length up to `storeBodyBytesMax`; writing one again changes nothing. */
  readonly bodies?: readonly { readonly hash: string; readonly bytes: Uint8Array }[];
  /** Index entries to write. */
  readonly sets?: readonly StoreEntry[];
  /** Index entries to remove. */
  readonly deletes?: readonly StoreKey[];
  /** Bodies that nothing refers to any more. */
  readonly dropBodies?: readonly string[];
}

/**
 * The durable store of a peer. Bodies are written first, by hash and in chunks; then one atomic and
 * bounded index commit makes them count. Every call may be repeated safely.
 */
export interface RecordStore {
  /**
   * Makes a change durable. Rejects with a {@linkcode PeerError} (`store_full`, `store_failed`, …) and
   * then nothing of the index changed; only after `timeout` that is open, and the same change is to be
   * committed again before anything that builds on its failure.
   */
  commit(change: StoreChange): Promise<void>;
  /** The entries whose key begins with `prefix`, in key order. */
  list(prefix: StoreKey): AsyncIterable<StoreEntry>;
  /** One value, or `null`. */
  read(key: StoreKey): Promise<Uint8Array | null>;
  /** The body with this hash, or `null` if it is missing or no longer has that hash. */
  readBody(hash: string): Promise<Uint8Array | null>;
  /** Closes the store. May be called again. */
  close(): Promise<void>;
  /** How many damaged entries and bodies were met and not given out, where the store can tell. */
  readonly damaged?: number;
}

/** Takes what Kith has to say to an operator. Silent by default. */
export interface Log {
  /** For whoever looks for a fault. */
  debug(message: string, details?: LogDetails): void;
  /** What happened as it should. */
  info(message: string, details?: LogDetails): void;
  /** Something is wrong, and Kith goes on. */
  warn(message: string, details?: LogDetails): void;
  /** Something is wrong that needs somebody. */
  error(message: string, details?: LogDetails): void;
}

/** Plain data beside a log message; never secrets. */
export type LogDetails = Readonly<Record<string, string | number | boolean | null>>;

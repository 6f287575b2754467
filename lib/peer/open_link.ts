/**
 * The opening of a link: one fixed sequence on a fresh stream, Noise `XXhfs` with a link proof of each
 * end inside (protocol §2). Each end sends one byte of version first; each handshake message has its
 * length in two bytes before it.
 *
 * The dialler judges who answered before it says who it is, so dialling a wrong address shows nothing.
 */

import type { ByteStream, Clock, Crypto, Kem, Log, Random, TimerHandle, Timers } from "../base/ports.ts";
import { concat, equalBytes, utf8 } from "../base/bytes.ts";
import { HandshakeState } from "../identity/handshake.ts";
import { checkLinkProof, createLinkProof } from "../identity/link_proof.ts";
import type { Signer } from "../wire/envelope.ts";
import { firstByteMsMax, handshakeMsMax, linkHandshakeBytesMax, linkVersion } from "./limits.ts";
import { SecureLink } from "./secure_link.ts";

/** What a link asks of the world. */
export interface LinkPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly kem: Kem;
  readonly log: Log;
}

/** What one peer shows on all its links. */
export interface LinkSelf {
  /** The identity's public key. */
  readonly identityKey: Uint8Array;
  /** The X25519 secret of this opening of the peer; it is never stored. */
  readonly staticSecret: Uint8Array;
  /** The identity's statement that the X25519 key is its own. */
  readonly proof: Uint8Array;
}

/** Why a link did not open. */
export type LinkFailure =
  | "silent"
  | "too_slow"
  | "broken"
  | "unknown_version"
  | "bad_handshake"
  | "bad_proof"
  | "wrong_peer"
  | "connect_self"
  | "duplicate"
  | "aborted";

/** A link, or why there is none. */
export type LinkOpening =
  | { readonly ok: true; readonly link: SecureLink }
  | { readonly ok: false; readonly reason: LinkFailure };

/** How a link is opened. */
export interface OpenLinkOptions {
  /** Which end this is. */
  readonly role: "dial" | "accept";
  /** The identity that must answer, if only that will do. */
  readonly expect?: Uint8Array;
  /** Asked by the dialler once it knows who answered; `false` ends the opening as a duplicate. */
  readonly admit?: (peer: Uint8Array, peerStatic: Uint8Array) => boolean;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/** Makes what a peer shows: a fresh static key, certified by its identity. */
export function createLinkSelf(ports: LinkPorts, signer: Signer): LinkSelf {
  const staticSecret = ports.random.bytes(32);
  const staticKey = ports.crypto.x25519.publicKey(staticSecret);
  const proof = createLinkProof(ports.crypto, signer, staticKey, ports.clock.now().wallMs);
  return { identityKey: signer.publicKey, staticSecret, proof };
}

/** Opens a link on a stream that it owns from now on: the stream is closed unless a link comes out. */
export async function openLink(
  stream: ByteStream,
  options: OpenLinkOptions,
  ports: LinkPorts,
  self: LinkSelf,
): Promise<LinkOpening> {
  const watch = new Watch(stream, options, ports.timers);
  try {
    const opening = new Opening(new HandshakeStream(stream, watch), options, ports, self);
    const link = options.role === "dial" ? await opening.dial() : await opening.accept();
    if (watch.reason === null) return { ok: true, link };
    return { ok: false, reason: watch.reason };
  } catch (error) {
    stream.close();
    if (error instanceof Refused) return { ok: false, reason: watch.reason ?? error.reason };
    throw error;
  } finally {
    watch.stop();
  }
}

/** Ends an opening by closing its stream, which settles whatever it waits for. */
class Watch {
  reason: LinkFailure | null = null;
  readonly #stream: ByteStream;
  readonly #signal: AbortSignal | undefined;
  readonly #timers: TimerHandle[] = [];
  readonly #onAbort = () => this.#end("aborted");

  constructor(stream: ByteStream, options: OpenLinkOptions, timers: Timers) {
    this.#stream = stream;
    this.#signal = options.signal;
    this.#timers.push(timers.set(handshakeMsMax, () => this.#end("too_slow")));
    if (options.role === "accept") this.#timers.push(timers.set(firstByteMsMax, () => this.#end("silent")));
    if (options.signal?.aborted) this.#end("aborted");
    else options.signal?.addEventListener("abort", this.#onAbort);
  }

  onFirstByte(): void {
    this.#timers[1]?.cancel();
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #end(reason: LinkFailure): void {
    this.reason ??= reason;
    this.#stream.close();
  }
}

/** Leaves the sequence; turned into a reason at its door. */
class Refused extends Error {
  readonly reason: LinkFailure;

  constructor(reason: LinkFailure) {
    super(reason);
    this.reason = reason;
  }
}

/** One end's side of the sequence. */
class Opening {
  readonly #io: HandshakeStream;
  readonly #options: OpenLinkOptions;
  readonly #ports: LinkPorts;
  readonly #self: LinkSelf;

  constructor(io: HandshakeStream, options: OpenLinkOptions, ports: LinkPorts, self: LinkSelf) {
    this.#io = io;
    this.#options = options;
    this.#ports = ports;
    this.#self = self;
  }

  async dial(): Promise<SecureLink> {
    const kem = await this.#ports.kem.generate();
    const state = this.#createState(kem.publicKey);
    await this.#io.write(versionByte, framed(state.writeMessage(nothing)));
    await this.#io.readVersion();
    const message = await this.#io.readMessage();
    const sealed = state.kemCiphertext(message);
    if (!sealed.ok) throw new Refused("bad_handshake");
    const secret = await kem.decapsulate(sealed.ciphertext);
    if (secret === null) throw new Refused("bad_handshake");
    const peer = this.#checkProof(state, this.#read(state, message, secret));
    const { expect, admit } = this.#options;
    if (expect !== undefined && !equalBytes(peer, expect)) throw new Refused("wrong_peer");
    if (admit?.(peer, state.remoteStatic!) === false) throw new Refused("duplicate");
    await this.#io.write(framed(state.writeMessage(this.#self.proof)));
    return this.#createLink(state, peer);
  }

  async accept(): Promise<SecureLink> {
    await this.#io.readVersion();
    const state = this.#createState();
    const payload = this.#read(state, await this.#io.readMessage());
    if (payload.length > 0) throw new Refused("bad_handshake");
    const encapsulation = await this.#ports.kem.encapsulate(state.kemPublicKey!);
    if (encapsulation === null) throw new Refused("bad_handshake");
    await this.#io.write(versionByte, framed(state.writeMessage(this.#self.proof, encapsulation)));
    const peer = this.#checkProof(state, this.#read(state, await this.#io.readMessage()));
    return this.#createLink(state, peer);
  }

  #createState(kemPublicKey?: Uint8Array): HandshakeState {
    return new HandshakeState(this.#ports.crypto, {
      pattern: "XXhfs",
      initiator: this.#options.role === "dial",
      prologue,
      ephemeralKey: this.#ports.random.bytes(32),
      staticKey: this.#self.staticSecret,
      ...(kemPublicKey === undefined ? {} : { kemPublicKey }),
    });
  }

  #read(state: HandshakeState, message: Uint8Array, secret?: Uint8Array): Uint8Array {
    const read = state.readMessage(message, secret);
    if (!read.ok) throw new Refused("bad_handshake");
    return read.payload;
  }

  #checkProof(state: HandshakeState, proof: Uint8Array): Uint8Array {
    const checked = checkLinkProof(this.#ports.crypto, proof, state.remoteStatic!);
    if (!checked.ok) throw new Refused("bad_proof");
    if (equalBytes(checked.identityKey, this.#self.identityKey)) throw new Refused("connect_self");
    return checked.identityKey.slice();
  }

  #createLink(state: HandshakeState, peer: Uint8Array): SecureLink {
    const { sendKey, receiveKey, handshakeHash, remoteStatic } = state.result!;
    return new SecureLink({
      stream: this.#io.stream,
      ports: this.#ports,
      peer,
      peerStatic: remoteStatic!,
      dialled: this.#options.role === "dial",
      handshakeHash,
      sendKey,
      receiveKey,
      early: this.#io.rest(),
    });
  }
}

/** Reads whole handshake messages from a stream and keeps what came after the last. */
class HandshakeStream {
  readonly stream: ByteStream;
  readonly #watch: Watch;
  readonly #buffer = new Uint8Array(2 * linkHandshakeBytesMax);
  #start = 0;
  #end = 0;

  constructor(stream: ByteStream, watch: Watch) {
    this.stream = stream;
    this.#watch = watch;
  }

  async readVersion(): Promise<void> {
    const [version] = await this.#take(1);
    if (version !== linkVersion) throw new Refused("unknown_version");
  }

  async readMessage(): Promise<Uint8Array> {
    const [high, low] = await this.#take(2);
    const length = high! * 256 + low!;
    if (length > linkHandshakeBytesMax) throw new Refused("bad_handshake");
    return await this.#take(length);
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    try {
      await this.stream.write(concat(...parts));
    } catch {
      throw new Refused("broken");
    }
  }

  /** What arrived after the handshake. */
  rest(): Uint8Array {
    return this.#buffer.slice(this.#start, this.#end);
  }

  /** Exactly so many bytes, at most {@linkcode linkHandshakeBytesMax}. */
  async #take(length: number): Promise<Uint8Array> {
    while (this.#end - this.#start < length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
      this.#end += await this.#readSome();
    }
    const bytes = this.#buffer.slice(this.#start, this.#start + length);
    this.#start += length;
    return bytes;
  }

  async #readSome(): Promise<number> {
    let count: number | null;
    try {
      count = await this.stream.read(this.#buffer.subarray(this.#end));
    } catch {
      throw new Refused("broken");
    }
    if (count === null) throw new Refused("broken");
    this.#watch.onFirstByte();
    return count;
  }
}

function framed(message: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(message.length >>> 8, message.length & 255), message);
}

const nothing = new Uint8Array();
const versionByte = Uint8Array.of(linkVersion);
const prologue = concat(versionByte, utf8("kith/link/1"));

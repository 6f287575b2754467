/**
 * An end of a stream that speaks the handshake and the frames of links without their rules: it stays
 * silent, drips, repeats, declares lengths that are none, never reads, flips bits, and seals whatever it
 * likes. It is made of the product's pure parts and lives on a {@linkcode LinkWorld}.
 */

import { concat, utf8 } from "../../../lib/base/bytes.ts";
import type { Address, ByteStream, StreamListener } from "../../../lib/base/ports.ts";
import { HandshakeState } from "../../../lib/identity/handshake.ts";
import { createLinkProof } from "../../../lib/identity/link_proof.ts";
import { linkVersion } from "../../../lib/peer/limits.ts";
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from "../../../lib/peer/link_messages.ts";
import { CipherState } from "../../../lib/wire/cipher.ts";
import type { Signer } from "../../../lib/wire/envelope.ts";
import { FrameOpener, FrameSealer } from "../../../lib/wire/frames.ts";
import { crypto, type LinkWorld, signerOf } from "../../unit/peer/link_world.ts";

/** One end of one stream. */
export class HostileLink {
  readonly world: LinkWorld;
  readonly stream: ByteStream;
  readonly signer: Signer;
  readonly isDialler: boolean;
  /** What it wrote, write by write: whatever was recorded may be played again. */
  readonly wrote: Uint8Array[] = [];
  /** Seals what it sends, once the handshake is done; `cipher` has the same key and counts by itself. */
  sealer: FrameSealer | null = null;
  cipher: CipherState | null = null;
  /** Names the link, once the handshake is done. */
  handshakeHash: Uint8Array | null = null;
  readonly #host: string;
  #opener: FrameOpener | null = null;
  #arrived: Uint8Array = nothing;
  readonly #messages: LinkMessage[] = [];

  /** Takes an end of a stream; the identity is that of `byte`. */
  constructor(world: LinkWorld, host: string, stream: ByteStream, isDialler: boolean, byte: number) {
    this.world = world;
    this.stream = stream;
    this.isDialler = isDialler;
    this.signer = signerOf(byte);
    this.#host = host;
  }

  /** Opens a stream from a host and does nothing with it; `null` if it is refused. */
  static async dial(world: LinkWorld, host: string, to: Address, byte = 200): Promise<HostileLink | null> {
    try {
      const stream = await world.network.streams(host).connect(to, new AbortController().signal);
      return new HostileLink(world, host, stream, true, byte);
    } catch {
      return null; // nobody listens
    }
  }

  /** Has every stream that is opened to an address handled by this. */
  static async listen(
    world: LinkWorld,
    address: Address,
    handle: (link: HostileLink) => Promise<void>,
    byte = 201,
  ): Promise<StreamListener> {
    const listener = await world.network.streams(address.host).listen(address);
    const accept = async () => {
      for await (const stream of listener) handle(new HostileLink(world, address.host, stream, false, byte));
    };
    accept();
    return listener;
  }

  /** Writes; tells whether that was possible. */
  async write(...parts: readonly Uint8Array[]): Promise<boolean> {
    const bytes = concat(...parts);
    this.wrote.push(bytes);
    try {
      await this.stream.write(bytes);
      return true;
    } catch {
      return false; // the other end has had enough
    }
  }

  /** Exactly so many bytes, or `null` if the stream ends before. */
  async read(count: number): Promise<Uint8Array | null> {
    while (this.#arrived.length < count) {
      if (!await this.#readMore()) return null;
    }
    const bytes = this.#arrived.slice(0, count);
    this.#arrived = this.#arrived.slice(count);
    return bytes;
  }

  /** Holds the whole handshake as it should be, or shows another proof; `false` if the other end does not go along. */
  async handshake(otherProof?: Uint8Array): Promise<boolean> {
    const { kem, random } = this.world.ports(this.#host);
    const staticKey = random.bytes(32);
    const proof = otherProof ?? createLinkProof(crypto, this.signer, crypto.x25519.publicKey(staticKey), 0);
    const pair = this.isDialler ? await kem.generate() : null;
    const state = new HandshakeState(crypto, {
      pattern: "XXhfs",
      initiator: this.isDialler,
      prologue: concat(versionByte, utf8("kith/link/1")),
      ephemeralKey: random.bytes(32),
      staticKey,
      ...(pair && { kemPublicKey: pair.publicKey }),
    });
    if (this.isDialler) {
      await this.write(versionByte, framed(state.writeMessage(nothing)));
      const message = await this.#readHandshake(true);
      const sealed = message && state.kemCiphertext(message);
      if (!sealed?.ok) return false;
      const secret = await pair!.decapsulate(sealed.ciphertext);
      if (secret === null || !state.readMessage(message!, secret).ok) return false;
      await this.write(framed(state.writeMessage(proof)));
    } else {
      const first = await this.#readHandshake(true);
      if (first === null || !state.readMessage(first).ok) return false;
      const encapsulation = await kem.encapsulate(state.kemPublicKey!);
      await this.write(versionByte, framed(state.writeMessage(proof, encapsulation!)));
      const last = await this.#readHandshake(false);
      if (last === null || !state.readMessage(last).ok) return false;
    }
    const { sendKey, receiveKey, handshakeHash } = state.result!;
    this.handshakeHash = handshakeHash;
    this.sealer = new FrameSealer(crypto, sendKey);
    this.cipher = new CipherState(crypto.aead, sendKey);
    this.#opener = new FrameOpener(crypto, receiveKey);
    return true;
  }

  /** Sends messages in frames as they should be. */
  say(...messages: readonly LinkMessage[]): Promise<boolean> {
    return this.write(this.sealer!.seal(messages.map(encodeLinkMessage)));
  }

  /** Says hello and nothing about itself. */
  greet(): Promise<boolean> {
    return this.say({ kind: "hello", endpoints: [], wallMs: 0, agent: "hostile" });
  }

  /** One frame around any plaintext, rightly sealed. Not to be mixed with {@linkcode HostileLink.say}. */
  frameOf(plaintext: Uint8Array): Uint8Array {
    return framed(this.cipher!.seal(nothing, plaintext));
  }

  /** The next message of the other end, or `null` at the end of the stream. */
  async hear(): Promise<LinkMessage | null> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#arrived.length === 0 && !await this.#readMore()) return null;
      const { messages = [] } = this.#opener!.push(this.#arrived);
      this.#arrived = nothing;
      for (const bytes of messages) {
        const decoded = decodeLinkMessage(bytes);
        if (decoded.ok) this.#messages.push(decoded.message);
      }
    }
  }

  /** Reads until the stream ends, and throws away what comes. */
  async drain(): Promise<void> {
    while (await this.#readMore()) this.#arrived = nothing;
  }

  async #readHandshake(withVersion: boolean): Promise<Uint8Array | null> {
    if (withVersion && await this.read(1) === null) return null;
    const head = await this.read(2);
    return head && await this.read(head[0]! * 256 + head[1]!);
  }

  async #readMore(): Promise<boolean> {
    const buffer = new Uint8Array(16_384);
    let count: number | null;
    try {
      count = await this.stream.read(buffer);
    } catch {
      return false; // the other end broke it off
    }
    if (count === null) return false;
    this.#arrived = concat(this.#arrived, buffer.subarray(0, count));
    return true;
  }
}

/** Bytes behind their length in two bytes. */
export function framed(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length >>> 8, bytes.length & 255), bytes);
}

/** A message as a plaintext of one frame: no flags, one segment that ends here. */
export function segment(message: Uint8Array, goesOn = false): Uint8Array {
  return concat(Uint8Array.of(0, goesOn ? 1 : 0), framed(message));
}

/** What both ends send first. */
export const versionByte: Uint8Array = Uint8Array.of(linkVersion);

const nothing = new Uint8Array();

/**
 * The decoder of each kind of packet, as one function from bytes to a verdict: `ok`, or the reason for
 * which it refuses them. Whatever a decoder takes is encoded again and must be the same bytes, so a
 * decoder that reads less than it was given fails here.
 */

import assert from "node:assert/strict";
import { packAddress } from "../../lib/base/address.ts";
import { concat, equalBytes, fromUtf8, hex } from "../../lib/base/bytes.ts";
import { decodeMessage, encodeMessage } from "../../lib/graph/messages.ts";
import { invitationText, parseInvitation } from "../../lib/groups/invitation.ts";
import type { HandshakePattern, HandshakeState } from "../../lib/identity/handshake.ts";
import { checkLinkProof } from "../../lib/identity/link_proof.ts";
import { parsePeerId, peerIdText } from "../../lib/identity/peer_id.ts";
import { createPeerName, hostName, parseHostName, parsePeerName } from "../../lib/identity/peer_name.ts";
import { createContact, packHint, unpackHint } from "../../lib/names/contact.ts";
import {
  helloPacket,
  keyPacket,
  openPacket,
  type Packet,
  PacketType,
  PairKeyCache,
  type SealedPacket,
  tokenPacket,
} from "../../lib/names/datagram.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeFound,
  encodeRequest,
  encodeResponse,
  type Message,
  type ResponseBody,
} from "../../lib/names/messages.ts";
import { openRegistration, sealRegistration, verifyRegistration } from "../../lib/names/registration.ts";
import { decodeLinkMessage, encodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { type DataBody, type Item, ItemKind } from "../../lib/records/item.ts";
import { createItem, parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import { encode } from "../../lib/wire/codec.ts";
import { openEnvelope, type Signer, verifyEnvelope } from "../../lib/wire/envelope.ts";
import { FrameOpener } from "../../lib/wire/frames.ts";
import { type CountingCrypto, createCountingCrypto } from "../hostile/kit/counting_crypto.ts";
import { goldenGroup } from "./golden_graph.ts";
import {
  envelopeKey,
  envelopeScope,
  frameKey,
  frameMessages,
  frameRekeyMax,
  provenStatic,
  shake,
  sharedSecretIn,
  signedPurposes,
} from "./golden_links.ts";
import { goldenCloud, receiverSecret } from "./golden_names.ts";
import type { PacketKind } from "./golden_packets.ts";

/** The crypto of all decoders, which counts what they ask of it. */
export const decodersCrypto: CountingCrypto = createCountingCrypto();
const crypto = decodersCrypto;

/** The packet that bytes were made of: its name tells what else a decoder has to know. */
export interface Origin {
  readonly kind: PacketKind;
  readonly name: string;
}

/** What the decoder of this kind makes of the bytes. */
export function verdictOf(origin: Origin, bytes: Uint8Array): string {
  return decoders[origin.kind](bytes, origin.name);
}

const decoders: Readonly<Record<PacketKind, (bytes: Uint8Array, name: string) => string>> = {
  "datagram": datagram,
  "request": request,
  "response": response,
  "hint": hint,
  "registration": registration,
  "item": item,
  "graph message": graphMessage,
  "handshake": handshake,
  "frame": frame,
  "link message": linkMessage,
  "envelope": envelope,
  "link proof": linkProof,
  "peer id": (bytes) => text(bytes, (id) => parsePeerId(crypto, id), (key) => peerIdText(crypto, key)),
  "peer name": (bytes) =>
    text(bytes, (name) => parsePeerName(crypto, name), (name) => {
      return createPeerName(crypto, name.authority, name.classifier).text;
    }),
  "host name": (bytes) =>
    text(bytes, (name) => parseHostName(crypto, name), hostName, (name) => {
      return name.replace(/\.$/, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    }),
  "invitation": (bytes) =>
    text(
      bytes,
      (line) => parseInvitation(crypto, line),
      (ticket) => invitationText(crypto, ticket),
      (line) => {
        return line.trim();
      },
    ),
};

let pairs = new PairKeyCache(crypto, goldenCloud, receiverSecret);

/** As a contact takes it that has given its token: size, key agreement, AEAD, decoding. */
function datagram(bytes: Uint8Array): string {
  const opened = openPacket(bytes);
  if (!opened.ok) return opened.reason;
  const { packet } = opened;
  if (!isSealed(packet)) {
    assert.ok(equalBytes(clearBytes(packet), bytes), "a datagram is read as it is written");
    return "ok";
  }
  if (pairs.agreements > 100_000) pairs = new PairKeyCache(crypto, goldenCloud, receiverSecret);
  const keys = pairs.with(packet.sender);
  if (keys === null) return "bad_key";
  const plaintext = crypto.aead.open(keys.receiveKey, packet.nonce, packet.header, packet.ciphertext);
  if (plaintext === null) return "not_authentic";
  return packet.type === PacketType.request ? request(plaintext) : response(plaintext);
}

function isSealed(packet: Packet): packet is SealedPacket {
  return packet.type === PacketType.request || packet.type === PacketType.response;
}

function clearBytes(packet: Exclude<Packet, SealedPacket>): Uint8Array {
  switch (packet.type) {
    case PacketType.hello:
      return helloPacket(packet.sender, packet.nonce);
    case PacketType.key:
      return keyPacket(packet.nonce, packet.sender, packet.token);
    case PacketType.token:
      return tokenPacket(packet.nonce, packet.token);
  }
}

function request(bytes: Uint8Array): string {
  const decoded = decodeRequest(bytes);
  if (!decoded.ok) return decoded.reason;
  assert.ok(equalBytes(encodeRequest(decoded.message), bytes), "a request is read as it is written");
  return "ok";
}

function response(bytes: Uint8Array): string {
  const decoded = decodeResponse(bytes);
  if (!decoded.ok) return decoded.reason;
  assert.ok(equalBytes(responseBytes(decoded.message), bytes), "a response is read as it is written");
  return "ok";
}

function responseBytes({ id, body }: Message<ResponseBody>): Uint8Array {
  if (body.kind !== "found") return encodeResponse({ id, body });
  const hints = body.hints.map(({ key, addresses }) =>
    packHint(createContact(crypto, goldenCloud, key, addresses))
  );
  const values = body.values.map(({ registration, from }) =>
    [registration, from === null ? new Uint8Array(0) : packAddress(from)] as const
  );
  return encodeFound(id, hints, values, body.total);
}

function hint(bytes: Uint8Array): string {
  const unpacked = unpackHint(bytes);
  if (unpacked === null) return "refused";
  const packed = packHint(createContact(crypto, goldenCloud, unpacked.key, unpacked.addresses));
  assert.ok(equalBytes(packed, bytes), "a hint is read as it is written");
  return "ok";
}

function registration(bytes: Uint8Array): string {
  const opened = openRegistration(crypto, goldenCloud, bytes);
  if (!opened.ok) return opened.reason;
  const { statement } = opened;
  if (!verifyRegistration(crypto, goldenCloud, statement)) return "bad_signature";
  const again = sealRegistration(
    crypto,
    goldenCloud,
    signerFrom(statement.signer, statement.envelope.signature),
    statement,
  );
  assert.ok(equalBytes(again.bytes, bytes), "a registration is read as it is written");
  return "ok";
}

/** Gives a signature that is there already. */
function signerFrom(publicKey: Uint8Array, signature: Uint8Array): Signer {
  return { publicKey, sign: () => signature };
}

function item(bytes: Uint8Array): string {
  const parsed = parseItem(crypto, goldenGroup, bytes);
  if (!parsed.ok) return parsed.reason;
  if (!verifyItem(crypto, goldenGroup, parsed.item)) return "bad_signature";
  assert.ok(equalBytes(itemBytes(parsed.item), bytes), "an item is read as it is written");
  return "ok";
}

function itemBytes({ head, body, bytes }: Item): Uint8Array {
  if (head === null) {
    const { hashes, next } = body as Item["body"] & { kind: typeof ItemKind.list };
    return concat(Uint8Array.of(2), encode([ItemKind.list, hashes, next]));
  }
  return createItem(crypto, signerFrom(head.author, bytes.slice(-64)), goldenGroup, head, body as DataBody)
    .bytes;
}

function graphMessage(bytes: Uint8Array): string {
  const message = decodeMessage(bytes);
  if (message === null) return "refused";
  assert.ok(equalBytes(encodeMessage(message), bytes), "a graph message is read as it is written");
  return "ok";
}

/** Ends of golden handshakes that wait for a message: a refused one must leave them as they were. */
const waiting = new Map<string, HandshakeState>();

function handshake(bytes: Uint8Array, name: string): string {
  const [, pattern, turn] = /^(\w+) (\d)/.exec(name)!;
  const key = `${pattern} ${turn}`;
  const state = waiting.get(key) ?? waitingEnd(pattern as HandshakePattern, Number(turn) - 1);
  waiting.set(key, state);
  const { next, nextHasKem, remoteStatic, kemPublicKey } = state;
  const read = state.readMessage(bytes, sharedSecretIn(state, bytes));
  if (read.ok) waiting.delete(key);
  else {
    const isAsBefore = state.next === next && state.nextHasKem === nextHasKem && state.result === null &&
      state.remoteStatic === remoteStatic && state.kemPublicKey === kemPublicKey;
    assert.ok(isAsBefore, "a refused message changes nothing");
  }
  return read.ok ? "ok" : read.reason;
}

function waitingEnd(pattern: HandshakePattern, turn: number): HandshakeState {
  const { initiator, responder } = shake(pattern, turn);
  return turn % 2 === 0 ? responder : initiator;
}

/** Frames give messages that were sealed under their key, or none. */
function frame(bytes: Uint8Array, name: string): string {
  const opener = new FrameOpener(crypto, frameKey, { rekeyFramesMax: frameRekeyMax });
  const half = opener.push(bytes.subarray(0, bytes.length >> 1));
  const opened = half.reject === undefined ? opener.push(bytes.subarray(bytes.length >> 1)) : half;
  if (opened.reject !== undefined) {
    assert.deepEqual(opener.push(bytes), { reject: opened.reject }, "what was refused stays refused");
    return opened.reject;
  }
  if (name !== forgedFrame) {
    for (const message of [...half.messages ?? [], ...opened.messages]) {
      assert.ok(sealedMessages.has(hex(message)), "what a frame gives was sealed under its key");
    }
  }
  return opener.midway ? "incomplete" : "ok";
}

/** The name of frames that hold anything. */
export const forgedFrame = "forged";

const sealedMessages: ReadonlySet<string> = new Set(frameMessages.map(hex));

function linkMessage(bytes: Uint8Array): string {
  const decoded = decodeLinkMessage(bytes);
  if (!decoded.ok) return decoded.reason;
  const { message } = decoded;
  const again = encodeLinkMessage(message);
  // Endpoints and reasons of later versions are passed over; what is left is read alike.
  if (message.kind === "hello" || message.kind === "bye") assert.deepEqual(decodeLinkMessage(again), decoded);
  else assert.ok(equalBytes(again, bytes), "a link message is read as it is written");
  return "ok";
}

function envelope(bytes: Uint8Array, name: string): string {
  const opened = openEnvelope(bytes);
  if (!opened.ok) return opened.reason;
  const purpose = signedPurposes.find((purpose) => name.startsWith(purpose))!;
  return verifyEnvelope(crypto, opened, purpose, envelopeScope, envelopeKey) ? "ok" : "bad_signature";
}

/** The purposes that a golden envelope holds for. */
export function purposesOf(bytes: Uint8Array): readonly string[] {
  const opened = openEnvelope(bytes);
  assert.ok(opened.ok);
  return signedPurposes.filter((purpose) =>
    verifyEnvelope(crypto, opened, purpose, envelopeScope, envelopeKey)
  );
}

function linkProof(bytes: Uint8Array): string {
  const checked = checkLinkProof(crypto, bytes, provenStatic);
  return checked.ok ? "ok" : checked.reason;
}

/** `canonical` takes from a text what means nothing to its parser. */
function text<T>(
  bytes: Uint8Array,
  parse: (text: string) => T | null,
  write: (parsed: T) => string,
  canonical: (text: string) => string = (given) => given,
): string {
  // What is no UTF-8 reaches a parser as some other text: by a paste, say.
  const given = fromUtf8(bytes) ?? String.fromCharCode(...bytes);
  const parsed = parse(given);
  if (parsed === null) return "refused";
  assert.equal(write(parsed), canonical(given), "a text is read as it is written");
  return "ok";
}

/** Golden packets of links and identities: handshakes, frames, link messages, envelopes, and texts. */

import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import type { Endpoint } from "../../lib/base/address.ts";
import { BoundedMap } from "../../lib/base/bounded.ts";
import { concat, hex, utf8 } from "../../lib/base/bytes.ts";
import type { KemEncapsulation } from "../../lib/base/ports.ts";
import { invitationText } from "../../lib/groups/invitation.ts";
import { type HandshakePattern, HandshakeState } from "../../lib/identity/handshake.ts";
import { createLinkProof } from "../../lib/identity/link_proof.ts";
import { peerIdText } from "../../lib/identity/peer_id.ts";
import { createPeerName, hostName } from "../../lib/identity/peer_name.ts";
import { encodeLinkMessage, type LinkMessage } from "../../lib/peer/link_messages.ts";
import { encode } from "../../lib/wire/codec.ts";
import { sealEnvelope } from "../../lib/wire/envelope.ts";
import { FrameSealer } from "../../lib/wire/frames.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { bytesOf, fixtureCrypto as crypto, keyOf } from "../fixtures/items.ts";
import type { DraftPacket } from "./golden_packets.ts";

/** Everything that links, identities and invitations put on the wire or into the hands of people. */
export function linkPackets(): DraftPacket[] {
  return [
    ...handshakePackets(),
    ...framePackets(),
    ...linkMessagePackets(),
    ...envelopePackets(),
    ...proofPackets(),
    ...textPackets(),
  ];
}

/** The patterns of the golden handshakes. */
export const goldenPatterns: readonly HandshakePattern[] = ["XX", "IK", "NK", "KK", "XXhfs", "IKhfs"];

/** The messages of one golden handshake so far, and both ends as they are then. */
export interface Shake {
  readonly initiator: HandshakeState;
  readonly responder: HandshakeState;
  readonly messages: readonly Uint8Array[];
}

/** Plays the first `count` messages of the golden handshake of a pattern. */
export function shake(pattern: HandshakePattern, count: number): Shake {
  const [initiator, responder] = [true, false].map((isInitiator) => handshakeEnd(pattern, isInitiator));
  const messages: Uint8Array[] = [];
  for (let turn = 0; turn < count; turn++) {
    const [from, to] = turn % 2 === 0 ? [initiator!, responder!] : [responder!, initiator!];
    const payload = turn === 0 ? new Uint8Array(0) : goldenProof(turn % 2 === 0);
    const message = from.writeMessage(
      payload,
      from.nextHasKem ? encapsulation(from.kemPublicKey!) : undefined,
    );
    const read = to.readMessage(message, sharedSecretIn(to, message));
    if (!read.ok) throw new Error(`the golden handshake ${pattern} fails at ${turn}: ${read.reason}`);
    messages.push(message);
  }
  return { initiator: initiator!, responder: responder!, messages };
}

/** What decapsulating gives, if the next message of this end carries a ciphertext that opens. */
export function sharedSecretIn(state: HandshakeState, message: Uint8Array): Uint8Array | undefined {
  if (!state.nextHasKem) return undefined;
  const found = state.kemCiphertext(message);
  if (!found.ok) return new Uint8Array(32);
  const key = hex(found.ciphertext);
  const secret = secrets.get(key) ?? ml_kem768.decapsulate(found.ciphertext, kemKeys.secretKey);
  secrets.set(key, secret);
  return secret;
}

/** Decapsulating takes a millisecond, and most altered messages carry one ciphertext. */
const secrets = new BoundedMap<string, Uint8Array>(16);

function handshakeEnd(pattern: HandshakePattern, initiator: boolean): HandshakeState {
  const staticOf = (isInitiator: boolean) => bytesOf(isInitiator ? "static i" : "static r");
  const isHybrid = pattern.endsWith("hfs");
  const hasOwnStatic = !(pattern === "NK" && initiator);
  const knowsRemote = pattern === "KK" || (initiator && !pattern.startsWith("XX"));
  return new HandshakeState(crypto, {
    pattern,
    initiator,
    prologue: utf8("golden"),
    ephemeralKey: bytesOf(initiator ? "ephemeral i" : "ephemeral r"),
    ...(hasOwnStatic ? { staticKey: staticOf(initiator) } : {}),
    ...(knowsRemote ? { remoteStatic: crypto.x25519.publicKey(staticOf(!initiator)) } : {}),
    ...(isHybrid && initiator ? { kemPublicKey: kemKeys.publicKey } : {}),
  });
}

function goldenProof(isInitiator: boolean): Uint8Array {
  const staticKey = crypto.x25519.publicKey(bytesOf(isInitiator ? "static i" : "static r"));
  return createLinkProof(
    crypto,
    keyOf(isInitiator ? "identity i" : "identity r"),
    staticKey,
    1_900_000_000_000,
  );
}

const kemKeys = ml_kem768.keygen(concat(bytesOf("kem d"), bytesOf("kem z")));

function encapsulation(publicKey: Uint8Array): KemEncapsulation {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, bytesOf("kem m"));
  return { ciphertext: cipherText, sharedSecret };
}

function handshakePackets(): DraftPacket[] {
  const packets = goldenPatterns.flatMap((pattern) =>
    shake(pattern, pattern.startsWith("XX") ? 3 : 2).messages.map((bytes, turn) =>
      handshake(pattern, turn, "", bytes)
    )
  );
  const refused = goldenPatterns.flatMap((pattern) => {
    const [first, second] = shake(pattern, 2).messages;
    const lowOrder = concat(new Uint8Array(32), first!.subarray(32));
    return [
      handshake(pattern, 0, "low order", lowOrder),
      handshake(pattern, 0, "cut", first!.subarray(0, 31)),
      handshake(pattern, 1, "altered", second!.with(-1, second!.at(-1)! ^ 1)),
    ];
  });
  return [...packets, ...refused];
}

function handshake(pattern: HandshakePattern, turn: number, what: string, bytes: Uint8Array): DraftPacket {
  return { kind: "handshake", name: `${pattern} ${turn + 1}${what && `, ${what}`}`, bytes };
}

/** The key of the golden frames, and how many of them one key seals. */
export const frameKey: Uint8Array = bytesOf("frames");
export const frameRekeyMax = 4;

const framed: Readonly<Record<string, readonly Uint8Array[]>> = {
  "a frame with nothing in its message": [new Uint8Array(0)],
  "a frame with one message": [utf8("heron")],
  "a frame with three messages": [utf8("heron"), new Uint8Array(0), new Uint8Array(200).fill(7)],
  "a frame with fifty empty messages": Array.from({ length: 50 }, () => new Uint8Array(0)),
};

const single = ["one", "two", "after"].map(utf8);

/** Messages that the golden frames carry. */
export const frameMessages: readonly Uint8Array[] = [...Object.values(framed).flat(), ...single];

function framePackets(): DraftPacket[] {
  const frames = Object.entries(framed).map(([name, messages]) => {
    return frame(name, new FrameSealer(crypto, frameKey, { rekeyFramesMax: frameRekeyMax }).seal(messages));
  });
  const rekeying = new FrameSealer(crypto, frameKey, { rekeyFramesMax: frameRekeyMax });
  rekeying.rekey();
  const rekeyed = [rekeying.seal([]), rekeying.seal(single.slice(2))];
  const sealRaw = (...plaintext: number[]) => {
    const sealed = crypto.aead.seal(
      frameKey,
      new Uint8Array(12),
      new Uint8Array(0),
      Uint8Array.from(plaintext),
    );
    return concat(Uint8Array.of(sealed.length >>> 8, sealed.length & 255), sealed);
  };
  return [
    ...frames,
    frame("a frame that only rekeys", rekeyed[0]!),
    frame("a frame behind a rekey", concat(...rekeyed)),
    frame(
      "two frames",
      concat(...[single.slice(0, 1), single.slice(1, 2)].map((messages, i) => sealNth(messages, i))),
    ),
    frame("a frame with no segment", sealRaw(0)),
    frame("a frame with an unknown flag", sealRaw(2)),
    frame("a segment that is longer than its frame", sealRaw(0, 0, 255, 255, 1)),
    frame("a segment that goes on in a frame with room", sealRaw(0, 1, 0, 1, 7)),
    frame("half a segment's head", sealRaw(0, 0, 0)),
    frame("a frame too short for a tag", Uint8Array.of(0, 16, ...new Uint8Array(16))),
    frame("a frame too long", Uint8Array.of(0x40, 0x01, 0)),
  ];
}

function sealNth(messages: readonly Uint8Array[], index: number): Uint8Array {
  const sealer = new FrameSealer(crypto, frameKey, { rekeyFramesMax: frameRekeyMax });
  for (let i = 0; i < index; i++) sealer.seal([new Uint8Array(0)]);
  return sealer.seal(messages);
}

function frame(name: string, bytes: Uint8Array): DraftPacket {
  return { kind: "frame", name, bytes };
}

function linkMessagePackets(): DraftPacket[] {
  const tag = bytesOf("tag").subarray(0, 16);
  const most = 2 ** 31 - 1;
  const endpoints: Endpoint[] = [
    { transport: "tcp", address: { host: "20.1.2.3", port: 4_000 } },
    { transport: "udp", address: { host: "2a01:4f8::7", port: 65_535 } },
    { transport: "tcp", address: { host: "0.0.0.0", port: 1 } },
    { transport: "tcp", address: { host: "::", port: 4_000 } },
  ];
  const messages: Readonly<Record<string, LinkMessage>> = {
    "hello": {
      kind: "hello",
      endpoints: endpoints.slice(0, 1),
      wallMs: 1_900_000_000_000,
      agent: "kith/0.1",
    },
    "hello without endpoints": { kind: "hello", endpoints: [], wallMs: 0, agent: "" },
    "hello with all": { kind: "hello", endpoints, wallMs: Number.MAX_SAFE_INTEGER, agent: "ö".repeat(32) },
    "ping": { kind: "ping" },
    "pong": { kind: "pong" },
    "open 1": { kind: "open", channel: 1, tag },
    "open the last": { kind: "open", channel: most, tag },
    "answer ok": { kind: "answer", channel: 1, answer: "ok" },
    "answer unknown": { kind: "answer", channel: 2, answer: "unknown" },
    "answer refused": { kind: "answer", channel: 255, answer: "refused" },
    "close 1": { kind: "close", channel: 1 },
    "close the last": { kind: "close", channel: most },
    "data, nothing": { kind: "data", channel: 1, bytes: new Uint8Array(0) },
    "data, 23 bytes": { kind: "data", channel: 23, bytes: new Uint8Array(23).fill(1) },
    "data, 24 bytes": { kind: "data", channel: 24, bytes: new Uint8Array(24).fill(1) },
    "data, 256 bytes": { kind: "data", channel: 65_536, bytes: new Uint8Array(256).fill(1) },
    "data, the last channel": { kind: "data", channel: most, bytes: tag },
    "bye closed": { kind: "bye", reason: "closed" },
    "bye duplicate": { kind: "bye", reason: "duplicate" },
    "bye too many": { kind: "bye", reason: "too_many" },
  };
  const refused: Readonly<Record<string, Uint8Array>> = {
    "hello of another version": encode([0, 2, [], 0, ""]),
    "hello with five endpoints": encode([0, 1, ["", "", "", "", ""], 0, ""]),
    "hello with unknown transports": encode([0, 1, ["quic://1.2.3.4:5", "tcp://name:1"], 0, ""]),
    "an unknown kind": encode([8]),
    "open with a short tag": encode([3, 1, tag.subarray(1)]),
    "answer that is none": encode([4, 1, 3]),
    "close beyond the last": encode([5, most + 1]),
    "data with its length in four bytes": Uint8Array.of(0x83, 6, 1, 0x5a, 0, 0, 0, 1, 7),
    "bye for a later reason": encode([7, 1_000]),
  };
  const made = Object.entries(messages).map((
    [name, message],
  ): [string, Uint8Array] => [name, encodeLinkMessage(message)]);
  return [...made, ...Object.entries(refused)].map(([name, bytes]) => ({
    kind: "link message",
    name,
    bytes,
  }));
}

/** Scope and key of the golden envelopes. */
export const envelopeScope: Uint8Array = bytesOf("scope");
export const envelopeKey: Uint8Array = keyOf("golden envelope").publicKey;

/** The purposes that something is signed for. */
export const signedPurposes: readonly Purpose[] = Object.values(Purpose).filter((purpose) =>
  purpose !== Purpose.keyExport
);

function envelopePackets(): DraftPacket[] {
  const signer = keyOf("golden envelope");
  const payloads = [new Uint8Array(0), utf8("payload"), new Uint8Array(256).fill(9)];
  return signedPurposes.flatMap((purpose) =>
    payloads.map((payload) => ({
      kind: "envelope",
      name: `${purpose} of ${payload.length} bytes`,
      bytes: sealEnvelope(crypto, signer, purpose, envelopeScope, payload),
    }))
  );
}

/** The static key that the golden link proofs are for. */
export const provenStatic: Uint8Array = crypto.x25519.publicKey(bytesOf("static i"));

function proofPackets(): DraftPacket[] {
  const signer = keyOf("identity i");
  const seal = (payload: Uint8Array) =>
    sealEnvelope(crypto, signer, Purpose.handshake, provenStatic, payload);
  const proofs: Readonly<Record<string, Uint8Array>> = {
    "proof": createLinkProof(crypto, signer, provenStatic, 1_900_000_000_000),
    "proof of the first moment": createLinkProof(crypto, signer, provenStatic, 0),
    "proof of the last moment": createLinkProof(crypto, signer, provenStatic, Number.MAX_SAFE_INTEGER),
    "proof for another key": createLinkProof(crypto, signer, bytesOf("other"), 1),
    "proof of another version": seal(encode([2, signer.publicKey, provenStatic, 1])),
    "proof of a small-order identity": seal(encode([1, new Uint8Array(32), provenStatic, 1])),
  };
  return Object.entries(proofs).map(([name, bytes]) => ({ kind: "link proof", name, bytes }));
}

function textPackets(): DraftPacket[] {
  const text = (kind: DraftPacket["kind"], texts: readonly string[]): DraftPacket[] =>
    texts.map((one, i) => ({ kind, name: `${kind} ${i}`, bytes: utf8(one) }));
  const keys = ["alice", "bob", "carol", "dave"].map((name) => keyOf(name).publicKey);
  const ids = keys.map((key) => peerIdText(crypto, key));
  const names = [
    ...keys.map((key) => createPeerName(crypto, key, null)),
    ...["chat", "x-ray", "Ein Reiher", "鷺🐦", "ü".repeat(60)].map((one) =>
      createPeerName(crypto, keys[0]!, one)
    ),
    ...["chat", "x".repeat(149)].map((one) => createPeerName(crypto, null, one)),
  ];
  const hosted = names.filter(({ text }) => text.length < 100);
  return [
    ...text("peer id", [...ids, ids[0]!.toUpperCase(), ids[0]!.slice(1), ""]),
    ...text("peer name", [
      ...names.map((name) => name.text),
      "0.",
      "0",
      `${ids[0]}.`,
      "0.a\0b",
      "0.\u202egnp",
    ]),
    ...text("host name", [
      ...hosted.map(hostName),
      `${hostName(hosted[0]!)}.`,
      "kith.alt",
      "a.kith.alt",
      ".kith.alt",
    ]),
    ...text("invitation", invitations()),
  ];
}

function invitations(): string[] {
  const tcp = (host: string, port: number): Endpoint => ({ transport: "tcp", address: { host, port } });
  const endpoints = [[], [tcp("20.1.2.3", 4_000)], [tcp("127.0.0.1", 1), tcp("2a01:4f8::7", 65_535)]];
  const texts = endpoints.map((some, i) =>
    invitationText(crypto, {
      group: bytesOf("group"),
      invitation: bytesOf(`${i}`),
      seed: bytesOf("seed"),
      endpoints: some,
    })
  );
  return [...texts, ` ${texts[0]}\n`, texts[0]!.replace("kith1", "kith2"), `${texts[0]}a`];
}

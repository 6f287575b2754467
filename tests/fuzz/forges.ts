/**
 * Packets made by somebody who holds the right keys: a tree of values, and how its bytes become a packet
 * again, signed and sealed anew. So a mutation gets behind the signature, the checksum and the AEAD.
 */

import { base32, fromBase32 } from "../../lib/base/base32.ts";
import { concat, fromUtf8, hex, utf8 } from "../../lib/base/bytes.ts";
import { PacketType, PairKeyCache, sealPacket } from "../../lib/names/datagram.ts";
import { openEnvelope, sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { type Purpose, Purpose as Purposes } from "../../lib/wire/purposes.ts";
import { decode, isArray, isBytes } from "../../lib/wire/codec.ts";
import { bytesOf, fixtureCrypto as crypto, keyOf } from "../fixtures/items.ts";
import { type Node, readTree } from "./cbor_tree.ts";
import { forgedFrame } from "./decoders.ts";
import { goldenGroup } from "./golden_graph.ts";
import { frameKey, provenStatic } from "./golden_links.ts";
import { goldenCloud, receiverSecret, senderSecret } from "./golden_names.ts";
import { type DraftPacket, draftPackets } from "./golden_packets.ts";

/** A packet that can be made again with another content. */
export interface Forge {
  /** What decodes it. */
  readonly origin: DraftPacket;
  /** What it says; `null` where its content is no CBOR. */
  readonly tree: Node | null;
  readonly content: Uint8Array;
  /** The packet around a content. */
  wrap(content: Uint8Array): Uint8Array;
}

/** A forge for every golden packet that has a content behind a signature, a seal, a checksum, or nothing. */
export function createForges(): readonly Forge[] {
  return draftPackets().flatMap((packet) => forgesOf(packet));
}

function forgesOf(origin: DraftPacket): Forge[] {
  const { kind, bytes } = origin;
  const forge = (content: Uint8Array, wrap: Forge["wrap"]): Forge => ({
    origin,
    content,
    tree: readTree(content),
    wrap,
  });
  switch (kind) {
    case "request":
    case "response":
      return [forge(bytes, (content) => content), sealedForge(origin)];
    case "graph message":
    case "link message":
      return [forge(bytes, (content) => content)];
    case "registration":
      return signed(origin, Purposes.registration, goldenCloud, keyOf("golden authority"));
    case "link proof":
      return signed(origin, Purposes.handshake, provenStatic, keyOf("identity i"));
    case "item":
      return itemForges(origin);
    case "frame":
      return frameForges(origin);
    case "peer id":
    case "invitation":
      return checkedForges(origin);
    default:
      return [];
  }
}

/** Items by whoever signed them, founding items for any group; the parts of lists are not signed. */
function itemForges(origin: DraftPacket): Forge[] {
  const { bytes } = origin;
  if (bytes[0] === 2) {
    const content = bytes.subarray(1);
    return [{ origin, content, tree: readTree(content), wrap: (other) => concat(Uint8Array.of(2), other) }];
  }
  const opened = openEnvelope(bytes);
  const decoded = opened.ok ? decode(opened.payload) : null;
  if (decoded?.ok !== true || !isArray(decoded.value) || !isBytes(decoded.value[1])) return [];
  const signer = signers.get(hex(decoded.value[1]));
  if (signer === undefined) return [];
  const scope = decoded.value[0] === 16 ? new Uint8Array(0) : goldenGroup;
  return signed(origin, Purposes.item, scope, signer);
}

function signed(origin: DraftPacket, purpose: Purpose, scope: Uint8Array, signer: Signer): Forge[] {
  const opened = openEnvelope(origin.bytes);
  if (!opened.ok) return [];
  const content = opened.payload;
  const wrap = (payload: Uint8Array) => sealEnvelope(crypto, signer, purpose, scope, payload);
  return [{ origin, content, tree: readTree(content), wrap }];
}

/** What is sealed for a receiver by a contact that it knows. */
function sealedForge(plain: DraftPacket): Forge {
  const type = plain.kind === "request" ? PacketType.request : PacketType.response;
  const name = `sealed ${plain.kind} ${plain.name}`;
  const token = new Uint8Array(16);
  const nonce = bytesOf(name).subarray(0, 12);
  const wrap = (content: Uint8Array) => sealPacket(crypto, type, senderKey, token, nonce, sendKey, content);
  return {
    origin: { kind: "datagram", name, bytes: wrap(plain.bytes) },
    content: plain.bytes,
    tree: readTree(plain.bytes),
    wrap,
  };
}

/** The segments of a frame, sealed by the other end. */
function frameForges(origin: DraftPacket): Forge[] {
  const length = origin.bytes[0]! * 256 + origin.bytes[1]!;
  const content = crypto.aead.open(
    frameKey,
    new Uint8Array(12),
    new Uint8Array(0),
    origin.bytes.subarray(2, 2 + length),
  );
  if (content === null) return [];
  const wrap = (plaintext: Uint8Array) => {
    const sealed = crypto.aead.seal(frameKey, new Uint8Array(12), new Uint8Array(0), plaintext);
    return concat(Uint8Array.of(sealed.length >>> 8, sealed.length & 255), sealed);
  };
  // The name says which messages to expect: another content has none.
  return [{ origin: { ...origin, name: forgedFrame }, content, tree: null, wrap }];
}

/** Texts whose checksum is made anew. */
function checkedForges(origin: DraftPacket): Forge[] {
  const text = fromUtf8(origin.bytes)!.trim();
  const isInvitation = origin.kind === "invitation";
  const prefix = isInvitation ? "kith1" : "";
  const bytes = text.startsWith(prefix) ? fromBase32(text.slice(prefix.length)) : null;
  if (bytes === null || bytes.length < 8) return [];
  const content = bytes.slice(0, isInvitation ? -4 : -3);
  const version = Uint8Array.of(1);
  const check = (body: Uint8Array) =>
    isInvitation
      ? crypto.sha256(utf8("kith/invitation-text/1"), body).subarray(0, 4)
      : concat(crypto.sha256(utf8("kith/peer-id"), body, version).subarray(0, 2), version);
  return [{ origin, content, tree: null, wrap: (body) => utf8(prefix + base32(concat(body, check(body)))) }];
}

const senderKey = crypto.x25519.publicKey(senderSecret);
const { sendKey } = new PairKeyCache(crypto, goldenCloud, senderSecret).with(
  crypto.x25519.publicKey(receiverSecret),
)!;

const signers: ReadonlyMap<string, Signer> = new Map(
  ["group key", "alice", "bob", "carol", "golden"].map((text) => keyOf(text)).map((
    signer,
  ) => [hex(signer.publicKey), signer]),
);

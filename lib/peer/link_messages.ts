/**
 * Messages between the two ends of a link: CBOR arrays that begin with a number for their kind.
 *
 * Data is nearly all that travels, so its message is written and read by hand in the same bytes the
 * codec would use; everything else goes through the codec. Decoding never throws.
 */

import { utf8 } from "../base/bytes.ts";
import { assert } from "../base/assert.ts";
import { type Endpoint, endpointText, parseEndpoint } from "../base/address.ts";
import { decode, encode, isArray, isBytes, isText, isUint, isWireText, type Value } from "../wire/codec.ts";
import type { Crypto } from "../base/ports.ts";
import {
  agentBytesMax,
  channelFrameBytesMax,
  channelNumberMax,
  endpointBytesMax,
  helloEndpointsMax,
  linkVersion,
} from "./limits.ts";

/** How a channel that the other end opened is answered. */
export type ChannelAnswer = "ok" | "unknown" | "refused";

/** Why a link is ended, as told to the other end. */
export type ByeReason = "closed" | "duplicate" | "too_many";

/** One message of a link. */
export type LinkMessage =
  | Hello
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "open"; readonly channel: number; readonly tag: Uint8Array }
  | { readonly kind: "answer"; readonly channel: number; readonly answer: ChannelAnswer }
  | { readonly kind: "close"; readonly channel: number }
  | { readonly kind: "data"; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly kind: "bye"; readonly reason: ByeReason };

/** The first message of each end. */
export interface Hello {
  readonly kind: "hello";
  /** Where the sender accepts links; an unspecified host means "where this link comes from". */
  readonly endpoints: readonly Endpoint[];
  /** The sender's wall clock as it wrote this. */
  readonly wallMs: number;
  /** What program it is, for people. */
  readonly agent: string;
}

/** Why a message was refused. */
export type LinkMessageRejection =
  | "not_deterministic_cbor"
  | "unknown_kind"
  | "bad_field"
  | "unknown_version";

/** A message, or why there is none. */
export type DecodedLinkMessage =
  | { readonly ok: true; readonly message: LinkMessage }
  | { readonly ok: false; readonly reason: LinkMessageRejection };

/** The bytes of a message. */
export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  switch (message.kind) {
    case "hello":
      assert(message.endpoints.length <= helloEndpointsMax, "a hello names few endpoints");
      return encode([
        Kind.hello,
        linkVersion,
        message.endpoints.map(endpointText),
        message.wallMs,
        message.agent,
      ]);
    case "ping":
      return encode([Kind.ping]);
    case "pong":
      return encode([Kind.pong]);
    case "open":
      return encode([Kind.open, message.channel, message.tag]);
    case "answer":
      return encode([Kind.answer, message.channel, answers.indexOf(message.answer)]);
    case "close":
      return encode([Kind.close, message.channel]);
    case "data":
      return encodeData(message.channel, message.bytes);
    case "bye":
      return encode([Kind.bye, byeReasons.indexOf(message.reason)]);
  }
}

/** The message that these bytes are. */
export function decodeLinkMessage(bytes: Uint8Array): DecodedLinkMessage {
  if (bytes[0] === 0x83 && bytes[1] === Kind.data) return decodeData(bytes);
  const decoded = decode(bytes, { elementsMax: 16, depthMax: 2 });
  if (!decoded.ok || !isArray(decoded.value)) return rejected("not_deterministic_cbor");
  return messageOfFields(decoded.value);
}

/** Whether a text may stand in a hello to say what program this is. */
export function isAgentText(text: string): boolean {
  return isWireText(text) && utf8(text).length <= agentBytesMax;
}

/** What names a graph on one link: its id never travels, and no two links show the same bytes. */
export function channelTag(crypto: Crypto, graphId: Uint8Array, handshakeHash: Uint8Array): Uint8Array {
  return crypto.sha256(tagPurpose, graphId, handshakeHash).slice(0, channelTagBytes);
}

function messageOfFields(fields: readonly Value[]): DecodedLinkMessage {
  const [kind, first, second] = fields;
  const length = fields.length;
  switch (kind) {
    case Kind.hello:
      return helloOfFields(fields);
    case Kind.ping:
      return length === 1 ? accepted({ kind: "ping" }) : badField;
    case Kind.pong:
      return length === 1 ? accepted({ kind: "pong" }) : badField;
    case Kind.open:
      if (length !== 3 || !isChannel(first) || !isBytes(second, channelTagBytes)) return badField;
      return accepted({ kind: "open", channel: first, tag: second });
    case Kind.answer: {
      const answer = isUint(second) ? answers[second] : undefined;
      if (length !== 3 || !isChannel(first) || answer === undefined) return badField;
      return accepted({ kind: "answer", channel: first, answer });
    }
    case Kind.close:
      return length === 2 && isChannel(first) ? accepted({ kind: "close", channel: first }) : badField;
    case Kind.bye:
      // A reason of a later version ends the link all the same.
      if (length !== 2 || !isUint(first)) return badField;
      return accepted({ kind: "bye", reason: byeReasons[first] ?? "closed" });
    default:
      return rejected("unknown_kind");
  }
}

function helloOfFields(fields: readonly Value[]): DecodedLinkMessage {
  const [, version, texts, wallMs, agent] = fields;
  if (version !== linkVersion) return rejected("unknown_version");
  if (fields.length !== 5 || !isUint(wallMs) || !isText(agent, agentBytesMax)) return badField;
  if (!isArray(texts) || texts.length > helloEndpointsMax) return badField;
  const endpoints: Endpoint[] = [];
  for (const text of texts) {
    if (!isText(text, endpointBytesMax)) return badField;
    const endpoint = parseEndpoint(text);
    // A transport that this version does not know is passed over.
    if (endpoint !== null) endpoints.push(endpoint);
  }
  return accepted({ kind: "hello", endpoints, wallMs, agent });
}

/** `[6, channel, bytes]` as the codec writes it. */
function encodeData(channel: number, bytes: Uint8Array): Uint8Array {
  assert(bytes.length <= channelFrameBytesMax, "a channel's frame fits into a message");
  const message = new Uint8Array(2 + headLength(channel) + headLength(bytes.length) + bytes.length);
  message[0] = 0x83;
  message[1] = Kind.data;
  const offset = writeHead(message, 2, uintType, channel);
  message.set(bytes, writeHead(message, offset, bytesType, bytes.length));
  return message;
}

function decodeData(message: Uint8Array): DecodedLinkMessage {
  const channel = readHead(message, 2, uintType);
  if (channel === null || !isChannel(channel.value)) return badField;
  const length = readHead(message, channel.end, bytesType);
  if (length === null || length.end + length.value !== message.length) return badField;
  const bytes = message.subarray(length.end);
  return accepted({ kind: "data", channel: channel.value, bytes });
}

function headLength(value: number): number {
  if (value < 24) return 1;
  if (value < 2 ** 8) return 2;
  return value < 2 ** 16 ? 3 : 5;
}

function writeHead(message: Uint8Array, offset: number, type: number, value: number): number {
  const length = headLength(value);
  if (length === 1) {
    message[offset] = type | value;
    return offset + 1;
  }
  message[offset] = type | (length === 2 ? 24 : length === 3 ? 25 : 26);
  for (let i = length - 1, rest = value; i > 0; i--, rest = rest >>> 8) message[offset + i] = rest & 255;
  return offset + length;
}

/** A CBOR head in its shortest form, or `null`. */
function readHead(message: Uint8Array, offset: number, type: number): { value: number; end: number } | null {
  const first = message[offset];
  if (first === undefined || (first & 0xe0) !== type) return null;
  const short = first & 31;
  if (short < 24) return { value: short, end: offset + 1 };
  const length = short === 24 ? 2 : short === 25 ? 3 : short === 26 ? 5 : 0;
  const end = offset + length;
  if (length === 0 || end > message.length) return null;
  let value = 0;
  for (let i = offset + 1; i < end; i++) value = value * 256 + message[i]!;
  return headLength(value) === length ? { value, end } : null;
}

function isChannel(value: Value | undefined): value is number {
  return isUint(value, channelNumberMax);
}

function accepted(message: LinkMessage): DecodedLinkMessage {
  return { ok: true, message };
}

function rejected(reason: LinkMessageRejection): DecodedLinkMessage {
  return { ok: false, reason };
}

const badField = rejected("bad_field");

const Kind = { hello: 0, ping: 1, pong: 2, open: 3, answer: 4, close: 5, data: 6, bye: 7 } as const;
const answers: readonly ChannelAnswer[] = ["ok", "unknown", "refused"];
const byeReasons: readonly ByeReason[] = ["closed", "duplicate", "too_many"];

const uintType = 0x00;
const bytesType = 0x40;
const tagPurpose = utf8("kith/channel/1");

/** Bytes of a channel's tag: half a hash, as nobody gains by a collision on a link of their own. */
const channelTagBytes = 16;

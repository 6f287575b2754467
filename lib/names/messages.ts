/**
 * What sealed datagrams say: one CBOR array each, `[type, request id, …]`. A response repeats the
 * 16-byte id of its request, which nobody else can guess (T28).
 *
 * | request | | response | |
 * | --- | --- | --- | --- |
 * | ping | | pong | |
 * | find | target, offset of the values wanted or `null` | found | hints, values, how many values are held |
 * | store | registration | stored | verdict |
 * | inquire | name key, part | answer | registration or `null`, bytes of the payload or `null` |
 */

import { unpackAddress } from "../base/address.ts";
import type { Address } from "../base/ports.ts";
import { decode, type DecodeRejection, encode, isArray, isBytes, isUint, type Value } from "../wire/codec.ts";
import { type Hint, unpackHint } from "./contact.ts";
import {
  answerHintsMax,
  answerValuesMax,
  heldNameMax,
  payloadPartBytes,
  registrationBytesMax,
} from "./limits.ts";

/** What a request asks. */
export type RequestBody =
  | { readonly kind: "ping" }
  | { readonly kind: "find"; readonly target: Uint8Array; readonly offset: number | null }
  | { readonly kind: "store"; readonly registration: Uint8Array }
  | { readonly kind: "inquire"; readonly nameKey: Uint8Array; readonly part: number };

/** A registration somebody holds. */
export interface HeldValue {
  readonly registration: Uint8Array;
  /** From where the publisher stored it; `null`: whoever answers is the publisher. */
  readonly from: Address | null;
}

/** What became of a registration at a holder. The numbers are on the wire. */
export const StoreVerdict = { kept: 0, older: 1, full: 2, far: 3, refused: 4 } as const;

/** One of {@linkcode StoreVerdict}'s numbers. */
export type StoreVerdict = (typeof StoreVerdict)[keyof typeof StoreVerdict];

/** What a response says. */
export type ResponseBody =
  | { readonly kind: "pong" }
  | {
    readonly kind: "found";
    readonly hints: readonly Hint[];
    readonly values: readonly HeldValue[];
    readonly total: number;
  }
  | { readonly kind: "stored"; readonly verdict: StoreVerdict }
  | {
    readonly kind: "answer";
    readonly registration: Uint8Array | null;
    readonly bytes: Uint8Array | null;
  };

/** A request or response with its id. */
export interface Message<B> {
  readonly id: Uint8Array;
  readonly body: B;
}

/** Why a plaintext is no message. */
export type MessageRejection = DecodeRejection | "not_a_message";

/** A message, or why there is none. */
export type DecodedMessage<B> =
  | { readonly ok: true; readonly message: Message<B> }
  | { readonly ok: false; readonly reason: MessageRejection };

/** Parts of a payload: part 0 is the registration, the others follow it. */
export const inquiryPartsMax: number = 4;

/** Random bytes of a request's id. */
export const requestIdBytes: number = 16;

/** A request as it travels. */
export function encodeRequest(message: Message<RequestBody>): Uint8Array {
  const { id, body } = message;
  switch (body.kind) {
    case "ping":
      return encode([Type.ping, id]);
    case "find":
      return encode([Type.find, id, body.target, body.offset]);
    case "store":
      return encode([Type.store, id, body.registration]);
    case "inquire":
      return encode([Type.inquire, id, body.nameKey, body.part]);
  }
}

/** The encoding of a pong, a verdict or an answer. */
export function encodeResponse(message: Message<Exclude<ResponseBody, { kind: "found" }>>): Uint8Array {
  const { id, body } = message;
  switch (body.kind) {
    case "pong":
      return encode([Type.pong, id]);
    case "stored":
      return encode([Type.stored, id, body.verdict]);
    case "answer":
      return encode([Type.answer, id, body.registration, body.bytes]);
  }
}

/** The encoding of what was found; hints and addresses are packed by the caller, who counts their bytes. */
export function encodeFound(
  id: Uint8Array,
  hints: readonly Uint8Array[],
  values: readonly (readonly [Uint8Array, Uint8Array])[],
  total: number,
): Uint8Array {
  return encode([Type.found, id, hints, values, total]);
}

/** The request that a plaintext is. */
export function decodeRequest(plaintext: Uint8Array): DecodedMessage<RequestBody> {
  return decodeMessage(plaintext, requestBody);
}

/** The response that a plaintext is. */
export function decodeResponse(plaintext: Uint8Array): DecodedMessage<ResponseBody> {
  return decodeMessage(plaintext, responseBody);
}

function decodeMessage<B>(
  plaintext: Uint8Array,
  bodyOf: (fields: readonly Value[]) => B | null,
): DecodedMessage<B> {
  const decoded = decode(plaintext, { depthMax: 3, elementsMax: 128 });
  if (!decoded.ok) return decoded;
  const fields = decoded.value;
  if (!isArray(fields) || !isBytes(fields[1], requestIdBytes)) return notAMessage;
  const body = bodyOf(fields);
  return body === null ? notAMessage : { ok: true, message: { id: fields[1], body } };
}

function requestBody(fields: readonly Value[]): RequestBody | null {
  const [type, , first, second] = fields;
  if (type === Type.ping && fields.length === 2) return { kind: "ping" };
  if (type === Type.find && fields.length === 4 && isBytes(first, 32)) {
    if (second === null) return { kind: "find", target: first, offset: null };
    return isUint(second, heldNameMax) ? { kind: "find", target: first, offset: second } : null;
  }
  if (type === Type.store && fields.length === 3 && isRegistration(first)) {
    return { kind: "store", registration: first };
  }
  if (type === Type.inquire && fields.length === 4 && isBytes(first, 32) && isUint(second, inquiryPartsMax)) {
    return { kind: "inquire", nameKey: first, part: second };
  }
  return null;
}

function responseBody(fields: readonly Value[]): ResponseBody | null {
  const [type, , first, second] = fields;
  if (type === Type.pong && fields.length === 2) return { kind: "pong" };
  if (type === Type.found && fields.length === 5) return foundBody(fields);
  if (type === Type.stored && fields.length === 3 && isUint(first, StoreVerdict.refused)) {
    return { kind: "stored", verdict: first as StoreVerdict };
  }
  if (type === Type.answer && fields.length === 4) {
    const isWhole = first === null || isRegistration(first);
    const isPart = second === null || (isBytes(second) && second.length <= payloadPartBytes);
    return isWhole && isPart
      ? { kind: "answer", registration: first as Uint8Array | null, bytes: second as Uint8Array | null }
      : null;
  }
  return null;
}

function foundBody(fields: readonly Value[]): ResponseBody | null {
  const [, , packedHints, packedValues, total] = fields;
  if (!isArray(packedHints) || packedHints.length > answerHintsMax) return null;
  if (!isArray(packedValues) || packedValues.length > answerValuesMax) return null;
  if (!isUint(total, 2 * heldNameMax)) return null;
  const hints: Hint[] = [];
  for (const packed of packedHints) {
    const hint = isBytes(packed) ? unpackHint(packed) : null;
    if (hint === null) return null;
    hints.push(hint);
  }
  const values: HeldValue[] = [];
  for (const packed of packedValues) {
    const value = isArray(packed, 2) ? heldValue(packed[0]!, packed[1]!) : null;
    if (value === null) return null;
    values.push(value);
  }
  return { kind: "found", hints, values, total };
}

function heldValue(registration: Value, packed: Value): HeldValue | null {
  if (!isRegistration(registration) || !isBytes(packed)) return null;
  if (packed.length === 0) return { registration, from: null };
  const from = unpackAddress(packed);
  return from === null ? null : { registration, from };
}

function isRegistration(value: Value | undefined): value is Uint8Array {
  return isBytes(value) && value.length <= registrationBytesMax;
}

/** Types of messages. The numbers are on the wire and never change their meaning. */
const Type = { ping: 1, find: 2, store: 3, inquire: 4, pong: 17, found: 18, stored: 19, answer: 20 } as const;

const notAMessage = { ok: false, reason: "not_a_message" } as const;

/**
 * What two nodes of a graph say to each other on a channel (docs/PROTOCOL.md, "Graph messages"):
 * CBOR arrays that begin with a number. Decoding never throws.
 */

import { assert } from "../base/assert.ts";
import { decode, encode, isArray, isBytes, isText, isUint, type Value } from "../wire/codec.ts";
import { itemBytesMax } from "../wire/limits.ts";
import { contactEndpointsMax, contactsMax, elementsPageMax, graphMessageBytesMax } from "./limits.ts";

/** Numbers of the messages. */
export const GraphMessageType = {
  /** First on a channel, both ways: version, wall clock, and the items that let the sender connect. */
  greet: 0,
  /** The receiver may not take part; the items say why. */
  refuse: 1,
  /** Count and fingerprint of one set, and the last arrival number seen of the receiver's. */
  summary: 2,
  /** Items. */
  items: 3,
  /** What was asked for by a summary or list has been sent; from here the arrival cursor counts. */
  served: 4,
  /** A page of the sender's elements, for a receiver without a cursor. */
  elements: 5,
  /** The elements of a page that the sender lacks. */
  want: 6,
  /** Peers of this graph and where they may be reached. */
  contacts: 7,
  /** A step of joining, between a member and one who is none yet; the content is the policy's. */
  knock: 8,
} as const;

/** Version of this protocol. */
export const graphProtocolVersion = 1;

/** The two sets of a graph. Authority is reconciled to completion first. */
export const SetKind = { authority: 0, data: 1 } as const;

/** One of {@linkcode SetKind}'s numbers. */
export type SetKind = (typeof SetKind)[keyof typeof SetKind];

/** A place in a node's order of arrival: the number, and the element that had it. */
export interface Cursor {
  readonly arrival: number;
  /** First 16 bytes of the hash of the item with that number: tells a restored or rewritten order. */
  readonly element: Uint8Array;
}

/** A message, decoded. */
export type GraphMessage =
  | { readonly type: "greet"; readonly version: number; readonly wallMs: number; readonly items: ItemBytes }
  | { readonly type: "refuse"; readonly reason: string; readonly items: ItemBytes }
  | Summary
  | { readonly type: "items"; readonly items: ItemBytes }
  | { readonly type: "served"; readonly set: SetKind; readonly cursor: Cursor | null }
  | {
    readonly type: "elements";
    readonly set: SetKind;
    readonly elements: readonly Uint8Array[];
    readonly last: boolean;
  }
  | {
    readonly type: "want";
    readonly set: SetKind;
    readonly elements: readonly Uint8Array[];
    readonly last: boolean;
  }
  | { readonly type: "contacts"; readonly contacts: readonly ContactHint[] }
  | { readonly type: "knock"; readonly content: Value };

/** What a node says of one of its sets. */
export interface Summary {
  readonly type: "summary";
  readonly set: SetKind;
  readonly round: number;
  readonly count: number;
  /** 16 bytes. */
  readonly fingerprint: Uint8Array;
  /** What the sender has seen of the receiver's arrivals, or `null`. */
  readonly cursor: Cursor | null;
}

/** A peer and where it may be reached; unproven. */
export interface ContactHint {
  readonly peer: Uint8Array;
  readonly endpoints: readonly string[];
}

type ItemBytes = readonly Uint8Array[];

/** Bytes of an element: the beginning of an item's hash. */
export const elementBytes = 16;

/** The bytes of a message. */
export function encodeMessage(message: GraphMessage): Uint8Array {
  const bytes = encode(messageFields(message));
  assert(bytes.length <= graphMessageBytesMax, "a message of ours fits its limit");
  return bytes;
}

/** The message in these bytes, or `null`. Never throws. */
export function decodeMessage(bytes: Uint8Array): GraphMessage | null {
  const decoded = decode(bytes, { bytesMax: graphMessageBytesMax });
  if (!decoded.ok || !isArray(decoded.value)) return null;
  const [type, ...fields] = decoded.value;
  switch (type) {
    case GraphMessageType.greet:
      return decodeGreet(fields);
    case GraphMessageType.refuse:
      return decodeRefuse(fields);
    case GraphMessageType.summary:
      return decodeSummary(fields);
    case GraphMessageType.items:
      return fields.length === 1 && isItems(fields[0]) ? { type: "items", items: fields[0] } : null;
    case GraphMessageType.served:
      return decodeServed(fields);
    case GraphMessageType.elements:
      return decodeElements("elements", fields);
    case GraphMessageType.want:
      return decodeElements("want", fields);
    case GraphMessageType.contacts:
      return decodeContacts(fields);
    case GraphMessageType.knock:
      return fields.length === 1 ? { type: "knock", content: fields[0]! } : null;
    default:
      return null;
  }
}

/** The fields of a message, as they are encoded. */
export function messageFields(message: GraphMessage): Value {
  const type = GraphMessageType[message.type];
  switch (message.type) {
    case "greet":
      return [type, message.version, message.wallMs, message.items];
    case "refuse":
      return [type, message.reason, message.items];
    case "summary":
      return [
        type,
        message.set,
        message.round,
        message.count,
        message.fingerprint,
        cursorFields(message.cursor),
      ];
    case "items":
      return [type, message.items];
    case "served":
      return [type, message.set, cursorFields(message.cursor)];
    case "elements":
    case "want":
      return [type, message.set, joinElements(message.elements), message.last];
    case "contacts":
      return [type, message.contacts.map(({ peer, endpoints }) => [peer, endpoints])];
    case "knock":
      return [type, message.content];
  }
}

function cursorFields(cursor: Cursor | null): Value {
  return cursor === null ? null : [cursor.arrival, cursor.element];
}

function joinElements(elements: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(elements.length * elementBytes);
  elements.forEach((element, i) => bytes.set(element.subarray(0, elementBytes), i * elementBytes));
  return bytes;
}

function decodeGreet(fields: readonly Value[]): GraphMessage | null {
  const [version, wallMs, items] = fields;
  if (fields.length !== 3 || !isUint(version) || !isUint(wallMs) || !isItems(items)) return null;
  return { type: "greet", version, wallMs, items };
}

function decodeRefuse(fields: readonly Value[]): GraphMessage | null {
  const [reason, items] = fields;
  if (fields.length !== 2 || !isText(reason, 64) || !isItems(items)) return null;
  return { type: "refuse", reason, items };
}

function decodeSummary(fields: readonly Value[]): GraphMessage | null {
  const [set, round, count, fingerprint, cursorValue] = fields;
  const cursor = decodeCursor(cursorValue);
  if (fields.length !== 5 || !isSet(set) || !isUint(round, 255) || !isUint(count)) return null;
  if (!isBytes(fingerprint, 16) || cursor === undefined) return null;
  return { type: "summary", set, round, count, fingerprint, cursor };
}

function decodeServed(fields: readonly Value[]): GraphMessage | null {
  const [set, cursorValue] = fields;
  const cursor = decodeCursor(cursorValue);
  if (fields.length !== 2 || !isSet(set) || cursor === undefined) return null;
  return { type: "served", set, cursor };
}

function decodeElements(type: "elements" | "want", fields: readonly Value[]): GraphMessage | null {
  const [set, bytes, last] = fields;
  if (fields.length !== 3 || !isSet(set) || !isBytes(bytes) || typeof last !== "boolean") return null;
  if (bytes.length % elementBytes !== 0 || bytes.length > elementsPageMax * elementBytes) return null;
  const elements: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += elementBytes) elements.push(bytes.subarray(i, i + elementBytes));
  return { type, set, elements, last };
}

function decodeContacts(fields: readonly Value[]): GraphMessage | null {
  const list = fields[0];
  if (fields.length !== 1 || !isArray(list) || list.length > contactsMax + 1) return null;
  const contacts: ContactHint[] = [];
  for (const entry of list) {
    if (!isArray(entry, 2)) return null;
    const [peer, endpoints] = entry;
    if (!isBytes(peer, 32) || !isArray(endpoints) || endpoints.length > contactEndpointsMax) return null;
    if (!endpoints.every((endpoint) => isText(endpoint, 64))) return null;
    contacts.push({ peer, endpoints: endpoints as readonly string[] });
  }
  return { type: "contacts", contacts };
}

function decodeCursor(value: Value | undefined): Cursor | null | undefined {
  if (value === null) return null;
  if (!isArray(value, 2)) return undefined;
  const [arrival, element] = value;
  return isUint(arrival) && isBytes(element, elementBytes) ? { arrival, element } : undefined;
}

function isItems(value: Value | undefined): value is readonly Uint8Array[] {
  return isArray(value) && value.every((item) => isBytes(item) && item.length <= itemBytesMax);
}

function isSet(value: Value | undefined): value is SetKind {
  return value === SetKind.authority || value === SetKind.data;
}

/** Values and attributes as users give them, and as items carry them. */

import { equalBytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Crypto } from "../base/ports.ts";
import { peerIdText } from "../identity/peer_id.ts";
import { checkAttributes, isJson as isJsonText } from "../records/body_codec.ts";
import { type Attribute, ContentKind } from "../records/item.ts";
import { jsonDepthMax, recordDataBytesMax } from "../records/limits.ts";
import type { Shown } from "../records/shown.ts";
import { isWireText } from "../wire/codec.ts";
import type { AttributeInput, Attributes, JsonValue, RecordValue, RecordView } from "./surface.ts";

/** A value as an item carries it. */
export interface Content {
  readonly contentKind: ContentKind;
  readonly data: Uint8Array;
}

/** Takes a user's value; throws `invalid_record` or `record_too_large`. */
export function contentOf(value: RecordValue): Content {
  const content = value instanceof Uint8Array
    ? { contentKind: ContentKind.bytes, data: new Uint8Array(value) }
    : typeof value === "string"
    ? { contentKind: ContentKind.text, data: utf8(value) }
    : { contentKind: ContentKind.json, data: utf8(jsonOf(value)) };
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new PeerError(
      "invalid_record",
      "Cannot store the text: it holds half of a surrogate pair; store bytes instead",
    );
  }
  if (content.data.length > recordDataBytesMax) {
    throw new PeerError(
      "record_too_large",
      `Cannot store a value of ${content.data.length} bytes: at most ${recordDataBytesMax} fit one record; split it`,
    );
  }
  return content;
}

/** Takes a user's attributes; throws `invalid_record`. */
export function attributesOf(attributes: Attributes): readonly Attribute[] {
  const list = Object.entries(attributes).map(([name, value]): Attribute => [name, copyOf(value)]);
  const isText = list.every(([name, value]) =>
    isWireText(name) && (typeof value !== "string" || isWireText(value)) && !Object.is(value, -0)
  );
  const checked = isText ? checkAttributes(list) : null;
  if (checked === null) {
    throw new PeerError(
      "invalid_record",
      'Cannot store the attributes: at most 64, names of 1 to 40 bytes that do not begin with "kith.", values ' +
        "that are text (NFC) or bytes of at most 1,024 bytes, whole numbers or booleans, 8 KiB together",
    );
  }
  return checked;
}

/** What users see of a record. */
export function viewOf(crypto: Crypto, { item, expires }: Shown): RecordView {
  const { body, head } = item;
  const creator = peerIdText(crypto, body.creator);
  return {
    id: item.record,
    type: body.type,
    value: valueOf(body.contentKind, body.data),
    attributes: Object.fromEntries(body.attributes.map(([name, value]) => [name, copyOf(value)])),
    creator,
    // Nearly always the same: the text is not made twice.
    author: equalBytes(head.author, body.creator) ? creator : peerIdText(crypto, head.author),
    version: body.version,
    created: new Date(body.created),
    modified: new Date(head.at),
    expires: new Date(expires),
    until: new Date(body.until),
  };
}

function valueOf(kind: ContentKind, data: Uint8Array): RecordValue {
  if (kind === ContentKind.bytes) return data.slice();
  // The item's form was checked when it came: this is UTF-8, and JSON where it says so.
  const text = fromUtf8(data) ?? "";
  return kind === ContentKind.text ? text : JSON.parse(text) as JsonValue;
}

function jsonOf(value: JsonValue): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value); // refuses cycles
  } catch (error) {
    throw notJsonError(error);
  }
  if (text === undefined) throw notJsonError();
  // The depth comes first: to look into a much deeper value would overflow.
  if (!isJsonText(text)) {
    throw new PeerError(
      "invalid_record",
      `Cannot store the value: it is nested deeper than ${jsonDepthMax}; flatten it`,
    );
  }
  if (!isJson(value)) throw notJsonError();
  return text;
}

/** Whether `JSON.parse` gives back what `JSON.stringify` was given; it would replace and drop without a word. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isJson) && Object.keys(value).length === value.length;
  if (typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && Object.values(value).every((part) => part === undefined || isJson(part));
}

function notJsonError(cause?: unknown): PeerError {
  return new PeerError(
    "invalid_record",
    "Cannot store the value: it must be a Uint8Array, text, or what JSON can say (no cycle, bigint, NaN, " +
      "infinity, -0, function or object of a class)",
    { cause },
  );
}

function copyOf(value: AttributeInput): AttributeInput {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

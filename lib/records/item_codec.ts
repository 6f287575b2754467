/**
 * Items as bytes and back (docs/PROTOCOL.md, "Items"). A signed item travels as its envelope
 * (format byte 1), a list part as format byte 2 and plain CBOR. What comes in is judged by form
 * here: every bound of a single item is checked, nothing that depends on other items is.
 */

import { assert } from "../base/assert.ts";
import { compareBytes, concat, hex, utf8 } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { decode, encode, isBytes, isWireText, type Value } from "../wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer, verifyEnvelope } from "../wire/envelope.ts";
import { itemBytesMax } from "../wire/limits.ts";
import { Purpose } from "../wire/purposes.ts";
import { parsePublicKey } from "../wire/signature.ts";
import { decodeBody, encodeBody } from "./body_codec.ts";
import { listPartHashesMax, timeMsMax } from "./limits.ts";
import {
  type AuthorityBody,
  type DataBody,
  type Item,
  type ItemHead,
  ItemKind,
  type ListItem,
  type RecordHead,
  type SignedItem,
} from "./item.ts";

/** Why bytes are no item. */
export type ItemRejection =
  | "too_large"
  | "unknown_format"
  | "not_canonical"
  | "bad_shape"
  | "unknown_kind"
  | "reserved"
  | "out_of_bounds"
  | "bad_key"
  | "wrong_id"
  | "bad_signature";

/** Bytes judged by form; a signed item still has to be checked by {@linkcode verifyItem}. */
export type ParsedItem =
  | { readonly ok: true; readonly item: Item }
  | { readonly ok: false; readonly reason: ItemRejection };

const formatSigned = 1;
const formatList = 2;

/** The id of a record: 16 bytes over the fields that every item of it repeats. */
export function recordId(crypto: Crypto, graph: Uint8Array, head: RecordHead): Uint8Array {
  const fields = ["kith/record-id/1", graph, head.creator, head.type, head.created, head.until, head.nonce];
  return crypto.sha256(encode(fields)).subarray(0, 16);
}

/** Makes and signs an item. `graph` is the graph id; a founding item has none yet and takes empty bytes. */
export function createItem<B extends DataBody | AuthorityBody>(
  crypto: Crypto,
  signer: Signer,
  graph: Uint8Array,
  head: ItemHead,
  body: B,
): SignedItem<B> {
  assert(compareBytes(signer.publicKey, head.author) === 0, "an item is signed by its author's key");
  const payload = encode(payloadOf(head, body));
  const bytes = sealEnvelope(crypto, signer, Purpose.item, graph, payload);
  assert(bytes.length <= itemBytesMax, "an item of ours fits its limit");
  return signedItem(crypto, graph, payload, bytes, head, body);
}

/** Makes the parts of a list of hashes, each once, first part first. An empty list has one empty part. */
export function createList(crypto: Crypto, hashes: readonly Uint8Array[]): readonly ListItem[] {
  const sorted = [...hashes].sort(compareBytes)
    .filter((hash, i, all) => i === 0 || compareBytes(all[i - 1]!, hash) !== 0);
  const parts: ListItem[] = [];
  let next: Uint8Array | null = null;
  const count = Math.max(1, Math.ceil(sorted.length / listPartHashesMax));
  for (let part = count - 1; part >= 0; part--) {
    const slice = sorted.slice(part * listPartHashesMax, (part + 1) * listPartHashesMax);
    const content = encode([ItemKind.list, slice, next]);
    const item = listItem(crypto, content, slice, next);
    assert(item.bytes.length <= itemBytesMax, "a list part of ours fits its limit");
    parts.unshift(item);
    next = item.hash;
  }
  return parts;
}

/** Judges bytes by form. Never throws; changes nothing. */
export function parseItem(crypto: Crypto, graph: Uint8Array, bytes: Uint8Array): ParsedItem {
  if (bytes.length > itemBytesMax) return rejected("too_large");
  if (bytes[0] === formatList) return parseList(crypto, bytes);
  if (bytes[0] !== formatSigned) return rejected("unknown_format");
  const envelope = openEnvelope(bytes);
  if (!envelope.ok) return rejected("not_canonical");
  const decoded = decode(envelope.payload);
  if (!decoded.ok) return rejected("not_canonical");
  return parsePayload(crypto, graph, bytes, envelope.payload, decoded.value);
}

/** The id that bytes would have as a signed item, if they are shaped like one; nothing else is judged. */
export function itemIdOf(crypto: Crypto, bytes: Uint8Array): string | null {
  if (bytes[0] !== formatSigned || bytes.length > itemBytesMax) return null;
  const envelope = openEnvelope(bytes);
  return envelope.ok ? hex(crypto.sha256(envelope.payload)) : null;
}

/** Checks the signature of a parsed item. Lists are unsigned and hold by their hash. */
export function verifyItem(crypto: Crypto, graph: Uint8Array, item: Item): boolean {
  if (item.body.kind === ItemKind.list) return true;
  const envelope = openEnvelope(item.bytes);
  if (!envelope.ok || item.head === null) return false;
  const scope = item.body.kind === ItemKind.founding ? noGraph : graph;
  return verifyEnvelope(crypto, envelope, Purpose.item, scope, item.head.author);
}

/** A text that may be a record's type: short, printable, and not one of ours. */
export function isRecordType(type: string, bytesMax: number): boolean {
  return type.length > 0 && isWireText(type) && utf8(type).length <= bytesMax && !type.startsWith("kith.");
}

const noGraph = new Uint8Array(0);

function payloadOf(head: ItemHead, body: DataBody | AuthorityBody): Value {
  return [
    body.kind,
    head.author,
    head.key,
    head.writer,
    head.seq,
    head.at,
    head.credential,
    encodeBody(body),
  ];
}

function parsePayload(
  crypto: Crypto,
  graph: Uint8Array,
  bytes: Uint8Array,
  payload: Uint8Array,
  value: Value,
): ParsedItem {
  if (!Array.isArray(value) || value.length !== 8) return rejected("bad_shape");
  const [kind, author, key, writer, seq, at, credential, fields] = value as Value[];
  if (key !== null) return rejected("reserved");
  if (!isBytes(author, 32) || !isBytes(writer, 8) || !isPositive(seq) || !isPositive(at) || at > timeMsMax) {
    return rejected("bad_shape");
  }
  if (credential !== null && !isBytes(credential, 32)) return rejected("bad_shape");
  if (parsePublicKey(author) === null) return rejected("bad_key");
  const head: ItemHead = { author, key, writer, seq, at, credential };
  const body = decodeBody(crypto, graph, kind!, fields!, head);
  if (!body.ok) return body;
  return { ok: true, item: signedItem(crypto, graph, payload, bytes, head, body.body) as Item };
}

function signedItem<B extends DataBody | AuthorityBody>(
  crypto: Crypto,
  graph: Uint8Array,
  payload: Uint8Array,
  bytes: Uint8Array,
  head: ItemHead,
  body: B,
): SignedItem<B> {
  const hash = crypto.sha256(payload);
  const record = body.kind <= ItemKind.extension ? hex(recordId(crypto, graph, body as DataBody)) : null;
  return { hash, id: hex(hash), bytes, head, body, record: record as SignedItem<B>["record"] };
}

function parseList(crypto: Crypto, bytes: Uint8Array): ParsedItem {
  const content = bytes.subarray(1);
  const decoded = decode(content);
  if (!decoded.ok) return rejected("not_canonical");
  const value = decoded.value;
  if (!Array.isArray(value) || value.length !== 3 || value[0] !== ItemKind.list) return rejected("bad_shape");
  const [, hashes, next] = value as Value[];
  if (!Array.isArray(hashes) || hashes.length > listPartHashesMax) return rejected("out_of_bounds");
  if (next !== null && !isBytes(next, 32)) return rejected("bad_shape");
  let before: Uint8Array | null = null;
  for (const hash of hashes as Value[]) {
    if (!isBytes(hash, 32)) return rejected("bad_shape");
    if (before !== null && compareBytes(before, hash) >= 0) return rejected("not_canonical");
    before = hash;
  }
  return { ok: true, item: listItem(crypto, content, hashes as Uint8Array[], next) };
}

function listItem(
  crypto: Crypto,
  content: Uint8Array,
  hashes: readonly Uint8Array[],
  next: Uint8Array | null,
): ListItem {
  const hash = crypto.sha256(content);
  const bytes = concat(Uint8Array.of(formatList), content);
  return {
    hash,
    id: hex(hash),
    bytes,
    head: null,
    body: { kind: ItemKind.list, hashes, next },
    record: null,
  };
}

function isPositive(value: Value | undefined): value is number {
  return typeof value === "number" && value >= 1;
}

function rejected(reason: ItemRejection): { readonly ok: false; readonly reason: ItemRejection } {
  return { ok: false, reason };
}

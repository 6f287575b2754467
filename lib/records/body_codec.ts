/** The body of each kind of item as a wire array and back, with every bound of a single item. */

import { unreachable } from "../base/assert.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { decode, encode, isBytes, isText, isUint, type Value } from "../wire/codec.ts";
import { openEnvelope, verifyEnvelope } from "../wire/envelope.ts";
import { Purpose } from "../wire/purposes.ts";
import { parsePublicKey } from "../wire/signature.ts";
import {
  aheadMsMax,
  attributeNameBytesMax,
  attributesBytesMax,
  attributesMax,
  attributeValueBytesMax,
  joinersMaxMax,
  jsonDepthMax,
  nameCodePointsMax,
  prevBytes,
  prevMax,
  recordDataBytesMax,
  recordTypeBytesMax,
  removalClosesMax,
  spanMsMax,
  timeMsMax,
  versionMax,
} from "./limits.ts";
import {
  type AdmissionStatement,
  type Attribute,
  type AuthorityBody,
  ContentKind,
  type DataBody,
  type GraphProperties,
  type ItemHead,
  ItemKind,
  type RecordHead,
} from "./item.ts";
import type { ItemRejection } from "./item_codec.ts";

/** A body, or why the fields are none. */
export type DecodedBody =
  | { readonly ok: true; readonly body: DataBody | AuthorityBody }
  | { readonly ok: false; readonly reason: ItemRejection };

/** The wire fields of a body. */
export function encodeBody(body: DataBody | AuthorityBody): Value {
  switch (body.kind) {
    case ItemKind.version:
      return [
        ...recordFields(body),
        body.version,
        body.expires,
        body.prev,
        body.flags,
        body.contentKind,
        body.epoch,
        body.attributes,
        body.data,
        body.chunks,
      ];
    case ItemKind.delete:
      return recordFields(body);
    case ItemKind.extension:
      return [...recordFields(body), body.expires];
    case ItemKind.founding:
      return [body.creator, body.salt, body.name, propertyFields(body.properties)];
    case ItemKind.credential:
      return credentialClaims(body);
    case ItemKind.invitation:
      return [body.bearer, body.joinersMax, body.roles, body.expires, body.discovery];
    case ItemKind.admission:
      return [body.proof];
    case ItemKind.removal:
      return [body.subject, body.list, body.closes];
    case ItemKind.leave:
      return [body.list];
    default:
      return unreachable(body);
  }
}

/** The bytes that a bearer key signs (purpose `kith/admission/1`, scope: the group id). */
export function encodeStatement(statement: AdmissionStatement): Uint8Array {
  const { invitation, bearer, joiner, commitment, nonce } = statement;
  return encode([1, invitation, bearer, joiner, commitment, nonce]);
}

/** Judges the fields of a body. */
export function decodeBody(
  crypto: Crypto,
  graph: Uint8Array,
  kind: Value,
  fields: Value,
  head: ItemHead,
): DecodedBody {
  const isMap = fields instanceof Map;
  if (isMap !== (kind === ItemKind.credential)) return rejected("bad_shape");
  // Authority comes from a credential; only the founding item has none above it.
  if (isMade(kind) && head.credential === null) return rejected("bad_shape");
  const list = Array.isArray(fields) ? fields as readonly Value[] : [];
  if (!isMap && !Array.isArray(fields)) return rejected("bad_shape");
  switch (kind) {
    case ItemKind.version:
      return notAhead(decodeVersion(list, head), head);
    case ItemKind.delete:
      return notAhead(decodeDelete(list), head);
    case ItemKind.extension:
      return notAhead(decodeExtension(list), head);
    case ItemKind.founding:
      return decodeFounding(list, head);
    case ItemKind.credential:
      return decodeCredential(fields as ReadonlyMap<number, Value>);
    case ItemKind.invitation:
      return decodeInvitation(list);
    case ItemKind.admission:
      return decodeAdmission(crypto, graph, list);
    case ItemKind.removal:
      return decodeRemoval(list);
    case ItemKind.leave:
      return decodeLeave(list);
    case ItemKind.close:
    case ItemKind.rotation:
    case ItemKind.policy:
    case ItemKind.epoch:
    case ItemKind.withdrawal:
      return rejected("reserved");
    default:
      return rejected("unknown_kind");
  }
}

/** The attributes if each is within its bounds, else `null`. */
export function checkAttributes(attributes: readonly Attribute[]): readonly Attribute[] | null {
  return decodeAttributes(attributes as readonly Value[]);
}

const recordFieldCount = 5;

function recordFields(head: RecordHead): Value[] {
  return [head.type, head.creator, head.created, head.until, head.nonce];
}

function decodeRecordHead(list: readonly Value[]): RecordHead | null {
  const [type, creator, created, until, nonce] = list;
  if (!isText(type, recordTypeBytesMax) || type.length === 0 || type.startsWith("kith.")) return null;
  if (!isKey(creator) || !isTime(created) || !isTime(until) || !isBytes(nonce, 16)) return null;
  if (created < 1 || until < created) return null;
  return { type, creator, created, until, nonce };
}

function decodeVersion(list: readonly Value[], item: ItemHead): DecodedBody {
  if (list.length !== recordFieldCount + 9) return rejected("bad_shape");
  const head = decodeRecordHead(list);
  if (head === null) return rejected("out_of_bounds");
  const [version, expires, prev, flags, contentKind, epoch, attributes, data, chunks] = list.slice(5);
  if (flags !== 0 || epoch !== 0 || chunks !== null) return rejected("reserved");
  if (!isUint(version) || version < 1 || version > versionMax) return rejected("out_of_bounds");
  if (!isUint(expires) || expires < head.created || expires > head.until) return rejected("out_of_bounds");
  if (!isListOfBytes(prev, prevMax, prevBytes)) return rejected("bad_shape");
  // A record begins with its creator: only that author makes version 1, and on nothing.
  if (version === 1 && (prev.length > 0 || !sameBytes(item.author, head.creator))) {
    return rejected("wrong_id");
  }
  if (!(data instanceof Uint8Array) || data.length > recordDataBytesMax) return rejected("out_of_bounds");
  if (!isContent(contentKind, data)) return rejected("out_of_bounds");
  const checked = Array.isArray(attributes) ? decodeAttributes(attributes) : null;
  if (checked === null) return rejected("out_of_bounds");
  const fixed = { kind: ItemKind.version, flags: 0, epoch: 0, chunks: null } as const;
  const body = { ...fixed, ...head, version, expires, prev, contentKind, attributes: checked, data };
  return { ok: true, body };
}

/** A record is not written before it was created, but for what clocks may differ: else it could live for ever. */
function notAhead(decoded: DecodedBody, item: ItemHead): DecodedBody {
  if (!decoded.ok || !("created" in decoded.body)) return decoded;
  return decoded.body.created <= item.at + aheadMsMax ? decoded : rejected("out_of_bounds");
}

function decodeDelete(list: readonly Value[]): DecodedBody {
  if (list.length !== recordFieldCount) return rejected("bad_shape");
  const head = decodeRecordHead(list);
  return head === null ? rejected("out_of_bounds") : { ok: true, body: { kind: ItemKind.delete, ...head } };
}

function decodeExtension(list: readonly Value[]): DecodedBody {
  if (list.length !== recordFieldCount + 1) return rejected("bad_shape");
  const head = decodeRecordHead(list);
  const expires = list[5];
  if (head === null || !isUint(expires) || expires < head.created || expires > head.until) {
    return rejected("out_of_bounds");
  }
  return { ok: true, body: { kind: ItemKind.extension, ...head, expires } };
}

function decodeFounding(list: readonly Value[], head: ItemHead): DecodedBody {
  if (list.length !== 4 || head.credential !== null) return rejected("bad_shape");
  const [creator, salt, name, fields] = list;
  if (!isKey(creator) || !isBytes(salt, 16)) return rejected("bad_shape");
  if (!isText(name, 4 * nameCodePointsMax) || [...name].length > nameCodePointsMax) {
    return rejected("out_of_bounds");
  }
  const properties = decodeProperties(fields);
  if (properties === null) return rejected("out_of_bounds");
  return { ok: true, body: { kind: ItemKind.founding, creator, salt, name, properties } };
}

function propertyFields(properties: GraphProperties): Value {
  return [properties.recordSpanMsMax, properties.recordLifeMs, properties.depthMax];
}

function decodeProperties(fields: Value | undefined): GraphProperties | null {
  if (!Array.isArray(fields) || fields.length !== 3) return null;
  const [recordSpanMsMax, recordLifeMs, depthMax] = fields;
  if (!isUint(recordSpanMsMax, spanMsMax) || !isUint(recordLifeMs) || !isUint(depthMax)) return null;
  if (recordLifeMs < 1 || recordSpanMsMax < recordLifeMs || depthMax < 1 || depthMax > 24) return null;
  return { recordSpanMsMax, recordLifeMs, depthMax };
}

// Claims of RFC 8392 (exp 4, nbf 5, cnf 8) with a key of RFC 8747/9052; ours are private-use numbers.
const claim = { exp: 4, nbf: 5, cnf: 8, roles: -65537, commitment: -65538, quota: -65539, lifts: -65540 };

function credentialClaims(body: AuthorityBody & { kind: typeof ItemKind.credential }): Value {
  const coseKey = new Map<number, Value>([[1, 1], [-1, 6], [-2, body.subject]]);
  const claims = new Map<number, Value>();
  if (body.notAfter !== null) claims.set(claim.exp, body.notAfter / 1000);
  if (body.notBefore !== null) claims.set(claim.nbf, body.notBefore / 1000);
  claims.set(claim.cnf, new Map<number, Value>([[1, coseKey]]));
  claims.set(claim.roles, body.roles);
  return claims;
}

function decodeCredential(claims: ReadonlyMap<number | string, Value>): DecodedBody {
  for (const reserved of [claim.commitment, claim.quota, claim.lifts]) {
    if (claims.has(reserved)) return rejected("reserved");
  }
  const exp = claims.get(claim.exp) ?? null;
  const nbf = claims.get(claim.nbf) ?? null;
  const roles = claims.get(claim.roles);
  const subject = confirmedKey(claims.get(claim.cnf));
  if (subject === null || !isRoles(roles)) return rejected("bad_shape");
  if ((exp !== null && !isSeconds(exp)) || (nbf !== null && !isSeconds(nbf))) {
    return rejected("out_of_bounds");
  }
  if (claims.size !== 2 + Number(exp !== null) + Number(nbf !== null)) return rejected("bad_shape");
  const notBefore = nbf === null ? null : (nbf as number) * 1000;
  const notAfter = exp === null ? null : (exp as number) * 1000;
  const reserved = { commitment: null, quota: null, lifts: [] };
  return { ok: true, body: { kind: ItemKind.credential, subject, roles, notBefore, notAfter, ...reserved } };
}

function confirmedKey(cnf: Value | undefined): Uint8Array | null {
  const key = cnf instanceof Map && cnf.size === 1 ? cnf.get(1) : undefined;
  if (!(key instanceof Map) || key.size !== 3 || key.get(1) !== 1 || key.get(-1) !== 6) return null;
  const subject = key.get(-2);
  return isKey(subject) ? subject : null;
}

function decodeInvitation(list: readonly Value[]): DecodedBody {
  if (list.length !== 5) return rejected("bad_shape");
  const [bearer, joinersMax, roles, expires, discovery] = list;
  if (discovery !== null) return rejected("reserved");
  if (!isKey(bearer) || !isRoles(roles) || !isTime(expires)) return rejected("bad_shape");
  if (!isUint(joinersMax) || joinersMax < 1 || joinersMax > joinersMaxMax) return rejected("out_of_bounds");
  return { ok: true, body: { kind: ItemKind.invitation, bearer, joinersMax, roles, expires, discovery } };
}

/** Judges the fields of an admission: the bearer's signature is part of its form. */
export function decodeAdmission(crypto: Crypto, graph: Uint8Array, list: readonly Value[]): DecodedBody {
  const proof = list[0];
  if (list.length !== 1 || !(proof instanceof Uint8Array)) return rejected("bad_shape");
  const envelope = openEnvelope(proof);
  const decoded = envelope.ok ? decode(envelope.payload) : envelope;
  if (!envelope.ok || !decoded.ok) return rejected("not_canonical");
  const value = "value" in decoded ? decoded.value : null;
  if (!Array.isArray(value) || value.length !== 6 || value[0] !== 1) return rejected("bad_shape");
  const [, invitation, bearer, joiner, commitment, nonce] = value as Value[];
  if (commitment !== null) return rejected("reserved");
  if (!isBytes(invitation, 32) || !isKey(bearer) || !isKey(joiner) || !isBytes(nonce, 16)) {
    return rejected("bad_shape");
  }
  // The bearer key stands in what it signs, so the proof is judged before the invitation is known.
  if (!verifyEnvelope(crypto, envelope, Purpose.admission, graph, bearer)) return rejected("bad_signature");
  const statement = { invitation, bearer, joiner, commitment, nonce };
  return { ok: true, body: { kind: ItemKind.admission, proof, statement } };
}

function decodeRemoval(list: readonly Value[]): DecodedBody {
  if (list.length !== 3) return rejected("bad_shape");
  const [subject, listHash, closes] = list;
  if (!isKey(subject) || !isBytes(listHash, 32)) return rejected("bad_shape");
  if (!isListOfBytes(closes, removalClosesMax, 32)) return rejected("bad_shape");
  return { ok: true, body: { kind: ItemKind.removal, subject, list: listHash, closes } };
}

function decodeLeave(list: readonly Value[]): DecodedBody {
  const listHash = list[0];
  if (list.length !== 1 || !isBytes(listHash, 32)) return rejected("bad_shape");
  return { ok: true, body: { kind: ItemKind.leave, list: listHash } };
}

function decodeAttributes(list: readonly Value[]): readonly Attribute[] | null {
  if (list.length > attributesMax) return null;
  let bytes = 0;
  for (const entry of list) {
    if (!Array.isArray(entry) || entry.length !== 2) return null;
    const [name, value] = entry as Value[];
    if (!isText(name, attributeNameBytesMax) || name.length === 0 || name.startsWith("kith.")) return null;
    const size = attributeValueBytes(value);
    if (size === null) return null;
    bytes += utf8(name).length + size;
  }
  return bytes <= attributesBytesMax ? list as readonly unknown[] as readonly Attribute[] : null;
}

function attributeValueBytes(value: Value | undefined): number | null {
  if (typeof value === "boolean") return 1;
  if (typeof value === "number") return Number.isSafeInteger(value) ? 9 : null;
  if (value instanceof Uint8Array) return value.length <= attributeValueBytesMax ? value.length : null;
  return isText(value, attributeValueBytesMax) ? utf8(value).length : null;
}

function isContent(kind: Value | undefined, data: Uint8Array): kind is ContentKind {
  if (kind === ContentKind.bytes) return true;
  if (kind !== ContentKind.text && kind !== ContentKind.json) return false;
  const text = fromUtf8(data);
  return text !== null && (kind === ContentKind.text || isJson(text));
}

/** Whether a text is JSON, and no deeper than a reader can write it out again. */
export function isJson(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') inString = !inString;
    else if (inString) i += letter === "\\" ? 1 : 0;
    else if (letter === "[" || letter === "{") { if (++depth > jsonDepthMax) return false; }
    else if (letter === "]" || letter === "}") depth--;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // not JSON: the item is refused, so that no reader ever meets it
  }
}

function isKey(value: Value | undefined): value is Uint8Array {
  return isBytes(value, 32) && parsePublicKey(value) !== null;
}

function isMade(kind: Value): boolean {
  return typeof kind === "number" && kind > ItemKind.founding && kind < ItemKind.list;
}

function isRoles(value: Value | undefined): value is number {
  return isUint(value) && value >= 1 && value <= 0xffff;
}

function isTime(value: Value | undefined): value is number {
  return isUint(value, timeMsMax);
}

// Claims count whole seconds; the product counts milliseconds, which must stay exact.
function isSeconds(value: Value): value is number {
  return isUint(value, timeMsMax / 1000);
}

function isListOfBytes(value: Value | undefined, max: number, length: number): value is Uint8Array[] {
  return Array.isArray(value) && value.length <= max && value.every((entry) => isBytes(entry, length));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}

function rejected(reason: ItemRejection): { readonly ok: false; readonly reason: ItemRejection } {
  return { ok: false, reason };
}

/** Surface types as JSON, and back. */

import type { AdminResolved } from "./admin_peer.ts";
import type {
  AttributeInput,
  Attributes,
  GraphEvent,
  GraphStatus,
  Group,
  JsonValue,
  NodeInfo,
  RecordEvent,
  RecordEventKind,
  RecordValue,
  RecordView,
} from "../lib/peer/surface.ts";

/** Bytes in JSON: base 64 with padding (RFC 4648 §4). */
export interface BytesJson {
  readonly base64: string;
}

/** An attribute in JSON. */
export type AttributeJson = string | number | boolean | BytesJson;

/** A record in JSON: it has `value`, or `base64` if it carries bytes. */
export interface RecordJson {
  readonly id: string;
  readonly type: string;
  readonly value?: unknown;
  readonly base64?: string | undefined;
  readonly attributes: { readonly [name: string]: AttributeJson };
  readonly creator: string;
  readonly author: string;
  readonly version: number;
  readonly created: string;
  readonly modified: string;
  readonly expires: string;
  readonly until: string;
}

/** A record's event in JSON. */
export interface RecordEventJson {
  readonly kind: RecordEventKind;
  readonly record: RecordJson;
}

/** A group in JSON. */
export interface GroupJson extends GraphStatus {
  readonly name: string;
  readonly nodes: readonly NodeInfo[];
}

/** A value as it is sent in: one of the two. */
export interface ValueJson {
  readonly value?: unknown;
  readonly base64?: string | undefined;
}

/** A record in JSON. */
export function recordJson(record: RecordView): RecordJson {
  const { id, type, value, creator, author, version } = record;
  const attributes = Object.entries(record.attributes).map(([name, each]) => [name, attributeJson(each)]);
  return {
    id,
    type,
    ...valueJson(value),
    attributes: Object.fromEntries(attributes),
    creator,
    author,
    version,
    created: record.created.toISOString(),
    modified: record.modified.toISOString(),
    expires: record.expires.toISOString(),
    until: record.until.toISOString(),
  };
}

/** A record's event in JSON. */
export function recordEventJson(event: RecordEvent): RecordEventJson {
  return { kind: event.kind, record: recordJson(event.record) };
}

/** A graph's event in JSON. */
export function graphEventJson(event: GraphEvent): unknown {
  return event.kind === "record" ? { kind: event.kind, event: recordEventJson(event.event) } : event;
}

/** A group in JSON. */
export function groupJson(group: Group): GroupJson {
  return { name: group.name, ...group.status(), nodes: group.nodes() };
}

/** What a value in JSON means. */
export function valueOf(json: ValueJson): RecordValue {
  return json.base64 === undefined ? json.value as JsonValue : Uint8Array.fromBase64(json.base64);
}

/** What attributes in JSON mean. */
export function attributesOf(json: { readonly [name: string]: AttributeJson }): Attributes {
  const pairs = Object.entries(json).map(([name, each]): [string, AttributeInput] => [
    name,
    typeof each === "object" ? Uint8Array.fromBase64(each.base64) : each,
  ]);
  return Object.fromEntries(pairs);
}

/** Whether a text is base 64 with padding. */
export function isBase64(text: string): boolean {
  try {
    Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    return true;
  } catch {
    return false; // the caller tells which field is wrong
  }
}

function valueJson(value: RecordValue): ValueJson {
  return value instanceof Uint8Array ? { base64: value.toBase64() } : { value };
}

function attributeJson(value: AttributeInput): AttributeJson {
  return value instanceof Uint8Array ? { base64: value.toBase64() } : value;
}

/** One publisher of a name in JSON; a payload of bytes stands in `base64`. */
export interface ResolvedJson {
  readonly cloud: string;
  readonly publisher: string;
  readonly endpoints: readonly string[];
  readonly comment: string;
  readonly payload: string | null;
  readonly base64?: string | undefined;
  readonly verified: boolean;
  readonly expires: string;
}

/** One publisher of a name in JSON. */
export function resolvedJson(resolved: AdminResolved): ResolvedJson {
  const { payload, expires, cloud, publisher, endpoints, comment, verified } = resolved;
  const content = payload instanceof Uint8Array ? { payload: null, base64: payload.toBase64() } : { payload };
  return { cloud, publisher, endpoints, comment, ...content, verified, expires: expires.toISOString() };
}

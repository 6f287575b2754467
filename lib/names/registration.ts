/**
 * Registrations: signed statements that a name is published. The authority's key signs a secured
 * name, any key an unsecured one. The publisher's contact key is in the statement, so that two
 * machines of one identity both stand and a resolver knows whom to ask.
 */

import { type Endpoint, isSendable, packAddress, type Transport, unpackAddress } from "../base/address.ts";
import { compareBytes, concat, equalBytes, hex } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import {
  decode,
  type DecodeRejection,
  encode,
  isArray,
  isBytes,
  isText,
  isUint,
  type Value,
} from "../wire/codec.ts";
import {
  type Envelope,
  type EnvelopeRejection,
  openEnvelope,
  sealEnvelope,
  type Signer,
  verifyEnvelope,
} from "../wire/envelope.ts";
import { Purpose } from "../wire/purposes.ts";
import { parsePublicKey } from "../wire/signature.ts";
import { nameKey } from "./id_space.ts";
import { commentCharactersMax, endpointsMax, payloadBytesMax, registrationBytesMax } from "./limits.ts";

/** How a payload was given, so that it comes out as it went in. The numbers are on the wire. */
export const PayloadKind = { bytes: 1, text: 2 } as const;

/** One of {@linkcode PayloadKind}'s numbers. */
export type PayloadKind = (typeof PayloadKind)[keyof typeof PayloadKind];

/** What a registration says of the payload, which stays with the publisher. */
export interface PayloadInfo {
  /** SHA-256 of the payload. */
  readonly digest: Uint8Array;
  /** Bytes of the payload, 0 … `payloadBytesMax`. */
  readonly length: number;
  readonly kind: PayloadKind;
}

/** What is published under a name. */
export interface RegistrationBody {
  readonly endpoints: readonly Endpoint[];
  readonly comment: string;
  readonly payload: PayloadInfo | null;
}

/** What a registration states. */
export interface Statement {
  /** Where the name lies; follows from the next two. */
  readonly nameKey: Uint8Array;
  /** The key whose holder alone may publish the name; `null` for an unsecured one. */
  readonly authority: Uint8Array | null;
  readonly classifier: Uint8Array;
  /** The key that signs: the authority's, or any for an unsecured name. */
  readonly signer: Uint8Array;
  /** The publisher's contact key in the cloud. */
  readonly publisher: Uint8Array;
  /** Of several by one publisher the highest counts. */
  readonly seq: number;
  /** Wall milliseconds after which it says nothing. */
  readonly expires: number;
  /** `null`: the name is published no more. */
  readonly body: RegistrationBody | null;
}

/** A statement and its signed bytes. The signature holds only if {@linkcode verifyRegistration} said so. */
export interface SignedStatement extends Statement {
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
}

/** Why bytes are no registration. */
export type RegistrationRejection = DecodeRejection | EnvelopeRejection | "not_a_registration";

/** A registration whose form is right, or why it is not. */
export type OpenedRegistration =
  | { readonly ok: true; readonly statement: SignedStatement }
  | { readonly ok: false; readonly reason: RegistrationRejection };

/** Signs a statement for one cloud. */
export function sealRegistration(
  crypto: Crypto,
  cloud: Uint8Array,
  signer: Signer,
  statement: Statement,
): SignedStatement {
  const payload = encode([
    version,
    statement.nameKey,
    statement.authority,
    statement.classifier,
    statement.signer,
    statement.publisher,
    statement.seq,
    statement.expires,
    null, // a delegate's certificate: reserved
    statement.body === null ? null : bodyValue(statement.body),
  ]);
  const bytes = sealEnvelope(crypto, signer, Purpose.registration, cloud, payload);
  const envelope = { payload, signature: bytes.subarray(bytes.length - 64) };
  return { ...statement, bytes, envelope };
}

/** Takes a registration apart and judges everything about it but its signature and time. */
export function openRegistration(crypto: Crypto, cloud: Uint8Array, bytes: Uint8Array): OpenedRegistration {
  if (bytes.length > registrationBytesMax) return { ok: false, reason: "too_long" };
  const opened = openEnvelope(bytes);
  if (!opened.ok) return opened;
  const decoded = decode(opened.payload, { depthMax: 3, elementsMax: 64 });
  if (!decoded.ok) return decoded;
  const statement = isArray(decoded.value, 10) ? statementOf(decoded.value) : null;
  if (statement === null) return notARegistration;
  const key = nameKey(crypto, cloud, statement.authority, statement.classifier);
  if (!equalBytes(key, statement.nameKey)) return notARegistration;
  const envelope = { payload: opened.payload, signature: opened.signature };
  return { ok: true, statement: { ...statement, bytes, envelope } };
}

/** Whether the statement was signed, for this cloud, by the key that may. */
export function verifyRegistration(crypto: Crypto, cloud: Uint8Array, statement: SignedStatement): boolean {
  return verifyEnvelope(crypto, statement.envelope, Purpose.registration, cloud, statement.signer);
}

/** Whether one statement of a publisher replaces another: the higher seq does, then the greater bytes. */
export function replaces(statement: SignedStatement, other: SignedStatement): boolean {
  if (statement.seq !== other.seq) return statement.seq > other.seq;
  return compareBytes(statement.bytes, other.bytes) > 0;
}

/** Under which key a resolver tells publishers apart: without the signer, anybody could speak over an unsecured publisher. */
export function publisherOf(statement: Statement): string {
  return hex(statement.publisher) + hex(statement.signer);
}

/** How many characters (code points) a text has. */
export function characterCount(text: string): number {
  return [...text].length;
}

function bodyValue(body: RegistrationBody): Value {
  const endpoints = body.endpoints.map((endpoint) =>
    concat(Uint8Array.of(transportCodes[endpoint.transport]), packAddress(endpoint.address))
  );
  const { payload } = body;
  return [endpoints, body.comment, payload === null ? null : [payload.digest, payload.length, payload.kind]];
}

function statementOf(fields: readonly Value[]): Statement | null {
  const [format, key, authority, classifier, signer, publisher, seq, expires, delegate, packedBody] = fields;
  if (format !== version || delegate !== null) return null;
  if (!isBytes(key, 32) || !isBytes(classifier, 32) || !isBytes(signer, 32)) return null;
  if (!isBytes(publisher, 32) || !isUint(seq) || !isUint(expires)) return null;
  if (authority !== null && !(isBytes(authority, 32) && equalBytes(authority, signer))) return null;
  if (parsePublicKey(signer) === null) return null;
  const body = packedBody === null ? null : bodyOf(packedBody!);
  if (body === undefined) return null;
  return { nameKey: key, authority, classifier, signer, publisher, seq, expires, body };
}

/** The body of a statement; `undefined` if it is none. */
function bodyOf(value: Value): RegistrationBody | undefined {
  if (!isArray(value, 3)) return undefined;
  const [packedEndpoints, comment, packedPayload] = value;
  if (!isArray(packedEndpoints) || packedEndpoints.length > endpointsMax) return undefined;
  const endpoints: Endpoint[] = [];
  for (const packed of packedEndpoints) {
    const endpoint = isBytes(packed) ? endpointOf(packed) : null;
    if (endpoint === null) return undefined;
    endpoints.push(endpoint);
  }
  if (!isText(comment, 4 * commentCharactersMax) || characterCount(comment) > commentCharactersMax) {
    return undefined;
  }
  const payload = packedPayload === null ? null : payloadInfoOf(packedPayload!);
  return payload === undefined ? undefined : { endpoints, comment, payload };
}

function endpointOf(packed: Uint8Array): Endpoint | null {
  const transport = transports[packed[0] ?? 0];
  const address = unpackAddress(packed.subarray(1));
  return transport === undefined || address === null || !isSendable(address) ? null : { transport, address };
}

function payloadInfoOf(value: Value): PayloadInfo | undefined {
  if (!isArray(value, 3)) return undefined;
  const [digest, length, kind] = value;
  if (!isBytes(digest, 32) || !isUint(length, payloadBytesMax)) return undefined;
  return kind === PayloadKind.bytes || kind === PayloadKind.text ? { digest, length, kind } : undefined;
}

const version = 1;
const transports: readonly (Transport | undefined)[] = [undefined, "tcp", "udp"];
const transportCodes: Readonly<Record<Transport, number>> = { tcp: 1, udp: 2 };
const notARegistration = { ok: false, reason: "not_a_registration" } as const;

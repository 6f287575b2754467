/**
 * The text of an invitation: one line that carries everything a joiner needs to find a member and to
 * prove that it was invited. The chain of credentials is not in it; it comes over the first link and is
 * checked against the group's id before anything is proven.
 */

import { type Endpoint, packAddress, unpackAddress } from "../base/address.ts";
import { base32, fromBase32 } from "../base/base32.ts";
import { assert } from "../base/assert.ts";
import { concat, equalBytes } from "../base/bytes.ts";
import type { Crypto } from "../base/ports.ts";
import { invitationEndpointsMax, invitationTextMax } from "./limits.ts";

/** What an invitation's text says. */
export interface InvitationTicket {
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  /** Hash of the invitation item, 32 bytes. */
  readonly invitation: Uint8Array;
  /** Seed of the bearer key, 32 bytes: whoever knows it may join. */
  readonly seed: Uint8Array;
  /** Where members were when it was written; at most 2. */
  readonly endpoints: readonly Endpoint[];
}

const prefix = "kith1";
const version = 1;
const checkBytes = 4;
const fixedBytes = 1 + 32 + 32 + 32 + 1;

/** The text of an invitation. */
export function invitationText(crypto: Crypto, ticket: InvitationTicket): string {
  const endpoints = ticket.endpoints.slice(0, invitationEndpointsMax);
  const body = concat(
    Uint8Array.of(version),
    ticket.group,
    ticket.invitation,
    ticket.seed,
    Uint8Array.of(endpoints.length),
    ...endpoints.map(({ address }) => {
      const packed = packAddress(address);
      return concat(Uint8Array.of(packed.length), packed);
    }),
  );
  const text = prefix + base32(concat(body, checkOf(crypto, body)));
  assert(text.length <= invitationTextMax, "an invitation fits its line");
  return text;
}

/** What a text says, or `null` if it is no invitation of this version or was altered. */
export function parseInvitation(crypto: Crypto, text: string): InvitationTicket | null {
  const line = text.trim();
  if (line.length > invitationTextMax || !line.startsWith(prefix)) return null;
  const bytes = fromBase32(line.slice(prefix.length));
  if (bytes === null || bytes.length < fixedBytes + checkBytes || bytes[0] !== version) return null;
  const body = bytes.subarray(0, -checkBytes);
  if (!equalBytes(checkOf(crypto, body), bytes.subarray(-checkBytes))) return null;
  const endpoints = readEndpoints(body.subarray(fixedBytes - 1));
  if (endpoints === null) return null;
  return {
    group: body.slice(1, 33),
    invitation: body.slice(33, 65),
    seed: body.slice(65, 97),
    endpoints,
  };
}

function readEndpoints(bytes: Uint8Array): Endpoint[] | null {
  const count = bytes[0]!;
  if (count > invitationEndpointsMax) return null;
  const endpoints: Endpoint[] = [];
  let offset = 1;
  for (let i = 0; i < count; i++) {
    const length = bytes[offset] ?? 0;
    const address = unpackAddress(bytes.subarray(offset + 1, offset + 1 + length));
    if (address === null) return null;
    endpoints.push({ transport: "tcp", address });
    offset += 1 + length;
  }
  return offset === bytes.length ? endpoints : null;
}

function checkOf(crypto: Crypto, body: Uint8Array): Uint8Array {
  return crypto.sha256(checkPurpose, body).subarray(0, checkBytes);
}

const checkPurpose = new TextEncoder().encode("kith/invitation-text/1");

/** One shape for everything that goes wrong: problem documents (RFC 9457) with a stable `code`. */

import { type ErrorCode, errorCodes, PeerError } from "../lib/base/errors.ts";

/** What is wrong with a request itself, besides the codes of `PeerError`. */
export const requestCodes = {
  "bad_host": "The Host header names another host than this API's",
  "bad_origin": "The request comes from a web page of another origin",
  "bad_request": "The request's path, query or body is not what the operation takes",
  "body_too_large": "The request's body is larger than this API takes",
  internal: "This API failed by a mistake of its own; the log says more",
  "method_not_allowed": "This API knows GET, POST and DELETE only",
  "not_found": "There is nothing at this path",
  "not_json": "The request's body is not of the type application/json",
} as const;

/** A code of a problem document. */
export type ProblemCode = ErrorCode | keyof typeof requestCodes;

/** A problem document (RFC 9457), with the code that programs look at. */
export interface Problem {
  /** Always `about:blank`: the `code` tells problems apart. */
  readonly type: "about:blank";
  /** The phrase of the status. */
  readonly title: string;
  readonly status: number;
  /** A sentence: what was attempted, what is wrong and what to do. */
  readonly detail: string;
  /** Stable across versions. */
  readonly code: ProblemCode;
  /** Places of the request that are wrong. */
  readonly faults?: readonly Fault[];
}

/** One wrong place of a request. */
export interface Fault {
  /** As `body.uses`. */
  readonly path: string;
  readonly message: string;
}

/** The answer for a code. */
export function problemResponse(code: ProblemCode, detail: string, faults?: readonly Fault[]): Response {
  const status = statusOf(code);
  const title = titles[status] ?? "Error";
  const problem: Problem = {
    type: "about:blank",
    title,
    status,
    detail,
    code,
    ...(faults === undefined ? {} : { faults }),
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="kith"';
  if (status === 405) headers["allow"] = "GET, POST, DELETE";
  return new Response(JSON.stringify(problem), { status, headers });
}

/** The answer for what was thrown, or `null` if it is a mistake of our own that callers can do nothing about. */
export function problemOf(error: unknown): Response | null {
  if (error instanceof PeerError) return problemResponse(error.code, error.message);
  // The runtime's way to say that a caller's value is out of its range.
  if (error instanceof RangeError) return problemResponse("bad_request", error.message);
  return null;
}

/** The status that stands for a code. */
export function statusOf(code: ProblemCode): number {
  return statuses[code];
}

/** Whether a text is a code of `PeerError`. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  507: "Insufficient Storage",
};

const statuses: Readonly<Record<ProblemCode, number>> = {
  "aborted": 503,
  "already_open": 409,
  "already_registered": 409,
  "bad_passphrase": 400,
  "bad_token": 401,
  "bad_usage": 400,
  "clock_wrong": 503,
  "closed": 503,
  "connect_failed": 502,
  "connect_self": 400,
  "flag_missing": 500,
  "graph_not_found": 404,
  "host_name_too_long": 400,
  "identity_exists": 409,
  "identity_not_found": 404,
  "invalid_address": 400,
  "invalid_invitation": 400,
  "invalid_peer_id": 400,
  "invalid_peer_name": 400,
  "invalid_record": 400,
  "invitation_expired": 409,
  "invitation_refused": 409,
  "invitation_used": 409,
  "keys_damaged": 500,
  "keys_readable": 500,
  "link_refused": 502,
  "name_not_found": 404,
  "no_contacts": 503,
  "no_members_reachable": 504,
  "not_a_member": 403,
  "not_authorized": 403,
  "not_supported": 501,
  "permission_denied": 500,
  "port_in_use": 409,
  "record_not_found": 404,
  "record_too_large": 413,
  "removed": 403,
  "store_damaged": 500,
  "store_failed": 500,
  "store_full": 507,
  "store_in_use": 409,
  "timeout": 504,
  "too_many": 429,
  "wrong_peer": 502,
  "bad_host": 421,
  "bad_origin": 403,
  "bad_request": 400,
  "body_too_large": 413,
  "internal": 500,
  "method_not_allowed": 405,
  "not_found": 404,
  "not_json": 415,
};

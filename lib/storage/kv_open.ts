/** Opens Deno KV: what must be there first, and what its failures mean. */

import { type ErrorCode, messageOf, PeerError } from "../base/errors.ts";

/** Throws unless Deno has KV and grants what the place needs; names the flag. */
export async function requireKv(place: string): Promise<void> {
  requireKvFlag(place);
  if (place === ":memory:") return;
  if (isUrl(place)) return await requireServer(place);
  const flags = [];
  for (const name of ["read", "write"] as const) {
    if (!await isGranted({ name, path: place })) flags.push(`--allow-${name}=${place}`);
  }
  if (flags.length > 0) throw deniedError(place, flags.join(" "));
}

/** Throws `flag_missing` unless Deno has KV. */
export function requireKvFlag(place: string): void {
  if (typeof Deno.openKv === "function") return;
  const message = `Cannot open the store ${place}: Deno was started without --unstable-kv. ` +
    'Add that flag, or "unstable": ["kv"] to deno.json; without a store, Kith keeps records in memory';
  throw new PeerError("flag_missing", message);
}

/** Whether the place of a store is a KV server. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** The failure of a call on KV in our terms; `action` completes "Cannot …". */
export function kvError(error: unknown, action: string): PeerError {
  if (error instanceof PeerError) return error;
  const text = messageOf(error);
  const [code, remedy] = meanings.find(([part]) => text.includes(part))?.[1] ?? otherMeaning;
  return new PeerError(code, `Cannot ${action}: ${text}; ${remedy}`, { cause: error });
}

/** The failure of a call that did not answer in time; `timeout` where a write may still come to count. */
export function kvTimeoutError(
  action: string,
  maxMs: number,
  code: "store_failed" | "timeout" = "store_failed",
): PeerError {
  const message = `Cannot ${action}: no answer within ${maxMs} ms; ` +
    "see whether another process holds the store, and whether the disk or the server answers";
  return new PeerError(code, message);
}

async function requireServer(place: string): Promise<void> {
  const { protocol, hostname, host, port } = new URL(place);
  if (protocol === "http:" && !["127.0.0.1", "[::1]", "localhost"].includes(hostname)) {
    const message = `Cannot open the store ${place}: records and the access token would travel in clear. ` +
      "Use an https address; http is for this machine alone";
    throw new PeerError("invalid_address", message);
  }
  const named = port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host;
  if (!await isGranted({ name: "net", host: named })) throw deniedError(place, `--allow-net=${named}`);
}

async function isGranted(descriptor: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(descriptor)).state === "granted";
}

function deniedError(place: string, flags: string): PeerError {
  const message = `Cannot open the store ${place}: Deno was started without ${flags}; add that`;
  return new PeerError("permission_denied", message);
}

type Meaning = readonly [code: ErrorCode, remedy: string];

/** What KV and SQLite say (measured), and what to do. */
const meanings: readonly (readonly [part: string, meaning: Meaning])[] = [
  ["DENO_KV_ACCESS_TOKEN", ["store_failed", "the server's operator gives it out"]],
  ["database or disk is full", ["store_full", "free some space; what was stored before can still be read"]],
  ["database is locked", ["store_in_use", "end the other process, or give this peer a store of its own"]],
  ["file is not a database", [
    "store_damaged",
    "give another path, or move the file away and sync from peers",
  ]],
  ["disk image is malformed", [
    "store_damaged",
    "move the file away and sync from peers, or restore a backup",
  ]],
  ["unable to open database file", [
    "store_failed",
    "create the folder, or let the user that runs Deno own the file",
  ]],
  ["readonly database", ["store_failed", "let the user that runs Deno write the file and its folder"]],
];

const otherMeaning: Meaning = ["store_failed", "check the disk or the server, then try again"];

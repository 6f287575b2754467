/**
 * Failures that a caller can act on: one class, a stable `code` each. Misuse of a function is a
 * `TypeError` or `RangeError`; what a remote peer does wrong is a reason in a union, never thrown.
 */

/** Every code with what it means. The table in `docs/PROTOCOL.md` is generated from it. */
export const errorCodes = {
  aborted: "The caller's signal ended the wait",
  already_open: "This graph or group is open in this peer already",
  already_registered: "This peer has registered that name in that cloud already",
  bad_passphrase: "The passphrase does not open the sealed keys",
  bad_token: "The admin token is missing or wrong",
  bad_usage: "The command line cannot be understood",
  clock_wrong: "The clocks of this machine and of its neighbors are too far apart to stamp records",
  closed: "The peer, graph, group or stream was closed",
  connect_failed: "Nothing answered at the address, or the stream broke before the link stood",
  connect_self: "The address leads back to this peer",
  flag_missing: "Deno was started without a flag that this feature needs",
  graph_not_found: "This peer holds no graph or group with that id",
  host_name_too_long: "The peer name has no host form, because host names have no room for it",
  identity_exists: "An identity with that name exists in this store",
  identity_not_found: "No identity with that name or id exists in this store",
  invalid_address: "The text is no numeric address with a port",
  invalid_invitation: "The text is no invitation, or it was altered",
  invalid_peer_id: "The text is no peer id, or it was altered",
  invalid_peer_name: "The text is no peer name",
  invalid_record: "The record's type, attributes, value or times are outside their bounds",
  invitation_expired: "The invitation's time is over",
  invitation_refused: "The member asked does not admit by this invitation",
  invitation_used: "The invitation has admitted as many joiners as it may",
  keys_damaged: "The key file is not what Kith wrote",
  keys_readable: "Others on this machine may read the key file",
  link_refused: "The other peer refused the link or the channel",
  name_not_found: "The cloud was asked and nobody has published that name",
  no_contacts: "The cloud has no contacts: nobody could be asked",
  no_members_reachable: "No member of the group could be reached",
  not_a_member: "That identity is no member of this group",
  not_authorized: "The member's role does not allow this",
  not_supported: "This version of Kith does not do that",
  permission_denied: "Deno was started without a permission that this feature needs",
  port_in_use: "Another program listens on that port",
  record_not_found: "The graph shows no record with that id",
  record_too_large: "The record is larger than a record may be",
  removed: "This identity was removed from the group or has left it",
  store_damaged: "The store's file is not one that Kith can read",
  store_failed: "The store could not be read or written",
  store_full: "The disk or the store is full; nothing was written",
  store_in_use: "Another process has this store open",
  timeout: "The time for this wait is over",
  too_many: "A limit on how many may stand at once is reached",
  wrong_peer: "Another peer than the expected one answered at the address",
} as const;

/** A stable code of a {@linkcode PeerError}. */
export type ErrorCode = keyof typeof errorCodes;

/**
 * A failure that a caller can act on. The message says what was attempted, what is wrong and what
 * to do next; programs look at {@linkcode PeerError.code | code}.
 *
 * @example Telling failures apart
 * ```ts
 * import { Peer, PeerError } from "@kith/peer";
 *
 * await using peer = await Peer.open();
 * try {
 *   await peer.groups.join("no invitation");
 * } catch (error) {
 *   if (!(error instanceof PeerError)) throw error;
 *   console.log(error.code); // invalid_invitation
 * }
 * ```
 */
export class PeerError extends Error {
  /** Always `PeerError`. */
  override readonly name = "PeerError";
  /** What went wrong, stable across versions. */
  readonly code: ErrorCode;

  /** Makes a failure with its code, a sentence, and what caused it. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throws the `aborted` failure if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, action: string): void {
  if (signal?.aborted) throw abortedError(signal, action);
}

/** The failure that stands for a fired signal. */
export function abortedError(signal: AbortSignal, action: string): PeerError {
  return new PeerError("aborted", `${action} was ended by the caller's signal`, { cause: signal.reason });
}

/** One line for people: the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One attempt to reach a peer, shared by all who want it; it ends early when nobody wants it any more. */

import type { Address, Timers } from "../base/ports.ts";
import { addressText } from "../base/address.ts";
import { abortedError, messageOf, PeerError } from "../base/errors.ts";
import type { LiveLink } from "./live_link.ts";
import type { LinkFailure } from "./open_link.ts";
import type { CloseReason } from "./secure_link.ts";

/** What came of an attempt. */
export type DialOutcome =
  | { readonly ok: true; readonly link: LiveLink }
  | { readonly ok: false; readonly error: PeerError };

/** An attempt under way. */
export interface Dial {
  /** Ends the attempt. */
  readonly controller: AbortController;
  /** Settles with `null` when the attempt is ended. */
  readonly aborted: Promise<null>;
  /** Never rejects. */
  readonly outcome: Promise<DialOutcome>;
  /** How many wait for it. */
  waiters: number;
  /** Whether the outcome is known. */
  isOver: boolean;
}

/** How one caller waits for an attempt. */
export interface JoinOptions {
  /** What the caller does, for messages. */
  readonly action: string;
  readonly timeoutMs: number;
  readonly timers: Timers;
  readonly signal?: AbortSignal;
}

/** Starts an attempt. */
export function startDial(attempt: (dial: Dial) => Promise<DialOutcome>): Dial {
  const controller = new AbortController();
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  controller.signal.addEventListener("abort", () => resolve(null), { once: true });
  const { promise: outcome, resolve: settle } = Promise.withResolvers<DialOutcome>();
  const dial: Dial = { controller, aborted, outcome, waiters: 0, isOver: false };
  attempt(dial).catch(failed).then((reached) => {
    dial.isOver = true;
    settle(reached);
  });
  return dial;
}

/** Waits for an attempt. The last who leaves ends it. */
export async function joinDial(dial: Dial, options: JoinOptions): Promise<LiveLink> {
  const { action, signal, timeoutMs, timers } = options;
  const { promise: left, resolve: leave } = Promise.withResolvers<DialOutcome>();
  const onTimeout = () => {
    const message =
      `${action} failed: no link within ${timeoutMs} ms. Check that the peer is up and reachable`;
    leave({ ok: false, error: new PeerError("timeout", message) });
  };
  const onAbort = () => leave({ ok: false, error: abortedError(signal!, action) });
  const timer = timers.set(timeoutMs, onTimeout);
  signal?.addEventListener("abort", onAbort, { once: true });
  dial.waiters++;
  try {
    const outcome = await Promise.race([dial.outcome, left]);
    if (!outcome.ok) throw outcome.error;
    return outcome.link;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    if (--dial.waiters === 0 && !dial.isOver) dial.controller.abort();
  }
}

/** The failure that stands for an opening that came to nothing. */
export function openingError(reason: LinkFailure, address: Address): PeerError {
  const where = addressText(address);
  switch (reason) {
    case "wrong_peer":
      return new PeerError(
        "wrong_peer",
        `Connecting to ${where} failed: another peer than the expected one answered. ` +
          "Ask for its present address, or connect without expecting anybody",
      );
    case "connect_self":
      return new PeerError(
        "connect_self",
        `Connecting to ${where} failed: the address leads back to this peer. Choose another peer's address`,
      );
    case "aborted":
      return new PeerError("aborted", `Connecting to ${where} was ended by the caller's signal`);
    default:
      return new PeerError("connect_failed", `Connecting to ${where} failed: ${failureText(reason)}`);
  }
}

/** The failure that stands for a link that the other end did not keep. */
export function turnedAway(reason: CloseReason, address: Address): PeerError {
  const where = addressText(address);
  if (reason === "too_many") {
    const message = `Connecting to ${where} failed: that peer has as many links as it may. Try another peer`;
    return new PeerError("link_refused", message);
  }
  const message = `Connecting to ${where} failed: the link ended before it stood (${reason}). Try again`;
  return new PeerError("connect_failed", message);
}

function failed(error: unknown): DialOutcome {
  if (error instanceof PeerError) return { ok: false, error };
  return { ok: false, error: new PeerError("connect_failed", messageOf(error), { cause: error }) };
}

/** What is wrong and what to do, for a reason that is nobody's choice. */
function failureText(reason: LinkFailure): string {
  switch (reason) {
    case "too_slow":
      return "the handshake took too long. Try again";
    case "broken":
      return "the stream ended during the handshake. That peer may be full; try again later";
    case "unknown_version":
      return "what listens there is no peer, or one of another version";
    case "bad_proof":
      return "what answered could not prove its identity";
    case "duplicate":
      return "there is a link to that peer already";
    default:
      return "what answered did not hold a valid handshake. Check that a peer listens there";
  }
}

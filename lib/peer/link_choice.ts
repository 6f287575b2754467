/**
 * Which of two links between the same two peers stands. Both ends decide alike without asking: of two
 * dialled at once from both ends, the one that the peer with the lower identity key dialled.
 *
 * A dialler gives up by itself when it has a link to who answers. So if the other end dials although we
 * have a link, either both dialled at once, or it has lost what we still take for a link.
 */

import { equalBytes } from "../base/bytes.ts";
import { simultaneousDialMsMax } from "./limits.ts";

/** What the choice looks at. */
export interface LinkCandidate {
  /** Whether this end dialled. */
  readonly dialled: boolean;
  /** When its handshake ended, on the monotonic clock. */
  readonly openedMs: number;
  /** The other end's static key, new each time that peer is opened. */
  readonly peerStatic: Uint8Array;
}

/** Whether the link we have stays and the newer one goes. `isLower`: our identity key is the lower one. */
export function keepsExisting(existing: LinkCandidate, newer: LinkCandidate, isLower: boolean): boolean {
  if (!equalBytes(existing.peerStatic, newer.peerStatic)) return false; // the other peer was started anew
  if (existing.dialled === newer.dialled) return false;
  const isSimultaneous = newer.openedMs - existing.openedMs < simultaneousDialMsMax;
  return isSimultaneous && existing.dialled === isLower;
}

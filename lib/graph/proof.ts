/** What ends of a channel show each other before they take part: why they may, or why one of them no longer may. */

import { equalBytes } from "../base/bytes.ts";
import { type Item, ItemKind } from "../records/item.ts";
import { proofMessageBytes } from "./limits.ts";
import type { GraphPolicy } from "./policy.ts";

/**
 * Who we are, or that we have left; and who, as far as we know, the other end is: it may have lost its own
 * admission. By id.
 */
export function proofFor(policy: GraphPolicy, self: Uint8Array, peer: Uint8Array): Map<string, Uint8Array> {
  const reasons = policy.mayConnect(self) ? [] : policy.reasonsAgainst(self);
  const own = isEnded(reasons) ? reasons : [];
  const items = [...policy.proofOf(self), ...own, ...policy.proofOf(peer)];
  return new Map(items.map((item) => [item.id, item.bytes]));
}

/** Whether a removal or leave is among the reasons; if not, an admission came too late. */
export function isEnded(reasons: readonly Item[]): boolean {
  return reasons.length === 0 ||
    reasons.some(({ body }) => body.kind === ItemKind.removal || body.kind === ItemKind.leave);
}

/** Whether an item makes this lineage a member, if it stands. */
export function isStandingOf({ body }: Item, lineage: Uint8Array): boolean {
  if (body.kind === ItemKind.credential) return equalBytes(body.subject, lineage);
  return body.kind === ItemKind.admission && equalBytes(body.statement.joiner, lineage);
}

/** As many of these, first to last, as fit one message. */
export function fitting(items: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0;
  return items.filter((item) => (bytes += item.length + itemHeadBytes) <= proofMessageBytes);
}

/** The longest head of an item in a message. */
const itemHeadBytes = 8;

/**
 * Rank: the order in which the reference model judges authority. It depends on a credential's ancestors alone,
 * so that it is known before anything is judged.
 */

import type { Signed } from "./items.ts";

/** What gives its subject a standing: the founding item, a named credential or an admission. */
export interface Credential {
  readonly item: Signed;
  readonly subject: string;
  readonly roles: number;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  readonly depth: number;
  /** The parent of lower rank; null for the founding item. */
  readonly lowerParent: Credential | null;
}

/** Every credential with its place in the order of ranks, which depends on its ancestors alone. */
export function rankCredentials(
  signed: ReadonlyMap<string, Signed>,
  resolved: ReadonlySet<string>,
  groupId: string | null,
): Map<string, Credential> {
  const credentials = new Map<string, Credential>();
  const founding = groupId === null ? undefined : signed.get(groupId);
  if (founding?.body.kind !== "founding") return credentials;
  const unlimited = { notBefore: null, notAfter: null };
  const { author: subject, hash } = founding;
  credentials.set(hash, { item: founding, subject, roles: 0, ...unlimited, depth: 0, lowerParent: null });

  for (let before = -1; before !== credentials.size;) {
    before = credentials.size;
    for (const item of signed.values()) {
      const parent = credentials.get(item.credential ?? "");
      if (!parent || !resolved.has(item.hash) || credentials.has(item.hash)) continue;
      // Parents: "of a named credential its issuer; of an admission the invitation's issuer and the witness".
      if (item.body.kind === "credential") {
        credentials.set(item.hash, { ...item.body, item, depth: parent.depth + 1, lowerParent: parent });
      } else if (item.body.kind === "admission") {
        const invitation = signed.get(item.body.invitation);
        const inviter = credentials.get(invitation?.credential ?? "");
        if (!inviter || invitation?.body.kind !== "invitation") continue;
        const lowerParent = ranksAbove(inviter, parent) ? parent : inviter;
        const depth = lowerParent.depth + 1;
        const { roles } = invitation.body;
        const subject = item.body.joiner;
        credentials.set(item.hash, { item, subject, roles, ...unlimited, depth, lowerParent });
      }
    }
  }
  return credentials;
}

/** Whether `a` is of "strictly higher rank" than `b`. */
export function ranksAbove(a: Credential, b: Credential): boolean {
  return compareRank(a, b) < 0;
}

/**
 * Higher rank first: "shorter path from the root first, then the rank of the lower parent, then the
 * (writer, seq) of the item that made it, then hash", the smaller of each being the higher.
 */
export function compareRank(a: Credential, b: Credential): number {
  if (a.depth !== b.depth) return a.depth - b.depth;
  const parents = a.lowerParent && b.lowerParent ? compareRank(a.lowerParent, b.lowerParent) : 0;
  return parents || compareText(a.item.writer, b.item.writer) || a.item.seq - b.item.seq ||
    compareText(a.item.hash, b.item.hash);
}

/** The order of hashes, lineages and writers. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

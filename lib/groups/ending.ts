/** Removing and leaving: the items to write, with the complete list of what stays (protocol §6). */

import { equalBytes, hex } from "../base/bytes.ts";
import { PeerError } from "../base/errors.ts";
import type { Crypto } from "../base/ports.ts";
import { type AuthorityBody, isData, type Item, ItemKind, type ListItem } from "../records/item.ts";
import { createList } from "../records/item_codec.ts";
import type { ItemSet } from "../records/item_set.ts";
import { aheadMsMax, listPartHashesMax, listPartsMax, removalClosesMax } from "../records/limits.ts";
import type { GroupPolicy } from "./group_policy.ts";

/** Authority items to write, and the lists that they name. */
export interface Ending {
  readonly bodies: readonly AuthorityBody[];
  readonly lists: readonly ListItem[];
}

/** What removes a lineage. Items made at or after `undoSince` do not stay. */
export function removalOf(
  crypto: Crypto,
  policy: GroupPolicy,
  set: ItemSet,
  subject: Uint8Array,
  undoSince: number | null,
): Ending {
  const lineage = hex(subject);
  const closes = invitationsKnownTo(policy, set, subject);
  const begun = policy.standings(lineage).reduce(
    (first, { item }) => Math.min(first, item.head.at),
    Infinity,
  );
  // Times are the author's own word. One before its admission is a lie, and does not save the item.
  const isOver = (item: Item): boolean =>
    undoSince !== null && item.head !== null &&
    (item.head.at >= undoSince || item.head.at < begun - aheadMsMax);
  const stays = itemsOf(policy, set, lineage).filter((item) => !isOver(item));
  const closed = new Set(closes.map(hex));
  for (const item of stays) {
    if (item.body.kind === ItemKind.invitation) closed.add(item.id);
  }
  const standing = [...policy.items()].filter(({ body }) =>
    body.kind === ItemKind.admission && closed.has(hex(body.statement.invitation))
  );
  const lists = listOf(crypto, [...stays, ...standing], "; give `undoSince`, so that later ones do not stay");
  const list = lists[0]!.hash;
  const bodies: AuthorityBody[] = [];
  for (let i = 0; i === 0 || i < closes.length; i += removalClosesMax) {
    bodies.push({ kind: ItemKind.removal, subject, list, closes: closes.slice(i, i + removalClosesMax) });
  }
  return { bodies, lists };
}

/**
 * Every invitation that an admission proves the subject to know, whether the admission stands or not: who was
 * one joiner too many knows the bearer's seed all the same, and could let others in by it. The bearer's own
 * signature is the proof; an admission by any other key proves nothing and closes nothing.
 */
function invitationsKnownTo(policy: GroupPolicy, set: ItemSet, subject: Uint8Array): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const { item: { body } } of set.entries()) {
    if (body.kind !== ItemKind.admission || !equalBytes(body.statement.joiner, subject)) continue;
    const invitation = policy.item(hex(body.statement.invitation));
    if (invitation?.body.kind !== ItemKind.invitation) continue;
    if (equalBytes(invitation.body.bearer, body.statement.bearer)) found.set(invitation.id, invitation.hash);
  }
  return [...found.values()];
}

/** What lets a lineage leave: everything it wrote stays. */
export function leaveOf(crypto: Crypto, policy: GroupPolicy, set: ItemSet, self: Uint8Array): Ending {
  const lists = listOf(crypto, itemsOf(policy, set, hex(self)));
  return { bodies: [{ kind: ItemKind.leave, list: lists[0]!.hash }], lists };
}

/** All items of a lineage that stand, or are superseded only: void ones are not brought back. */
function itemsOf(policy: GroupPolicy, set: ItemSet, lineage: string): Item[] {
  const items: Item[] = [];
  for (const { item, place } of set.entries()) {
    if (item.head === null || hex(item.head.author) !== lineage) continue;
    if (isData(item) ? policy.judge(item) === "in" : place === "in") items.push(item);
  }
  return items;
}

/** The list, or a failure that the caller can act on: receivers take no longer one. */
function listOf(crypto: Crypto, items: readonly Item[], wayOut = ""): readonly ListItem[] {
  const hashes = unique(items);
  const most = listPartsMax * listPartHashesMax;
  if (hashes.length <= most) return createList(crypto, hashes);
  throw new PeerError(
    "too_many",
    `Cannot end this membership: ${hashes.length} items would stay, ${most} at most${wayOut}`,
  );
}

function unique(items: readonly Item[]): Uint8Array[] {
  return [...new Map(items.map((item) => [item.id, item.hash])).values()];
}

/**
 * Who may do what in a group: one pass over its authority items from the highest rank down
 * (protocol §6). Whatever voids an item stands under a credential of strictly higher rank than the
 * one that loses (leaving apart), so when a credential's turn comes, everything that can count
 * against it has been judged. There is always exactly one answer, in any order of arrival.
 */

import { compareBytes, hex } from "../base/bytes.ts";
import {
  type AdmissionBody,
  type AuthorityItem,
  type CredentialBody,
  type FoundingBody,
  type InvitationBody,
  ItemKind,
  type LeaveBody,
  type RemovalBody,
  type SignedItem,
} from "../records/item.ts";
import { listPartsMax } from "../records/limits.ts";
import type { Judgement } from "../records/policy.ts";
import { leavesMax } from "./limits.ts";
import type { Lists } from "./lists.ts";
import { depthOf, lowerRank, outranks, rankBelow } from "./rank.ts";
import { isAllowed, mayGive, RoleBit } from "./roles.ts";

/** A credential that is in the set: who holds it, its rank, and what counts against it. */
export interface Standing {
  /** Hash of the item that made it, in hex. */
  readonly id: string;
  readonly item: AuthorityItem;
  /** Who holds it, in hex. */
  readonly lineage: string;
  readonly roles: number;
  readonly rank: string;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** Removals and leaves in force against it; none: it is live. */
  readonly against: readonly Ending[];
  /** What stays by all of these, and by the removals alone: each list once, however many endings name it. */
  readonly stays: readonly ReadonlySet<string>[];
  readonly staysByRemovals: readonly ReadonlySet<string>[];
}

/** A removal or leave in force, with what it lets stand. */
export interface Ending {
  readonly id: string;
  readonly item: SignedItem<RemovalBody> | SignedItem<LeaveBody>;
  /** Rank of the credential it is made under. */
  readonly rank: string;
  /** The lineage it ends, in hex. */
  readonly subject: string;
  readonly stays: ReadonlySet<string>;
}

/** What a group's authority items come to. */
export interface Authority {
  readonly founding: SignedItem<FoundingBody> | null;
  /** By hash in hex. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** Removals in force. */
  readonly removals: readonly Ending[];
  /** By hash in hex, for every authority item and list that was given. */
  readonly judgements: ReadonlyMap<string, Judgement>;
}

/** Judges a group's authority items and lists. */
export function judgeAuthority(
  group: string,
  items: ReadonlyMap<string, AuthorityItem>,
  lists: Lists,
): Authority {
  return new Pass(group, items, lists).run();
}

/** Whether an item is let stand by everything that counts against the credential it is made under. */
export function staysUnder(standing: Standing, id: string): boolean {
  return standing.stays.every((list) => list.has(id));
}

interface Candidate {
  readonly rank: string;
  readonly item: SignedItem<CredentialBody> | SignedItem<AdmissionBody>;
}

class Pass {
  readonly #group: string;
  readonly #items: ReadonlyMap<string, AuthorityItem>;
  readonly #lists: Lists;
  readonly #under = new Map<string, AuthorityItem[]>();
  readonly #admissionsOn = new Map<string, SignedItem<AdmissionBody>[]>();
  readonly #judgements = new Map<string, Judgement>();
  readonly #standings = new Map<string, Standing>();
  readonly #removals: Ending[] = [];
  /** Leaves by the lineage that left. */
  readonly #leaves = new Map<string, Ending[]>();
  /** Leaves that would count, beyond those that do. */
  readonly #surplus = new Set<string>();
  readonly #joiners = new Map<string, Set<string>>();
  readonly #fallen = new Set<string>();
  readonly #candidates = new CandidateHeap();

  constructor(
    group: string,
    items: ReadonlyMap<string, AuthorityItem>,
    lists: Lists,
  ) {
    this.#group = group;
    this.#items = items;
    this.#lists = lists;
    lists.beginPass();
    for (const item of items.values()) {
      if (item.head.credential === null) continue;
      this.#under.getOrInsertComputed(hex(item.head.credential), () => []).push(item);
      if (isAdmission(item)) {
        const invitation = hex(item.body.statement.invitation);
        this.#admissionsOn.getOrInsertComputed(invitation, () => []).push(item);
      }
    }
  }

  run(): Authority {
    const founding = this.#founding();
    if (founding !== null) {
      this.#judgements.set(founding.id, "in");
      for (const item of this.#under.get(this.#group) ?? []) this.#judgeRoot(founding, item);
      for (let next = this.#candidates.pop(); next !== null; next = this.#candidates.pop()) {
        this.#judgeCandidate(next, founding.body.properties.depthMax);
      }
    }
    this.#judgeRest();
    this.#judgeLists();
    return {
      founding,
      standings: this.#standings,
      removals: this.#removals,
      judgements: this.#judgements,
    };
  }

  #founding(): SignedItem<FoundingBody> | null {
    const item = this.#items.get(this.#group);
    return item?.body.kind === ItemKind.founding ? item as SignedItem<FoundingBody> : null;
  }

  /** What the group key signed: only the creator's own credential stands. */
  #judgeRoot(founding: SignedItem<FoundingBody>, item: AuthorityItem): void {
    const stands = isCredential(item) && item.body.roles === RoleBit.creator &&
      hex(item.head.author) === hex(founding.head.author) &&
      hex(item.body.subject) === hex(founding.body.creator);
    if (!stands) return;
    this.#judgements.set(item.id, "in");
    this.#candidates.push({ rank: rankBelow(null, item), item });
  }

  /** A credential's turn: everything of higher rank has been judged. */
  #judgeCandidate({ rank, item }: Candidate, depthMax: number): void {
    if (depthOf(rank) > depthMax || (isAdmission(item) && !this.#admits(item, rank))) {
      this.#judgements.set(item.id, "void");
      return;
    }
    this.#judgements.set(item.id, "in");
    const standing = this.#stand(item, rank);
    this.#standings.set(standing.id, standing);
    for (const made of this.#under.get(standing.id) ?? []) this.#judgeMade(made, standing);
    for (const made of this.#under.get(standing.id) ?? []) this.#offer(made);
  }

  /** Closings and the count of joiners: the two things that end an admission whose parents stand. */
  #admits(item: SignedItem<AdmissionBody>, rank: string): boolean {
    const invitation = this.#invitationOf(item)!;
    const issuer = this.#standings.get(hex(invitation.head.credential!))!;
    for (const removal of this.#removals) {
      if (!outranks(removal.rank, rank) || removal.stays.has(item.id)) continue;
      const closes = removal.item.body.kind === ItemKind.removal ? removal.item.body.closes : [];
      if (closes.some((hash) => hex(hash) === invitation.id)) return false;
      if (removal.subject === issuer.lineage && outranks(removal.rank, issuer.rank)) return false;
    }
    const joiners = this.#joiners.getOrInsertComputed(invitation.id, () => new Set());
    const joiner = hex(item.body.statement.joiner);
    if (!joiners.has(joiner) && joiners.size >= invitation.body.joinersMax) return false;
    joiners.add(joiner);
    return true;
  }

  #stand(item: SignedItem<CredentialBody> | SignedItem<AdmissionBody>, rank: string): Standing {
    const holder = isAdmission(item)
      ? {
        lineage: hex(item.body.statement.joiner),
        roles: this.#invitationOf(item)!.body.roles,
        notBefore: null,
        notAfter: null,
      }
      : {
        lineage: hex(item.body.subject),
        roles: item.body.roles,
        notBefore: item.body.notBefore,
        notAfter: item.body.notAfter,
      };
    const removals = this.#removals.filter((removal) =>
      removal.subject === holder.lineage && outranks(removal.rank, rank)
    );
    const earlierLeaves = (this.#leaves.get(holder.lineage) ?? []).filter((leave) =>
      outranks(leave.rank, rank)
    );
    const staysByRemovals = listsOf(removals);
    const ownLeaves = this.#leavesUnder({ id: item.id, lineage: holder.lineage, rank, staysByRemovals });
    const against = [...removals, ...earlierLeaves, ...ownLeaves];
    return { id: item.id, item, ...holder, rank, against, stays: listsOf(against), staysByRemovals };
  }

  /**
   * Leaves made under a credential: they count against it too, and only removals void them. Of several those of
   * the lowest hashes count, as many as may, with lists (each once) that together are no longer than one may be.
   */
  #leavesUnder(credential: Pick<Standing, "id" | "lineage" | "rank" | "staysByRemovals">): Ending[] {
    const leaves: Ending[] = [];
    const made = (this.#under.get(credential.id) ?? []).filter(isLeave)
      .filter((item) => hex(item.head.author) === credential.lineage)
      .filter((item) => credential.staysByRemovals.every((list) => list.has(item.id)))
      .sort((a, b) => compareBytes(a.hash, b.hash));
    const lists = new Set<string>();
    let partsLeft = listPartsMax;
    for (const item of made) {
      const parts = this.#lists.parts(item.body.list);
      if (parts === null) continue;
      const list = hex(item.body.list);
      const more = lists.has(list) ? 0 : parts.length;
      if (leaves.length === leavesMax || more > partsLeft) {
        this.#surplus.add(item.id);
        continue;
      }
      lists.add(list);
      partsLeft -= more;
      const stays = this.#lists.hashes(item.body.list)!;
      const leave = { id: item.id, item, rank: credential.rank, subject: credential.lineage, stays };
      leaves.push(leave);
      this.#leaves.getOrInsertComputed(credential.lineage, () => []).push(leave);
    }
    return leaves;
  }

  /** Judges what was made under a standing credential, as far as the item itself and that credential go. */
  #judgeMade(item: AuthorityItem, standing: Standing): void {
    if ((isRemoval(item) || isLeave(item)) && this.#lists.parts(item.body.list) === null) {
      this.#judgements.set(item.id, "wait");
      return;
    }
    const lists = isLeave(item) ? standing.staysByRemovals : standing.stays;
    const stands = hex(item.head.author) === standing.lineage && this.#mayMake(item, standing) &&
      !this.#surplus.has(item.id) && lists.every((stays) => stays.has(item.id));
    if (isAdmission(item)) {
      // One that stands so far still needs its invitation, and its turn.
      if (!stands) this.#fallen.add(item.id);
      return;
    }
    this.#judgements.set(item.id, stands ? "in" : "void");
    if (!stands || !isRemoval(item)) return;
    const subject = hex(item.body.subject);
    const stays = this.#lists.hashes(item.body.list)!;
    this.#removals.push({ id: item.id, item, rank: standing.rank, subject, stays });
  }

  #mayMake(item: AuthorityItem, standing: Standing): boolean {
    const { body, head } = item;
    switch (body.kind) {
      case ItemKind.credential:
        return mayGive(standing.roles, body.roles) && isValidAt(standing, head.at);
      case ItemKind.invitation:
        return mayGive(standing.roles, body.roles) && isValidAt(standing, head.at);
      case ItemKind.admission:
        return isAllowed(standing.roles, "witness") && isValidAt(standing, head.at);
      case ItemKind.removal:
        return isAllowed(standing.roles, "remove");
      case ItemKind.leave:
        return isAllowed(standing.roles, "leave");
      case ItemKind.founding:
        return false;
    }
  }

  /** Offers the credentials that `item` completes: itself, or admissions that waited for this parent. */
  #offer(item: AuthorityItem): void {
    if (isCredential(item) && this.#judgements.get(item.id) === "in") {
      const parent = this.#standings.get(hex(item.head.credential!))!;
      this.#candidates.push({ rank: rankBelow(parent.rank, item), item });
    } else if (isAdmission(item)) {
      this.#offerAdmission(item);
    } else if (isInvitation(item) && this.#judgements.get(item.id) === "in") {
      for (const admission of this.#admissionsOn.get(item.id) ?? []) {
        // One made under the invitation's own credential is offered by its own turn in the loop.
        if (hex(admission.head.credential!) !== hex(item.head.credential!)) this.#offerAdmission(admission);
      }
    }
  }

  #offerAdmission(item: SignedItem<AdmissionBody>): void {
    const witness = item.head.credential === null
      ? undefined
      : this.#standings.get(hex(item.head.credential));
    const invitation = this.#invitationOf(item);
    if (witness === undefined || this.#fallen.has(item.id)) return;
    if (invitation === null || this.#judgements.get(invitation.id) !== "in") return;
    const issuer = this.#standings.get(hex(invitation.head.credential!))!;
    const fits = item.head.at <= invitation.body.expires &&
      hex(item.body.statement.bearer) === hex(invitation.body.bearer) &&
      hex(item.body.statement.joiner) !== hex(this.#founding()!.head.author);
    if (!fits) this.#judgements.set(item.id, "void");
    else this.#candidates.push({ rank: rankBelow(lowerRank(witness.rank, issuer.rank), item), item });
  }

  #invitationOf(item: SignedItem<AdmissionBody>): SignedItem<InvitationBody> | null {
    const invitation = this.#items.get(hex(item.body.statement.invitation));
    return invitation !== undefined && isInvitation(invitation) ? invitation : null;
  }

  /**
   * Items that no standing credential led to: they wait for what they name, or are void with it. From
   * what waits downwards and without recursion: the chains that strangers make may be long.
   */
  #judgeRest(): void {
    const waiting = [...this.#items.values()].filter((item) => this.#waits(item));
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      this.#judgements.set(item.id, "wait");
      for (const naming of [this.#under.get(item.id), this.#admissionsOn.get(item.id)]) {
        // One by one: as arguments of one call, as many as strangers can make overflow the stack.
        for (const other of naming ?? []) if (!this.#judgements.has(other.id)) waiting.push(other);
      }
    }
    for (const id of this.#items.keys()) {
      if (!this.#judgements.has(id)) this.#judgements.set(id, "void");
    }
  }

  /** Whether something that an item names is not here, or the item was found to wait before. */
  #waits(item: AuthorityItem): boolean {
    const judged = this.#judgements.get(item.id);
    if (judged !== undefined) return judged === "wait";
    const named = item.head.credential === null ? [] : [hex(item.head.credential)];
    if (isAdmission(item)) named.push(hex(item.body.statement.invitation));
    if (named.some((id) => !this.#items.has(id))) return true;
    return (isRemoval(item) || isLeave(item)) && this.#lists.parts(item.body.list) === null;
  }

  #judgeLists(): void {
    for (const list of this.#lists.ids()) this.#judgements.set(list, "wait");
    for (const item of this.#items.values()) {
      if ((!isRemoval(item) && !isLeave(item)) || this.#judgements.get(item.id) !== "in") continue;
      for (const part of this.#lists.parts(item.body.list) ?? []) this.#judgements.set(part.id, "in");
    }
  }
}

/** Candidates by rank, highest first. */
class CandidateHeap {
  readonly #heap: Candidate[] = [];

  push(candidate: Candidate): void {
    const heap = this.#heap;
    let child = heap.push(candidate) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent]!.rank <= heap[child]!.rank) return;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      child = parent;
    }
  }

  pop(): Candidate | null {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return null;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let parent = 0;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) return top;
      if (child + 1 < heap.length && heap[child + 1]!.rank < heap[child]!.rank) child++;
      if (heap[parent]!.rank <= heap[child]!.rank) return top;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      parent = child;
    }
  }
}

function listsOf(endings: readonly Ending[]): readonly ReadonlySet<string>[] {
  return [...new Set(endings.map(({ stays }) => stays))];
}

function isValidAt(standing: Standing, at: number): boolean {
  return (standing.notBefore === null || at >= standing.notBefore) &&
    (standing.notAfter === null || at <= standing.notAfter);
}

function isCredential(item: AuthorityItem): item is SignedItem<CredentialBody> {
  return item.body.kind === ItemKind.credential;
}

function isInvitation(item: AuthorityItem): item is SignedItem<InvitationBody> {
  return item.body.kind === ItemKind.invitation;
}

function isAdmission(item: AuthorityItem): item is SignedItem<AdmissionBody> {
  return item.body.kind === ItemKind.admission;
}

function isRemoval(item: AuthorityItem): item is SignedItem<RemovalBody> {
  return item.body.kind === ItemKind.removal;
}

function isLeave(item: AuthorityItem): item is SignedItem<LeaveBody> {
  return item.body.kind === ItemKind.leave;
}

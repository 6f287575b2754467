/**
 * A member is removed and goes on making items: of any kind, under its old credentials, back-dated or
 * not, with accomplices as joiners and with honest witnesses who have not heard of the removal.
 */

import { hex } from "../../lib/base/bytes.ts";
import { below, pick, type SeededRandom, shuffled } from "../../lib/base/random.ts";
import type { GroupPolicy } from "../../lib/groups/group_policy.ts";
import type { Standing } from "../../lib/groups/authority.ts";
import { lowerRank, outranks, rankBelow } from "../../lib/groups/rank.ts";
import { isAllowed } from "../../lib/groups/roles.ts";
import type { Entry } from "../../lib/records/entry.ts";
import { type InvitationBody, type Item, ItemKind, type SignedItem } from "../../lib/records/item.ts";
import {
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeInvitation,
  fakeItem,
  fakeList,
  type Party,
  partyOf,
} from "../fixtures/items.ts";
import { createReplica, type Replica, replicaOf } from "./algebra.ts";
import { groupKey, type History, judgedAt, lineages, type StepKind, strangers } from "./histories.ts";

/** A history with a removal in it, and what the removed one makes afterwards. */
export interface Expulsion {
  readonly group: Uint8Array;
  /** All that others made, and the removed one before its removal. */
  readonly before: readonly Item[];
  /** What the removed one and its accomplices make. */
  readonly attack: readonly Item[];
  /** How many of the attack's items are by the removed one, its joiners and unaware members. */
  readonly counts: { readonly own: number; readonly joiners: number; readonly unaware: number };
}

type Invitation = SignedItem<InvitationBody>;

/** Removes a random member of the history, or `null` if nobody can be removed for good. */
export function expel(history: History): Expulsion | null {
  const { random } = history;
  const group = history.group!;
  const seen = replicaOf(group, history.items);
  const policy = seen.policy!;
  const candidates = [...policy.members().values()].filter(({ lineage }) => lineage !== hex(lineages[0]!));
  if (candidates.length === 0) return null;
  const subject = pick(random, candidates).lineage;
  const held = policy.standings(subject);
  const removers = [...policy.members().values()].map(({ standing }) => standing).filter((standing) =>
    isAllowed(standing.roles, "remove") && held.every(({ rank }) => outranks(standing.rank, rank))
  );
  if (removers.length === 0) return null;
  const remover = pick(random, removers);
  const known = knownInvitations(history, subject);
  history.items.push(...removal(random, seen, remover, subject, known));
  const before = [...history.items];
  const after = replicaOf(group, before);
  // Already voided by somebody else's list: then this is no case.
  if (after.set.entry(before.at(-2)!.id)?.place !== "in") return null;
  const attacker = new Attacker(history, after.policy!, remover, subject, known);
  return { group, before, ...attacker.attack(1 + below(random, 8)) };
}

/** Members and shown records with the attack, its items coming in between all others. */
export function withAttack({ group, before, attack }: Expulsion, random: SeededRandom): Replica {
  const removed = before.slice(-2);
  const replica = createReplica(group);
  // The peer holds the removal: that and its list are there before anything of the attack.
  for (const item of [...removed, ...shuffled(random, [...before.slice(0, -2), ...attack])]) {
    replica.set.add([item], judgedAt);
  }
  return replica;
}

/** Invitations whose bearer key somebody knows: its own, and those it was, or tried to be, admitted by. */
function knownInvitations(history: History, subject: string): { own: Invitation[]; cameBy: Invitation[] } {
  const used = new Set(
    history.credentials.flatMap(({ body }) =>
      body.kind === ItemKind.admission && hex(body.statement.joiner) === subject
        ? [hex(body.statement.invitation)]
        : []
    ),
  );
  const own = history.invitations.filter(({ head }) => hex(head.author) === subject);
  const cameBy = history.invitations.filter(({ id, head }) => used.has(id) && hex(head.author) !== subject);
  return { own, cameBy };
}

/** A removal as an honest peer makes it: what it has seen stays, or some of it; the ways in are closed. */
function removal(
  random: SeededRandom,
  seen: Replica,
  remover: Standing,
  subject: string,
  known: { own: Invitation[]; cameBy: Invitation[] },
): Item[] {
  const closed = new Set([...known.own, ...known.cameBy].map(({ id }) => id));
  const isUndone = below(random, 3) === 0;
  const isOwn = ({ item }: Entry) => item.head !== null && hex(item.head.author) === subject;
  const isAdmitted = ({ item, place }: Entry) =>
    place === "in" && item.body.kind === ItemKind.admission &&
    closed.has(hex(item.body.statement.invitation));
  const stays = [...seen.set.entries()]
    .filter((entry) => entry.place !== "aside" && (isOwn(entry) || isAdmitted(entry)))
    .filter(() => !isUndone || below(random, 2) === 0)
    .map(({ item }) => item.hash);
  const list = fakeList(stays, null, random.bytes(32));
  const closes = known.cameBy.map(({ hash }) => hash);
  const body = { kind: ItemKind.removal, subject: Uint8Array.fromHex(subject), list: list.hash, closes };
  const by = { author: Uint8Array.fromHex(remover.lineage), credential: Uint8Array.fromHex(remover.id) };
  return [fakeItem(by, body, headOf(random)), list];
}

function headOf(random: SeededRandom) {
  return {
    hash: random.bytes(32),
    writer: new Uint8Array(8).fill(below(random, 3)),
    seq: 1 + below(random, 4),
    at: fakeAt + below(random, 100) * 1000,
  };
}

const stepsOfMembers: readonly StepKind[] = [
  "credential",
  "invitation",
  "removal",
  "leave",
  "version",
  "delete",
  "extension",
  "stray list",
];

class Attacker {
  readonly #history: History;
  readonly #random: SeededRandom;
  readonly #policy: GroupPolicy;
  readonly #remover: Standing;
  readonly #subject: string;
  readonly #known: { own: Invitation[]; cameBy: Invitation[] };
  readonly #own: Party[];
  readonly #joiners: Party[] = [];
  readonly #counts = { own: 0, joiners: 0, unaware: 0 };

  constructor(
    history: History,
    policy: GroupPolicy,
    remover: Standing,
    subject: string,
    known: { own: Invitation[]; cameBy: Invitation[] },
  ) {
    this.#history = history;
    this.#random = history.random;
    this.#policy = policy;
    this.#remover = remover;
    this.#subject = subject;
    this.#known = { own: [...known.own], cameBy: known.cameBy };
    this.#own = history.credentials.map(partyOf).filter(({ author }) => hex(author) === subject);
  }

  attack(count: number): Pick<Expulsion, "attack" | "counts"> {
    const start = this.#history.items.length;
    for (let i = 0; i < count; i++) {
      const choice = below(this.#random, 4);
      if (choice === 0) this.#admitByOwn();
      else if (choice === 1) this.#admitByUnaware();
      else if (choice === 2 && below(this.#random, 3) === 0) this.#reissueByUnaware();
      else this.#make();
    }
    return { attack: this.#history.items.slice(start), counts: this.#counts };
  }

  /** Any item by the removed one under an old credential, or by a joiner under its admission. */
  #make(): void {
    const isJoiner = this.#joiners.length > 0 && below(this.#random, 2) === 0;
    const by = pick(this.#random, isJoiner ? this.#joiners : this.#own);
    const kind = pick(this.#random, stepsOfMembers);
    this.#counts[isJoiner ? "joiners" : "own"]++;
    if (kind !== "invitation") return this.#history.step(kind, by);
    const bearer = this.#random.bytes(32);
    const item = fakeInvitation(by, { ...headOf(this.#random), roles: 10, joinersMax: 2, bearer });
    this.#known.own.push(item);
    this.#history.items.push(item);
  }

  #admitByOwn(): void {
    const invitations = [...this.#known.own, ...this.#known.cameBy];
    if (invitations.length === 0) return this.#make();
    this.#counts.own++;
    const witness = pick(this.#random, [...this.#own, ...this.#joiners]);
    this.#admit(witness, pick(this.#random, invitations));
  }

  /**
   * An honest member who has not heard of the removal witnesses an accomplice.
   *
   * Left out is the residual that protocol.md names: on an invitation that the removed one came by
   * (somebody else's, which the removal closes by name), an admission that ranks above the removal.
   * Such a witness is a senior of the remover's; its own peer answers with a close.
   */
  #admitByUnaware(): void {
    const invitations = [...this.#known.own, ...this.#known.cameBy];
    if (invitations.length === 0) return this.#make();
    const invitation = pick(this.#random, invitations);
    const member = pick(this.#random, [...this.#policy.members().values()]).standing;
    const issuer = this.#standing(invitation.head.credential!);
    const lower = issuer === null ? member.rank : lowerRank(issuer.rank, member.rank);
    const item = this.#admission(partyOfStanding(member), invitation);
    const isResidual = !outranks(this.#remover.rank, rankBelow(lower, item));
    if (isResidual && this.#known.cameBy.includes(invitation)) return;
    this.#counts.unaware++;
    this.#history.items.push(item);
    this.#joiners.push(partyOf(item));
  }

  /** A junior of the remover's gives the removed one a new credential: it ranks below the removal. */
  #reissueByUnaware(): void {
    const givers = [...this.#policy.members().values()].map(({ standing }) => standing)
      .filter((standing) =>
        isAllowed(standing.roles, "invite") && outranks(this.#remover.rank, standing.rank)
      );
    if (givers.length === 0) return this.#make();
    const subject = Uint8Array.fromHex(this.#subject);
    const item = fakeCredential(
      partyOfStanding(pick(this.#random, givers)),
      subject,
      10,
      headOf(this.#random),
    );
    this.#counts.unaware++;
    this.#history.items.push(item);
    this.#own.push(partyOf(item));
  }

  #admit(witness: Party, invitation: Invitation): void {
    const item = this.#admission(witness, invitation);
    this.#history.items.push(item);
    this.#joiners.push(partyOf(item));
  }

  #admission(witness: Party, invitation: Invitation): ReturnType<typeof fakeAdmission> {
    const joiner = below(this.#random, 6) === 0
      ? Uint8Array.fromHex(this.#subject)
      : pick(this.#random, [...strangers, groupKey]);
    return fakeAdmission(witness, invitation, joiner, headOf(this.#random));
  }

  #standing(credential: Uint8Array): Standing | null {
    const id = hex(credential);
    const made = this.#history.credentials.find((item) => item.id === id);
    if (made === undefined) return null;
    return this.#policy.standings(hex(partyOf(made).author)).find((standing) => standing.id === id) ?? null;
  }
}

function partyOfStanding(standing: Standing): Party {
  return { author: Uint8Array.fromHex(standing.lineage), credential: Uint8Array.fromHex(standing.id) };
}

/** The policy of a group: its members' items stand as far as the authority items say (protocol §6). */

import { hex } from "../base/bytes.ts";
import {
  type AuthorityItem,
  type DataItem,
  type GraphProperties,
  isAuthority,
  ItemKind,
  type ListItem,
} from "../records/item.ts";
import { isWithinSpan, type Judgement, type RecordPolicy, type Rejudged } from "../records/policy.ts";
import { type Authority, type Ending, judgeAuthority, type Standing, staysUnder } from "./authority.ts";
import { Lists } from "./lists.ts";
import { outranks } from "./rank.ts";
import { isAllowed } from "./roles.ts";

/** Someone who holds a live credential. */
export interface MemberStanding {
  /** First key of the key chain, in hex. */
  readonly lineage: string;
  /** Roles of all live credentials together. */
  readonly roles: number;
  /** The live credential of highest rank. */
  readonly standing: Standing;
}

/** Judges the items of one group. */
export class GroupPolicy implements RecordPolicy {
  readonly #group: string;
  readonly #items = new Map<string, AuthorityItem>();
  readonly #lists = new Lists();
  #authority: Authority;
  #members: ReadonlyMap<string, MemberStanding> = new Map();

  /** The policy of the group with this id (32 bytes). */
  constructor(groupId: Uint8Array) {
    this.#group = hex(groupId);
    this.#authority = judgeAuthority(this.#group, this.#items, this.#lists);
  }

  learn(items: readonly (AuthorityItem | ListItem)[]): Rejudged {
    // What surely waits changes nothing, and anybody may bring any number of such items, one at a time.
    let isNews = false;
    for (const item of items) {
      const mayCount = isAuthority(item) ? !this.#surelyWaits(item) : this.#lists.add(item);
      isNews ||= mayCount;
      if (isAuthority(item)) this.#items.set(item.id, item);
    }
    if (!isNews && !this.#lists.isCrowded) {
      return { keepers: new Set(items.map(({ id }) => id)), lineages: new Set() };
    }
    const before = this.#authority;
    this.#authority = judgeAuthority(this.#group, this.#items, this.#lists);
    this.#members = membersOf(this.#authority);
    return differences(before, this.#authority);
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.#items.delete(id);
      this.#lists.delete(id);
    }
  }

  judgeAuthority(item: AuthorityItem | ListItem): Judgement {
    return this.#authority.judgements.get(item.id) ?? "wait";
  }

  judge(item: DataItem): Judgement {
    if (item.head.credential === null) return "reject";
    if (this.properties === null) return "wait";
    if (!isWithinSpan(item, this.properties)) return "reject";
    const id = hex(item.head.credential);
    const named = this.#items.get(id);
    if (named === undefined) return this.#lists.part(id) === null ? "wait" : "reject";
    // Whoever it was made out to is another, for ever: nobody who is honest ever holds such an item.
    if (lineageOf(named) !== hex(item.head.author)) return "reject";
    const standing = this.#authority.standings.get(id);
    if (standing === undefined) return this.judgeAuthority(named) === "wait" ? "wait" : "void";
    return staysUnder(standing, item.id) ? "in" : "void";
  }

  rank(item: DataItem): string {
    return this.#standingOf(item)?.rank ?? "";
  }

  mayWrite(item: DataItem): boolean {
    const roles = this.#standingOf(item)?.roles ?? 0;
    const creator = hex(item.body.creator);
    if (hex(item.head.author) === creator) return isAllowed(roles, "writeOwn");
    // Only who may not speak for a record any more is spoken for by an admin.
    if (item.body.kind === ItemKind.extension && this.#members.has(creator)) return false;
    return isAllowed(roles, "writeOthers");
  }

  /** The member with this lineage (hex), if there is one. */
  member(lineage: string): MemberStanding | null {
    return this.#members.get(lineage) ?? null;
  }

  /** Everyone who holds a live credential, by lineage in hex. */
  members(): ReadonlyMap<string, MemberStanding> {
    return this.#members;
  }

  /** The authority item with this hash, if it is in the set. */
  item(id: string): AuthorityItem | null {
    return this.#authority.judgements.get(id) === "in" ? this.#items.get(id) ?? null : null;
  }

  /** The standing that a credential in the set gives, by its hash in hex. */
  standingAt(id: string): Standing | null {
    return this.#authority.standings.get(id) ?? null;
  }

  /** All credentials in the set that a lineage (hex) ever held, ended ones included. */
  standings(lineage: string): Standing[] {
    return [...this.#authority.standings.values()].filter((standing) => standing.lineage === lineage);
  }

  /** Lineages (hex) that an invitation in the set has admitted. */
  joinersOf(invitation: string): ReadonlySet<string> {
    const joiners = new Set<string>();
    for (const { body } of this.items()) {
      if (body.kind !== ItemKind.admission || hex(body.statement.invitation) !== invitation) continue;
      joiners.add(hex(body.statement.joiner));
    }
    return joiners;
  }

  /** Whether a removal in force closes an invitation: it admits nobody new. */
  isClosed(invitation: AuthorityItem): boolean {
    const issuer = invitation.head.credential === null
      ? undefined
      : this.#authority.standings.get(hex(invitation.head.credential));
    return this.#authority.removals.some((removal) => closes(removal, invitation, issuer));
  }

  /** All authority items in the set. */
  *items(): IterableIterator<AuthorityItem> {
    for (const item of this.#items.values()) {
      if (this.#authority.judgements.get(item.id) === "in") yield item;
    }
  }

  /**
   * What proves a standing to somebody who knows only the group's id: the items from the founding down
   * to the one that made it, each after all that it names.
   */
  chain(standing: Standing): AuthorityItem[] {
    const chain = new Map<string, AuthorityItem>();
    const follow = (id: string): void => {
      const item = this.#items.get(id);
      if (item === undefined || chain.has(id)) return;
      if (item.head.credential !== null) follow(hex(item.head.credential));
      if (item.body.kind === ItemKind.admission) follow(hex(item.body.statement.invitation));
      chain.set(id, item);
    };
    follow(standing.id);
    return [...chain.values()];
  }

  /** What ended a lineage's credentials: the removals and leaves with all parts of their lists. */
  endings(lineage: string): (AuthorityItem | ListItem)[] {
    const items = new Map<string, AuthorityItem | ListItem>();
    for (const standing of this.standings(lineage)) {
      for (const ending of standing.against) {
        for (const item of this.#partsOf(ending)) items.set(item.id, item);
      }
    }
    return [...items.values()];
  }

  /**
   * Why admissions of a lineage (hex) are void though nothing ended it: the admissions that took the
   * places, and the removals that closed the invitation or ended the witness.
   */
  outvoting(lineage: string): (AuthorityItem | ListItem)[] {
    const items = new Map<string, AuthorityItem | ListItem>();
    for (const [invitation, witnesses] of this.#triedBy(lineage)) {
      for (const standing of this.#authority.standings.values()) {
        if (!isAdmittedBy(standing.item, invitation)) continue;
        for (const item of this.chain(standing)) items.set(item.id, item);
      }
      const issuer = this.#authority.standings.get(hex(invitation.head.credential!));
      for (const removal of this.#authority.removals) {
        if (!closes(removal, invitation, issuer) && !witnesses.has(removal.subject)) continue;
        for (const item of this.#partsOf(removal)) items.set(item.id, item);
      }
    }
    return [...items.values()];
  }

  /** Invitations by which a lineage was admitted in vain, each once however often, with the witnesses (hex). */
  #triedBy(lineage: string): Map<AuthorityItem, Set<string>> {
    const tried = new Map<AuthorityItem, Set<string>>();
    for (const { id, head, body } of this.#items.values()) {
      if (body.kind !== ItemKind.admission || hex(body.statement.joiner) !== lineage) continue;
      const invitation = this.#items.get(hex(body.statement.invitation));
      if (invitation === undefined || invitation.head.credential === null) continue;
      if (this.#authority.judgements.get(id) !== "void") continue;
      tried.getOrInsertComputed(invitation, () => new Set()).add(hex(head.author));
    }
    return tried;
  }

  /** Whether a new item waits whatever else it says: for what it names, or for what that waits for. */
  #surelyWaits({ head, body }: AuthorityItem): boolean {
    const named = head.credential === null ? [] : [hex(head.credential)];
    if (body.kind === ItemKind.admission) named.push(hex(body.statement.invitation));
    if (named.some((id) => (this.#authority.judgements.get(id) ?? "wait") === "wait")) return true;
    return (body.kind === ItemKind.removal || body.kind === ItemKind.leave) && this.#lists.lacks(body.list);
  }

  /** A removal or leave with the chain it stands on and all parts of its list. */
  #partsOf(ending: Ending): (AuthorityItem | ListItem)[] {
    const parts: ListItem[] = [];
    for (let id: string | null = hex(ending.item.body.list); id !== null;) {
      const part = this.#lists.part(id);
      if (part !== null) parts.push(part);
      id = part?.body.next ? hex(part.body.next) : null;
    }
    const maker = this.#authority.standings.get(hex(ending.item.head.credential!))!;
    return [...this.chain(maker), ...parts, ending.item];
  }

  /** The properties that the founding item fixed; `null` until it is here. */
  get properties(): GraphProperties | null {
    return this.#authority.founding?.body.properties ?? null;
  }

  /** What the founding item calls the group; `null` until it is here. */
  get name(): string | null {
    return this.#authority.founding?.body.name ?? null;
  }

  /** Lineage of the creator in hex; `null` until the founding item is here. */
  get creator(): string | null {
    const founding = this.#authority.founding;
    return founding === null ? null : hex(founding.body.creator);
  }

  #standingOf(item: DataItem): Standing | undefined {
    return item.head.credential === null
      ? undefined
      : this.#authority.standings.get(hex(item.head.credential));
  }
}

/** Whom an item makes the holder of a credential, in hex; `null` if it is none. */
function lineageOf({ body }: AuthorityItem): string | null {
  if (body.kind === ItemKind.credential) return hex(body.subject);
  return body.kind === ItemKind.admission ? hex(body.statement.joiner) : null;
}

function closes(removal: Ending, invitation: AuthorityItem, issuer: Standing | undefined): boolean {
  const { body } = removal.item;
  if (body.kind === ItemKind.removal && body.closes.some((hash) => hex(hash) === invitation.id)) return true;
  return issuer !== undefined && removal.subject === issuer.lineage && outranks(removal.rank, issuer.rank);
}

function isAdmittedBy({ body }: AuthorityItem, invitation: AuthorityItem): boolean {
  return body.kind === ItemKind.admission && hex(body.statement.invitation) === invitation.id;
}

function membersOf(authority: Authority): ReadonlyMap<string, MemberStanding> {
  const members = new Map<string, MemberStanding>();
  for (const standing of authority.standings.values()) {
    if (standing.against.length > 0) continue;
    const known = members.get(standing.lineage);
    const roles = (known?.roles ?? 0) | standing.roles;
    const highest = known === undefined || standing.rank < known.standing.rank ? standing : known.standing;
    members.set(standing.lineage, { lineage: standing.lineage, roles, standing: highest });
  }
  return members;
}

function differences(before: Authority, after: Authority): Rejudged {
  const keepers = new Set<string>();
  const lineages = new Set<string>();
  const compare = (id: string, standing: Standing): void => {
    const a = before.standings.get(id);
    const b = after.standings.get(id);
    if (a !== undefined && b !== undefined && sameEndings(a, b)) return;
    keepers.add(id);
    lineages.add(standing.lineage);
  };
  for (const [id, standing] of before.standings) compare(id, standing);
  for (const [id, standing] of after.standings) compare(id, standing);
  // Items may also wait under, or name by mistake, what is no credential; and all wait for the founding.
  const isFounded = before.founding !== after.founding;
  for (const [id, judgement] of after.judgements) {
    if (isFounded || before.judgements.get(id) !== judgement) keepers.add(id);
  }
  return { keepers, lineages };
}

function sameEndings(a: Standing, b: Standing): boolean {
  return a.against.length === b.against.length &&
    a.against.every((ending, i) => ending.id === b.against[i]!.id);
}

/**
 * Reference model of the item algebra: which of the known items are in the set, and what state they give.
 *
 * Plain and slow on purpose. It recomputes everything from the known items each time, so that the incremental
 * replica can be compared with it. Protocol §4: state is "a pure function", and "nothing outside the set
 * influences what is inside". §6: authority is judged "in one pass from the highest rank down".
 *
 * Not modelled: forms, signatures, ids and bounds of single items (checked before), quota (keeping 2), closes,
 * rotations, policies, epochs, withdrawals, readmission. Text in quotation marks is the protocol's.
 */

import type { AuthorityBody, DataBody, List, ModelItem, ModelState, Signed } from "./items.ts";
import { ADMIN, CREATOR, MEMBER } from "./items.ts";
import { compareRank, compareText, type Credential, rankCredentials, ranksAbove } from "./rank.ts";

export type * from "./items.ts";

/** "Depth ≤ 8 by default, at most 24." */
const DEPTH_LIMIT = 24;

/** The state that the known items of a group give at `peerTime`; `groupId` is null for a plain graph. */
export function evaluate(
  known: readonly ModelItem[],
  peerTime: number,
  groupId: string | null,
): ModelState {
  const world = readKnown(known, groupId);
  judgeAuthority(world);
  const data = keepNewest(dataThatStands(world, peerTime));
  for (const item of data) world.inSet.add(item.hash);
  addLists(world);

  const live = liveCredentials(world);
  const isAside = (hash: string) =>
    world.lists.has(hash) ? !world.inSet.has(hash) : !world.resolved.has(hash);
  const signed = [...world.signed.values()].filter((item) => !isOfAnother(world, item));
  const hashes = [...signed.map(({ hash }) => hash), ...world.lists.keys()].sort();
  return {
    inSet: hashes.filter((hash) => world.inSet.has(hash)),
    shelf: hashes.filter((hash) => !world.inSet.has(hash) && !isAside(hash)),
    aside: hashes.filter((hash) => !world.inSet.has(hash) && isAside(hash)),
    members: membersOf(live),
    records: visibleRecords(data.filter((item) => isPermitted(world, item, live)), world, peerTime),
  };
}

type DataItem = Signed & { readonly body: DataBody };
type Removal = Extract<AuthorityBody, { kind: "removal" }>;
/** A removal or leave in force, with the credential that it is made under and what its list lets stay. */
interface Departure<Body> {
  readonly body: Body;
  readonly by: Credential;
  readonly listed: ReadonlySet<string>;
}

interface World {
  readonly groupId: string | null;
  readonly signed: ReadonlyMap<string, Signed>;
  readonly lists: ReadonlyMap<string, List>;
  /** Signed items of which everything that they name is known, and so on upwards. The others are aside. */
  readonly resolved: ReadonlySet<string>;
  readonly credentials: ReadonlyMap<string, Credential>;
  // What follows is filled from the highest rank down.
  readonly inSet: Set<string>;
  readonly removals: Departure<Removal>[];
  readonly leaves: Departure<{ readonly kind: "leave" }>[];
}

function readKnown(known: readonly ModelItem[], groupId: string | null): World {
  const signed = new Map<string, Signed>();
  const lists = new Map<string, List>();
  for (const item of known) {
    if (isSigned(item)) signed.set(item.hash, item);
    else lists.set(item.hash, item);
  }
  const resolved = resolve(signed, lists);
  const credentials = rankCredentials(signed, resolved, groupId);
  const inSet = new Set<string>();
  return { groupId, signed, lists, resolved, credentials, inSet, removals: [], leaves: [] };
}

/** "An item that names something not here is set aside", and so is what names an item that is aside. */
function resolve(signed: ReadonlyMap<string, Signed>, lists: ReadonlyMap<string, List>): Set<string> {
  const resolved = new Set<string>();
  const isResolved = ({ credential, body }: Signed) =>
    (credential === null || resolved.has(credential)) &&
    (body.kind !== "admission" || resolved.has(body.invitation)) &&
    // A removal "is taken only together with its list; before that it is set aside"; so is a leave.
    ((body.kind !== "removal" && body.kind !== "leave") || listParts(lists, body.list) !== null);
  for (let before = -1; before !== resolved.size;) {
    before = resolved.size;
    for (const item of signed.values()) if (isResolved(item)) resolved.add(item.hash);
  }
  return resolved;
}

/** All parts of a list, or null while one of them is missing. */
function listParts(lists: ReadonlyMap<string, List>, first: string): List[] | null {
  const parts: List[] = [];
  for (let next: string | null = first; next !== null;) {
    const part = lists.get(next);
    if (part === undefined || parts.includes(part)) return null;
    parts.push(part);
    next = part.body.next;
  }
  return parts;
}

/** "In one pass from the highest rank down": all that can void an item is judged before it. */
function judgeAuthority(world: World): void {
  for (const credential of [...world.credentials.values()].sort(compareRank)) {
    const hash = credential.item.hash;
    if (credential.lowerParent !== null && !credentialStands(world, credential)) continue;
    world.inSet.add(hash);
    const made = [...world.signed.values()].filter((item) => item.credential === hash);
    // Leaves first: they count against the other items of their own credential, but never against leaves.
    for (const kind of ["leave", "removal", "invitation"]) {
      const standing = made.filter((item) => item.body.kind === kind && itemStands(world, item));
      for (const item of kind === "leave" ? leavesThatCount(world, standing) : standing) {
        world.inSet.add(item.hash);
        enforce(world, item, credential);
      }
    }
  }
}

/** Of a credential's leaves "those of the lowest hashes count, at most 4, with at most 256 parts of lists (each once) together". */
function leavesThatCount(world: World, leaves: readonly Signed[]): Signed[] {
  let count = 0;
  let parts = 0;
  const lists = new Set<string>();
  return [...leaves].sort((a, b) => compareText(a.hash, b.hash)).filter(({ body }) => {
    if (body.kind !== "leave") return false;
    const length = lists.has(body.list) ? 0 : listParts(world.lists, body.list)!.length;
    if (count === 4 || parts + length > 256) return false;
    count++;
    lists.add(body.list);
    parts += length;
    return true;
  });
}

/** What a removal or leave that is in the set adds to what is in force. */
function enforce(world: World, { body }: Signed, by: Credential): void {
  if (body.kind !== "removal" && body.kind !== "leave") return;
  const listed = new Set(listParts(world.lists, body.list)?.flatMap((part) => part.body.hashes));
  if (body.kind === "removal") world.removals.push({ body, by, listed });
  else world.leaves.push({ body, by, listed });
}

function credentialStands(world: World, credential: Credential): boolean {
  const founding = world.signed.get(world.groupId ?? "")?.body;
  const depthMax = founding?.kind === "founding" ? Math.min(founding.depthMax, DEPTH_LIMIT) : 0;
  if (credential.depth > depthMax || !itemStands(world, credential.item)) return false;
  return credential.item.body.kind !== "admission" || admissionCounts(world, credential);
}

/** What every item needs: a credential in the set, of its author, that allows it, and no void. */
function itemStands(world: World, item: Signed): boolean {
  const by = world.credentials.get(item.credential ?? "");
  if (!by || !world.resolved.has(item.hash) || !world.inSet.has(by.item.hash)) return false;
  return item.author === by.subject && isAllowed(world, item, by) && !isVoid(world, item, by);
}

/**
 * Whether the credential's roles and validity allow an authority item. Not so for data: whether that is in the
 * set depends on "never: […] for data items, roles and policy (those are judged in `state`)".
 */
function isAllowed(world: World, { at, body }: Signed, by: Credential): boolean {
  const isChief = (by.roles & (CREATOR | ADMIN)) !== 0;
  // "Judged at its own issue: a later lapse of the issuer does not end it."
  const isTimely = (by.notBefore === null || by.notBefore <= at) &&
    (by.notAfter === null || at <= by.notAfter);
  if (by.lowerParent === null) {
    // The group key signs the founding item "and the creator's credential, then may be put away".
    const founding = by.item.body;
    return founding.kind === "founding" && body.kind === "credential" && body.subject === founding.creator &&
      (body.roles & CREATOR) !== 0;
  }
  switch (body.kind) {
    case "founding":
      return false;
    case "credential":
    case "invitation":
      return isChief && isTimely && (body.roles & CREATOR) === 0;
    case "removal":
      return isChief;
    case "admission": // "Inside an item of a witness, any member, who checked T, N and revocation."
      return isTimely && isAdmissionOf(world.signed.get(body.invitation), at, body.bearer) &&
        world.inSet.has(body.invitation) && body.joiner !== world.signed.get(world.groupId ?? "")?.author;
    default:
      return true;
  }
}

/** The bearer key is certified "to admit N joiners with role R until T". */
function isAdmissionOf(invitation: Signed | undefined, at: number, bearer: string): boolean {
  const body = invitation?.body;
  return body?.kind === "invitation" && body.bearer === bearer && at <= body.expires;
}

/** "Everything else that lineage signed or will sign is void"; "an item stays only if all list it". */
function isVoid(world: World, item: Signed, by: Credential): boolean {
  if (removalsAgainst(world, by).some((removal) => !removal.listed.has(item.hash))) return true;
  return item.body.kind !== "leave" && // "Leaves never void leaves."
    leavesAgainst(world, by).some((leave) => !leave.listed.has(item.hash));
}

/** A removal "counts only against credentials of lower rank than its own". */
function removalsAgainst(world: World, credential: Credential): Departure<Removal>[] {
  return world.removals.filter(({ body, by }) =>
    body.subject === credential.subject && ranksAbove(by, credential)
  );
}

/** "Leaving counts against the credential it is made under and lower ones of the same lineage." */
function leavesAgainst(world: World, credential: Credential): Departure<unknown>[] {
  return world.leaves.filter(({ by }) => by.subject === credential.subject && !ranksAbove(credential, by));
}

/** Whether an admission that its witness was free to make stands on its invitation. */
function admissionCounts(world: World, admission: Credential): boolean {
  const { hash, body } = admission.item;
  if (body.kind !== "admission") return false;
  const invitation = world.signed.get(body.invitation);
  const inviter = world.credentials.get(invitation?.credential ?? "");
  if (!invitation || !inviter) return false;
  // A removal closes the invitations that "the subject issued, and those it names besides".
  const isClosed = world.removals.some((removal) =>
    ranksAbove(removal.by, admission) && !removal.listed.has(hash) &&
    (removal.body.closes.includes(invitation.hash) || removalsAgainst(world, inviter).includes(removal))
  );
  if (isClosed || invitation.body.kind !== "invitation") return false;
  // "The N of highest rank stand": those that stand already rank above this one.
  const joiners = new Set<string>();
  for (const { item, subject } of world.credentials.values()) {
    const isSame = item.body.kind === "admission" && item.body.invitation === invitation.hash;
    if (isSame && world.inSet.has(item.hash)) joiners.add(subject);
  }
  return joiners.has(body.joiner) || joiners.size < invitation.body.joinersMax;
}

/** Data under what was made out to another, or is no credential, "can never stand and is not kept". */
function isOfAnother(world: World, item: Signed): boolean {
  // Without its founding item a group has nothing, and all data waits.
  if (!world.signed.has(world.groupId ?? "") || !isData(item) || item.credential === null) return false;
  if (world.lists.has(item.credential)) return true;
  const named = world.signed.get(item.credential);
  if (named === undefined) return false;
  const { body } = named;
  const holder = body.kind === "credential" ? body.subject : body.kind === "admission" ? body.joiner : null;
  return holder !== item.author;
}

function isSigned(item: ModelItem): item is Signed {
  return item.body.kind !== "list";
}

function isData(item: Signed): item is DataItem {
  return item.body.kind === "version" || item.body.kind === "delete" || item.body.kind === "extension";
}

/** Data that may be in the set: "no item of a record lives beyond" its `until`. */
function dataThatStands(world: World, peerTime: number): DataItem[] {
  return [...world.signed.values()].filter(isData).filter((item) =>
    peerTime <= item.body.until &&
    (world.groupId === null ? item.credential === null : itemStands(world, item))
  );
}

/** Keeping 1: "for each record and credential (plain graph: author) the newest item is kept". */
function keepNewest(data: readonly DataItem[]): DataItem[] {
  const isExtension = (item: DataItem) => item.body.kind === "extension";
  const areRivals = (a: DataItem, b: DataItem) =>
    a.body.record === b.body.record && isExtension(a) === isExtension(b) &&
    a.credential === b.credential && (a.credential !== null || a.author === b.author);
  return data.filter((a) => !data.some((b) => areRivals(a, b) && compareNewness(b, a) > 0));
}

/** "A delete over every version, then version, then hash"; "extensions apart, the largest". */
function compareNewness(a: DataItem, b: DataItem): number {
  return newness(a.body) - newness(b.body) || compareText(a.hash, b.hash);
}

function newness(body: DataBody): number {
  if (body.kind === "delete") return Number.MAX_SAFE_INTEGER;
  return body.kind === "version" ? body.version : body.expires;
}

/** Lists are in the set where a removal or leave that is in the set leads to them. */
function addLists(world: World): void {
  for (const { hash, body } of world.signed.values()) {
    if (!world.inSet.has(hash) || (body.kind !== "removal" && body.kind !== "leave")) continue;
    for (const part of listParts(world.lists, body.list) ?? []) world.inSet.add(part.hash);
  }
}

/** Credentials that no removal and no leave in force counts against. The founding item makes no member. */
function liveCredentials(world: World): Credential[] {
  return [...world.credentials.values()].filter((credential) =>
    credential.lowerParent !== null && world.inSet.has(credential.item.hash) &&
    removalsAgainst(world, credential).length === 0 && leavesAgainst(world, credential).length === 0
  );
}

function membersOf(live: readonly Credential[]): { lineage: string; roles: number }[] {
  return [...new Set(live.map(({ subject }) => subject))].sort().map((lineage) => ({
    lineage,
    roles: live.filter(({ subject }) => subject === lineage).reduce((roles, next) => roles | next.roles, 0),
  }));
}

/** Whether a data item's author may do what it does. */
function isPermitted(world: World, item: DataItem, live: readonly Credential[]): boolean {
  const isOwn = item.author === item.body.creator;
  if (world.groupId === null) return isOwn; // "Only a record's creator may update or delete it."
  const roles = world.credentials.get(item.credential ?? "")?.roles ?? 0;
  const isChief = (roles & (CREATOR | ADMIN)) !== 0;
  if (isOwn) return isChief || (roles & MEMBER) !== 0;
  // An extension is "by the creator (by an admin if the creator was removed)".
  const isCreatorGone = live.every(({ subject }) => subject !== item.body.creator);
  return isChief && (item.body.kind !== "extension" || isCreatorGone);
}

/** The records with a winner, no delete, and an expiry that has not passed. */
function visibleRecords(
  permitted: readonly DataItem[],
  world: World,
  peerTime: number,
): ModelState["records"] {
  // "Winner: higher version, then the author's rank (groups), then higher hash."
  const compareWinners = (a: DataItem, b: DataItem) => {
    const [first, second] = [a, b].map((item) => world.credentials.get(item.credential ?? ""));
    return newness(b.body) - newness(a.body) || (first && second ? compareRank(first, second) : 0) ||
      compareText(b.hash, a.hash);
  };
  return [...new Set(permitted.map(({ body }) => body.record))].sort().flatMap((record) => {
    const items = permitted.filter(({ body }) => body.record === record);
    const winner = items.filter(({ body }) => body.kind === "version").sort(compareWinners)[0];
    const isDeleted = items.some(({ body }) => body.kind === "delete");
    if (winner?.body.kind !== "version" || isDeleted) return [];
    // "Expiry = max(winner's expires, largest valid extension), judged against peer time."
    const extensions = items.flatMap(({ body }) => body.kind === "extension" ? [body.expires] : []);
    const expires = Math.max(winner.body.expires, ...extensions);
    return peerTime <= expires
      ? [{ record, winner: winner.hash, version: winner.body.version, expires }]
      : [];
  });
}

/** Which rules of the algebra a history made work, so that a generator cannot become trivial unnoticed. */

import { equalBytes, hex } from "../../lib/base/bytes.ts";
import { type Standing, staysUnder } from "../../lib/groups/authority.ts";
import { depthOf, outranks } from "../../lib/groups/rank.ts";
import { isAllowed } from "../../lib/groups/roles.ts";
import {
  type AdmissionBody,
  type DataItem,
  isData,
  type Item,
  ItemKind,
  type RemovalBody,
  type SignedItem,
} from "../../lib/records/item.ts";
import { isVersion } from "../../lib/records/conflict.ts";
import { keeperOf } from "../../lib/records/policy.ts";
import type { Replica } from "./algebra.ts";
import { judgedAt } from "./histories.ts";

/** A replica, taken apart for questions. */
interface World {
  readonly replica: Replica;
  readonly items: readonly Item[];
  readonly standings: readonly Standing[];
  readonly byId: ReadonlyMap<string, Standing>;
}

/** Every rule with the question whether it worked in a history. */
const questions: Readonly<Record<string, (world: World) => boolean>> = {
  "a removal counts": ({ standings }) => standings.some((one) => one.against.some(isRemovalEnding)),
  "a removal of a senior does not": (world) =>
    removals(world).some((item) => isIn(world, item) && survives(world, item)),
  "two remove each other": (world) =>
    removals(world).some((a) =>
      removals(world).some((b) => isMutual(a, b) && isIn(world, a) && !isIn(world, b))
    ),
  "somebody removes itself": (world) =>
    removals(world).some((item) => equalBytes(item.head.author, item.body.subject)),
  "what a list names stays": (world) =>
    world.items.some((item) => isIn(world, item) && (standingOf(world, item)?.against.length ?? 0) > 0),
  "all lists must name it": (world) =>
    world.items.some((item) => {
      const against = standingOf(world, item)?.against ?? [];
      const naming = against.filter(({ stays }) => stays.has(item.id)).length;
      return naming > 0 && naming < against.length;
    }),
  "a void version or delete uncovers another": uncovers,
  "a surplus joiner is out": (world) => admissions(world).some((item) => isSurplus(world, item)),
  "a removal closes its subject's invitation": (world) =>
    admissions(world).some((item) => closing(world, item) === "author"),
  "a removal closes an invitation by name": (world) =>
    admissions(world).some((item) => closing(world, item) === "name"),
  "an admission on a closed invitation stays": (world) =>
    admissions(world).some((item) => closing(world, item) === "listed" && isIn(world, item)),
  "a leave counts": ({ standings }) =>
    standings.some((one) => one.against.some((end) => !isRemovalEnding(end))),
  "a removal voids a leave": (world) =>
    world.items.some((item) => item.body.kind === ItemKind.leave && isVoid(world, item)),
  "a leave is on a leave's way and stands": (world) =>
    world.items.some((item) => {
      const against = standingOf(world, item)?.against ?? [];
      return item.body.kind === ItemKind.leave && isIn(world, item) && against.length > 1 &&
        against.some(({ stays, id }) => id !== item.id && !stays.has(item.id));
    }),
  "a removed lineage holds a later credential": ({ standings }) =>
    standings.some((live) =>
      live.against.length === 0 &&
      standings.some((one) => one.lineage === live.lineage && one.against.some(isRemovalEnding))
    ),
  "a chain is too deep": (world) =>
    world.items.some((item) =>
      item.body.kind === ItemKind.credential && mayIssue(world, item) && !isIn(world, item) &&
      depthOf(standingOf(world, item)!.rank) === world.replica.policy!.properties!.depthMax &&
      staysUnder(standingOf(world, item)!, item.id)
    ),
  "a credential is used outside its time": (world) =>
    world.items.some((item) => {
      const { notBefore = null, notAfter = null } = standingOf(world, item) ?? {};
      return isGiven(item) && !isIn(world, item) &&
        ((notBefore !== null && item.head!.at < notBefore) ||
          (notAfter !== null && item.head!.at > notAfter));
    }),
  "an admission comes too late": (world) =>
    admissions(world).some((item) => {
      const invitation = invitationOf(world, item);
      return invitation !== null && isIn(world, invitation) && item.head.at > invitation.body.expires;
    }),
  "a credential of somebody else is used": (world) =>
    world.items.some((item) => {
      const standing = standingOf(world, item);
      return standing !== undefined && standing.lineage !== hex(item.head!.author) && !isIn(world, item);
    }),
  "roles do not allow it": (world) =>
    world.items.some((item) => {
      const standing = standingOf(world, item);
      return standing !== undefined && standing.against.length === 0 && item.body.kind === ItemKind.removal &&
        standing.lineage === hex(item.head!.author) && !isAllowed(standing.roles, "remove") &&
        !isIn(world, item);
    }),
  "an item waits": ({ replica }) => replica.set.sizes.aside > 0,
  "a list comes in parts": (world) =>
    world.items.some((item) =>
      item.body.kind === ItemKind.list && item.body.next !== null && isIn(world, item)
    ),
  ...dataQuestions(),
};

function dataQuestions(): Record<string, (world: World) => boolean> {
  return {
    "roles do not allow what is written": (world) =>
      data(world).some((item) => isIn(world, item) && !may(world, item)),
    "a delete hides a version": (world) =>
      data(world).some((item) =>
        item.body.kind === ItemKind.delete && isIn(world, item) && may(world, item) &&
        siblings(world, item).some((other) => isVersion(other) && isIn(world, other) && may(world, other))
      ),
    "a delete is kept over a version": (world) =>
      data(world).some((item) =>
        item.body.kind === ItemKind.delete && isIn(world, item) &&
        siblings(world, item).some((other) => isVersion(other) && isSameKeeper(item, other))
      ),
    "equal versions are decided by rank": (world) =>
      data(world).some((item) => {
        const shown = world.replica.set.shown(item.record);
        return shown !== null && isVersion(item) && isIn(world, item) && may(world, item) &&
          item.body.version === shown.item.body.version && !isSameKeeper(item, shown.item) &&
          item.id > shown.item.id;
      }),
    "equal versions are decided by hash": (world) =>
      data(world).some((item) =>
        isVersion(item) && isIn(world, item) &&
        siblings(world, item).some((other) =>
          isVersion(other) && isSameKeeper(item, other) && other.body.version === item.body.version
        )
      ),
    "an extension carries a record": ({ replica }) =>
      [...replica.set.allShown()].some(([, { item, expires }]) => expires > item.body.expires),
    "an admin extends for who is gone": (world) =>
      data(world).some((item) => isForeignExtension(item) && isIn(world, item) && may(world, item)),
    "nobody extends for who is here": (world) =>
      data(world).some((item) =>
        isForeignExtension(item) && isIn(world, item) && !may(world, item) &&
        isAllowed(standingOf(world, item)?.roles ?? 0, "writeOthers")
      ),
    "a record has run out": ({ replica }) =>
      [...replica.set.allShown()].some(([, { expires }]) => expires < judgedAt),
    "an item is past its end": (world) => data(world).some((item) => item.body.until < judgedAt),
    "an author forks": (world) =>
      world.items.some((a) =>
        world.items.some((b) => a.id < b.id && isFork(a, b) && isIn(world, a) && isIn(world, b))
      ),
  };
}

/** Names of all rules that are looked for in histories of groups. */
export const ruleNames: readonly string[] = Object.keys(questions);

/** Counts the rules that worked in a replica. */
export function countRules(replica: Replica, items: readonly Item[], counts: Map<string, number>): void {
  const lineages = new Set(items.flatMap((item) => lineageMade(item) ?? []));
  const standings = [...lineages].flatMap((lineage) => replica.policy?.standings(lineage) ?? []);
  const byId = new Map(standings.map((standing) => [standing.id, standing]));
  const world = { replica, items, standings, byId };
  for (const [rule, asks] of Object.entries(questions)) {
    if (asks(world)) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
}

function lineageMade(item: Item): string | null {
  if (item.body.kind === ItemKind.credential) return hex(item.body.subject);
  return item.body.kind === ItemKind.admission ? hex(item.body.statement.joiner) : null;
}

function isIn({ replica }: World, item: { readonly id: string }): boolean {
  return replica.set.entry(item.id)?.place === "in";
}

function isVoid(world: World, item: Item): boolean {
  const standing = standingOf(world, item);
  return standing !== undefined && !isIn(world, item) && standing.lineage === hex(item.head!.author) &&
    standing.against.some((ending) => isRemovalEnding(ending) && !ending.stays.has(item.id));
}

function standingOf(world: World, item: Item): Standing | undefined {
  const credential = item.head?.credential ?? null;
  return credential === null ? undefined : world.byId.get(hex(credential));
}

function isRemovalEnding(ending: Standing["against"][number]): boolean {
  return ending.item.body.kind === ItemKind.removal;
}

function removals({ items }: World): SignedItem<RemovalBody>[] {
  return items.filter((item) => item.body.kind === ItemKind.removal) as SignedItem<RemovalBody>[];
}

function admissions({ items }: World): SignedItem<AdmissionBody>[] {
  return items.filter((item) => item.body.kind === ItemKind.admission) as SignedItem<AdmissionBody>[];
}

function data({ items }: World): DataItem[] {
  return items.filter(isData);
}

function survives(world: World, item: SignedItem<RemovalBody>): boolean {
  return world.standings.some((one) =>
    one.lineage === hex(item.body.subject) && one.against.every(({ id }) => id !== item.id)
  );
}

function isMutual(a: SignedItem<RemovalBody>, b: SignedItem<RemovalBody>): boolean {
  return equalBytes(a.head.author, b.body.subject) && equalBytes(b.head.author, a.body.subject) &&
    !equalBytes(a.head.author, b.head.author);
}

function uncovers(world: World): boolean {
  return data(world).some((item) => {
    if (item.body.kind === ItemKind.extension || !isVoid(world, item)) return false;
    return siblings(world, item).some((other) =>
      isVersion(other) && isIn(world, other) && isSameKeeper(item, other) &&
      (!isVersion(item) || item.body.version > other.body.version)
    );
  });
}

function siblings(world: World, item: DataItem): DataItem[] {
  return data(world).filter((other) => other.record === item.record && other !== item);
}

function isSameKeeper(a: DataItem, b: DataItem): boolean {
  return keeperOf(a) === keeperOf(b);
}

function isForeignExtension(item: DataItem): boolean {
  return item.body.kind === ItemKind.extension && !equalBytes(item.head.author, item.body.creator);
}

function may({ replica }: World, item: DataItem): boolean {
  return replica.policy?.mayWrite(item) ?? equalBytes(item.head.author, item.body.creator);
}

function isGiven(item: Item): boolean {
  const { kind } = item.body;
  return kind === ItemKind.credential || kind === ItemKind.invitation || kind === ItemKind.admission;
}

function mayIssue(world: World, item: Item): boolean {
  const standing = standingOf(world, item);
  return standing !== undefined && standing.lineage === hex(item.head!.author) &&
    item.body.kind === ItemKind.credential &&
    isAllowed(standing.roles, "invite") && (item.body.roles & 1) === 0 && standing.notAfter === null;
}

function invitationOf(world: World, item: SignedItem<AdmissionBody>) {
  const found = world.replica.set.entry(hex(item.body.statement.invitation))?.item;
  return found?.body.kind === ItemKind.invitation
    ? { id: found.id, body: found.body, head: found.head! }
    : null;
}

/** How a removal in force ends an admission whose parents stand; `listed`: it closes, and names it. */
function closing(world: World, item: SignedItem<AdmissionBody>): "author" | "name" | "listed" | null {
  const invitation = invitationOf(world, item);
  const witness = standingOf(world, item);
  if (invitation === null || !isIn(world, invitation) || witness === undefined) return null;
  if (!staysUnder(witness, item.id)) return null;
  const issuer = world.byId.get(hex(invitation.head.credential!))!;
  for (const removal of removals(world)) {
    const by = standingOf(world, removal);
    const ending = issuer.against.find(({ id }) => id === removal.id);
    const isNamed = removal.body.closes.some((hash) => hex(hash) === invitation.id);
    if (by === undefined || !isIn(world, removal) || (ending === undefined && !isNamed)) continue;
    if (isIn(world, item)) return outranks(by.rank, world.byId.get(item.id)!.rank) ? "listed" : null;
    return ending !== undefined && !ending.stays.has(item.id) ? "author" : isNamed ? "name" : null;
  }
  return null;
}

function isSurplus(world: World, item: SignedItem<AdmissionBody>): boolean {
  const invitation = invitationOf(world, item);
  const witness = standingOf(world, item);
  if (invitation === null || !isIn(world, invitation) || isIn(world, item) || witness === undefined) {
    return false;
  }
  if (!staysUnder(witness, item.id) || witness.lineage !== hex(item.head.author)) return false;
  if (closing(world, item) !== null || item.head.at > invitation.body.expires) return false;
  const joiners = admissions(world)
    .filter((other) => isIn(world, other) && hex(other.body.statement.invitation) === invitation.id)
    .map((other) => hex(other.body.statement.joiner));
  return new Set(joiners).size === invitation.body.joinersMax &&
    !joiners.includes(hex(item.body.statement.joiner));
}

function isFork(a: Item, b: Item): boolean {
  return a.head !== null && b.head !== null && a.head.seq === b.head.seq &&
    equalBytes(a.head.author, b.head.author) && equalBytes(a.head.writer, b.head.writer);
}

/** Random histories: every kind of item, honest and not, lists that leave things out, hashes in no order. */

import fc from "fast-check";
import { ADMIN, CREATOR, type ModelItem, type RecordFields, type Signed } from "./items.ts";
import * as story from "./story.ts";
import type { Party } from "./story.ts";

/** One item to come: numbers that choose among what the history holds by then. */
export interface Step {
  readonly kind: number;
  readonly by: number;
  readonly target: number;
  readonly subject: number;
  readonly amount: number;
  readonly at: number;
  /** What a list leaves out, and oddities: a credential of another author, a list in two parts. */
  readonly chance: number;
}

const STEPS_MAX = 50;
const LINEAGES = ["0a", "1b", "2c", "3d", "4e", "5f"];
const CREATOR_LINEAGE = "1b";
const KINDS = [
  ...Array<string>(5).fill("credential"),
  ...Array<string>(3).fill("invitation"),
  ...Array<string>(5).fill("admission"),
  ...Array<string>(3).fill("removal"),
  "leave",
  ...Array<string>(5).fill("version"),
  "delete",
  "extension",
  "extension",
];
const DATA_KINDS = KINDS.slice(KINDS.indexOf("version"));

/** The steps of a history. Times of items and of judging lie in 0 … 20. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.nat(KINDS.length - 1),
    by: fc.nat(31),
    target: fc.nat(31),
    subject: fc.nat(LINEAGES.length),
    amount: fc.nat(31),
    at: fc.nat(20),
    chance: fc.nat(0xffff),
  }),
  { minLength: 10, maxLength: STEPS_MAX, size: "max" },
);

/** A history that grows by one step at a time; what it holds never depends on later steps. */
export class History {
  readonly items: ModelItem[] = [];
  readonly groupId: string | null;
  readonly #parties: Party[];
  readonly #invitations: Signed[] = [];

  constructor(isGroup: boolean) {
    this.groupId = isGroup ? "group" : null;
    this.#parties = isGroup ? [] : LINEAGES.map((author) => ({ author, credential: null }));
    if (!isGroup) return;
    this.items.push(story.founding(CREATOR_LINEAGE, 6));
    this.#add(story.credential(hashOf(0), story.key, CREATOR_LINEAGE, CREATOR));
    this.#add(story.credential(hashOf(1), this.#parties[0]!, "2c", ADMIN));
    this.#add(story.credential(hashOf(2), this.#parties[0]!, "0a", ADMIN));
  }

  /** The signed items in the order of their making. */
  get signed(): Signed[] {
    return this.items.flatMap((item) => item.body.kind === "list" ? [] : [item as Signed]);
  }

  /** Adds what the step says, as `author` if given, else as one of the parties so far. */
  take(step: Step, author?: string): void {
    const parties = this.#parties.filter((party) => author === undefined || party.author === author);
    if (parties.length === 0) return;
    const chosen = parties[step.by % parties.length]!;
    // A few items stand under the creator's credential or the founding item without being theirs.
    const forged = [this.groupId, this.#parties[0]!.credential][step.chance % 50];
    const credential = forged === undefined ? chosen.credential : forged;
    const kinds = this.groupId === null ? DATA_KINDS : KINDS;
    this.#make(kinds[step.kind % kinds.length]!, step, { author: chosen.author, credential });
  }

  #make(kind: string, step: Step, by: Party): void {
    const hash = hashOf(this.items.length);
    const fields = { writer: ["00", "01"][step.amount % 2]!, seq: step.amount % 3, at: step.at };
    const subject = LINEAGES[step.subject] ?? "key";
    // Mostly admin (2) and member (8), some inviter (4), reader (16) and creator (1).
    const roles = [2, 8, 2, 8, 10, 4, 16, 1][step.amount % 8]!;
    const invitation = this.#invitations[step.target % Math.max(1, this.#invitations.length)];
    const note = recordOf(step.target % 8);
    if (kind === "credential") {
      const [notBefore, notAfter] = step.chance % 4 === 0 ? [5, 15] : [null, null];
      this.#add(story.credential(hash, by, subject, roles, { ...fields, notBefore, notAfter }));
    } else if (kind === "invitation") {
      const joinersMax = [0, 1, 2, 2, 3][step.chance % 5]!;
      const expires = 15 + step.chance % 6;
      this.#add(story.invitation(hash, by, joinersMax, { ...fields, roles, expires }));
    } else if (kind === "admission" && invitation) {
      const wrong = step.chance % 16 === 1 ? { bearer: "wrong" } : {};
      this.#add(story.admission(hash, by, invitation.hash, subject, { ...fields, ...wrong }));
    } else if (kind === "removal") {
      const closes = invitation && step.chance % 2 === 0 ? [invitation.hash] : [];
      this.#addWithList(story.removal(hash, by, subject, this.#stays(step), { ...fields, closes }), step);
    } else if (kind === "leave") {
      this.#addWithList(story.leave(hash, by, this.#stays(step)), step);
    } else if (kind === "version") {
      this.#add({
        ...story.version(hash, by, note, 1 + step.amount % 5, note.until - step.chance % 8),
        ...fields,
      });
    } else if (kind === "delete") {
      this.#add({ ...story.deletion(hash, by, note), ...fields });
    } else if (kind === "extension") {
      this.#add({ ...story.extension(hash, by, note, note.until - step.chance % 5), ...fields });
    }
  }

  #add(item: Signed): void {
    this.items.push(item);
    if (item.body.kind === "credential" || item.body.kind === "admission") {
      this.#parties.push(story.partyOf(item));
    }
    if (item.body.kind === "invitation") this.#invitations.push(item);
  }

  #addWithList([item, whole]: ReturnType<typeof story.leave>, step: Step): void {
    this.#add(item);
    if (step.chance % 3 !== 0) {
      this.items.push(whole);
      return;
    }
    const middle = whole.body.hashes.length >> 1;
    const next = `next ${whole.hash}`;
    this.items.push(story.list(whole.hash, whole.body.hashes.slice(0, middle), next));
    this.items.push(story.list(next, whole.body.hashes.slice(middle)));
  }

  /** What a list lets stay: all, nothing, or most of the items so far. */
  #stays({ chance }: Step): string[] {
    if (chance % 8 === 0) return [];
    const leavesOut = chance % 8 < 4 ? 0 : 0.2;
    return this.items.map(({ hash }) => hash).filter((_, index) => noise(chance, index) >= leavesOut);
  }
}

/** The history of all these steps. */
export function historyOf(isGroup: boolean, taken: readonly Step[]): History {
  const history = new History(isGroup);
  for (const step of taken) history.take(step);
  return history;
}

/** The items in another order, chosen by `salt`. */
export function shuffled<T>(items: readonly T[], salt: number): T[] {
  return items.map((item, index) => ({ item, place: noise(salt, index) }))
    .sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** Some of the items, chosen by `salt`: each is left out with the given chance. */
export function someOf<T>(items: readonly T[], salt: number, leftOut: number): T[] {
  return items.filter((_, index) => noise(salt, index) >= leftOut);
}

/** The records of the histories: one of each lineage, then some that end before the latest time of judging. */
function recordOf(index: number): RecordFields {
  const creator = LINEAGES[index % LINEAGES.length]!;
  if (index < LINEAGES.length) return story.record(creator, 20);
  return { ...story.record(creator, 12), record: `short record of ${creator}` };
}

/** A hash for the item at an index: like a digest, its order says nothing about the history's. */
function hashOf(index: number): string {
  const digest = Math.floor(noise(0, index) * 2 ** 32);
  return digest.toString(16).padStart(8, "0") + index.toString(16).padStart(4, "0");
}

/** A number in 0 … 1 that depends on nothing but its arguments. */
function noise(salt: number, index: number): number {
  let mixed = Math.imul(salt + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 15, 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ mixed >>> 12, 0x297a2d39);
  return ((mixed ^ mixed >>> 15) >>> 0) / 2 ** 32;
}

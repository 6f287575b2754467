/**
 * Random histories of one graph: every kind of item, by honest actors and by liars. Items are fakes
 * with random hashes, so that ranks, winners and ties fall as they would in life.
 */

import { hex } from "../../lib/base/bytes.ts";
import { below, fraction, pick, SeededRandom } from "../../lib/base/random.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import {
  type AdmissionBody,
  type CredentialBody,
  type InvitationBody,
  isData,
  type Item,
  ItemKind,
  type ListItem,
  type RecordHead,
  type SignedItem,
} from "../../lib/records/item.ts";
import {
  bytesOf,
  fakeAdmission,
  fakeAt,
  fakeCredential,
  fakeFounding,
  type FakeHead,
  fakeInvitation,
  fakeItem,
  fakeList,
  type Party,
  partyOf,
  recordIdOf,
  recordOf,
  versionBody,
} from "../fixtures/items.ts";

/** The peer time at which histories are judged; items are made in the hundred seconds before it. */
export const judgedAt: number = fakeAt + 100_000;

/** Lineages of all histories; the first is the creator. */
export const lineages: readonly Uint8Array[] = ["1b", "2c", "0a", "3d", "5f", "4e"].map(bytesOf);

/** Lineages that nobody in a history knows: accomplices who come later. */
export const strangers: readonly Uint8Array[] = ["joiner 1", "joiner 2", "joiner 3"].map(bytesOf);

/** The group key of all histories. */
export const groupKey: Uint8Array = bytesOf("group key");

/** What one step makes. */
export type StepKind =
  | "credential"
  | "invitation"
  | "admission"
  | "removal"
  | "leave"
  | "version"
  | "delete"
  | "extension"
  | "fork"
  | "stray list"
  | "other founding";

const stepKinds: readonly StepKind[] = [
  ...Array<StepKind>(5).fill("credential"),
  ...Array<StepKind>(3).fill("invitation"),
  ...Array<StepKind>(6).fill("admission"),
  ...Array<StepKind>(4).fill("removal"),
  ...Array<StepKind>(2).fill("leave"),
  ...Array<StepKind>(6).fill("version"),
  ...Array<StepKind>(3).fill("delete"),
  ...Array<StepKind>(3).fill("extension"),
  "fork",
];
const rareKinds: readonly StepKind[] = ["stray list", "other founding"];
const dataKinds: readonly StepKind[] = ["version", "version", "version", "delete", "extension", "fork"];
const roleChoices: readonly number[] = [2, 8, 2, 8, 10, 4, 16, 1, 18];
const writers: readonly Uint8Array[] = [1, 2].map((byte) => new Uint8Array(8).fill(byte));

interface Record {
  readonly head: RecordHead;
  readonly id: string;
}

// One plain record and one that ended early for each lineage. Their ids are made once: that is slow.
const records: readonly Record[] = lineages.flatMap((creator) =>
  [fakeAt + 1_000_000, fakeAt + 50_000].map((until) => {
    const head = recordOf(creator, { until });
    return { head, id: recordIdOf(head) };
  })
);

type Credential = SignedItem<CredentialBody> | SignedItem<AdmissionBody>;

/** Grows by one step at a time; what it holds never depends on later steps. */
export class History {
  readonly random: SeededRandom;
  readonly items: Item[] = [];
  /** Hash of the founding item, or `null` in a plain graph. */
  readonly group: Uint8Array | null;
  readonly #parties: Party[] = [];
  readonly #credentials: Credential[] = [];
  readonly #invitations: SignedItem<InvitationBody>[] = [];

  constructor(seed: number, isGroup: boolean) {
    this.random = new SeededRandom(seed);
    if (!isGroup) {
      this.group = null;
      this.#parties = lineages.slice(0, 3).map((author) => ({ author, credential: null }));
      return;
    }
    const depthMax = pick(this.random, [3, 4, 8]);
    const founding = fakeFounding(groupKey, lineages[0]!, { depthMax }, this.#head());
    this.group = founding.hash;
    this.items.push(founding);
    const root = { author: groupKey, credential: founding.hash };
    const creator = this.#standing(fakeCredential(root, lineages[0]!, RoleBit.creator, this.#head()));
    this.#standing(fakeCredential(creator, lineages[1]!, RoleBit.admin, this.#head()));
    this.#standing(fakeCredential(creator, lineages[2]!, RoleBit.admin, this.#head()));
  }

  /** All invitations so far, those that do not stand included. */
  get invitations(): readonly SignedItem<InvitationBody>[] {
    return this.#invitations;
  }

  /** All credentials and admissions so far, those that do not stand included. */
  get credentials(): readonly Credential[] {
    return this.#credentials;
  }

  /** Takes random steps until there are `count` items. */
  grow(count: number): this {
    const kinds = this.group === null ? dataKinds : stepKinds;
    while (this.items.length < count) {
      const isRare = this.group !== null && below(this.random, 60) === 0;
      const kind = pick(this.random, isRare ? rareKinds : kinds);
      this.step(kind, this.#actor(kind));
    }
    return this;
  }

  /** Takes a step of this kind by a party. */
  step(kind: StepKind, by: Party): void {
    switch (kind) {
      case "version":
      case "delete":
      case "extension":
        return this.#data(kind, by);
      case "fork":
        return this.#fork();
      case "credential":
        return void this.#standing(this.#credential(by));
      case "invitation":
        return this.#invitation(by);
      case "admission":
        return this.#admission(by);
      case "removal":
        return this.#removal(by);
      case "leave":
        return this.#leave(by);
      case "stray list":
        return void this.items.push(this.#list(this.#stays(by.author)));
      case "other founding": {
        const other = fakeFounding(groupKey, pick(this.random, lineages), {}, this.#head());
        this.items.push(other);
        this.#parties.push({ author: pick(this.random, lineages), credential: other.hash });
      }
    }
  }

  #head(): Required<FakeHead> {
    return {
      hash: this.random.bytes(32),
      writer: pick(this.random, writers),
      seq: 1 + below(this.random, 4),
      at: fakeAt + below(this.random, 100) * 1000,
    };
  }

  #anybody(): Party {
    const party = pick(this.random, this.#parties);
    // Some liars use what is not theirs, and some name what is no credential.
    const lie = this.group === null ? 0 : below(this.random, 40);
    if (lie === 1) return { ...party, author: pick(this.random, lineages) };
    if (lie === 2) return { ...party, credential: this.group };
    if (lie === 3 && this.#invitations.length > 0) {
      return { ...party, credential: pick(this.random, this.#invitations).hash };
    }
    if (lie === 4 && below(this.random, 4) === 0) return { ...party, credential: this.random.bytes(32) };
    if (lie === 5) return { author: groupKey, credential: this.group };
    return party;
  }

  #standing(item: Credential): Party {
    this.items.push(item);
    this.#credentials.push(item);
    const party = partyOf(item);
    this.#parties.push(party);
    return party;
  }

  /** Who takes a step: often whoever makes items meet, else anybody. */
  #actor(kind: StepKind): Party {
    if (below(this.random, 2) === 0) return this.#anybody();
    // A senior's removals count.
    if (kind === "removal" && this.group !== null) return this.#parties[below(this.random, 3)]!;
    // Somebody who wrote a moment ago supersedes it.
    const before = this.items.at(-1 - below(this.random, 6));
    const writes = kind === "version" || kind === "delete" || kind === "extension";
    return writes && before !== undefined && isData(before)
      ? { author: before.head.author, credential: before.head.credential }
      : this.#anybody();
  }

  #data(kind: "version" | "delete" | "extension", by: Party): void {
    // Mostly one's own record, mostly one that does not end early, and mostly the first one, so that items meet.
    const isShort = below(this.random, 5) === 0;
    const usable = records.filter(({ head }) => (head.until < judgedAt) === isShort);
    const own = usable.filter(({ head }) => hex(head.creator) === hex(by.author));
    const isOwn = own.length > 0 && below(this.random, 3) > 0;
    const { head, id } = isOwn ? own[0]! : pick(this.random, usable.slice(0, 3));
    const expires = Math.min(head.until, fakeAt + (20 + below(this.random, 160)) * 1000);
    const body = kind === "version"
      ? versionBody(head, { version: 1 + below(this.random, 4), expires })
      : kind === "delete"
      ? { kind: ItemKind.delete, ...head }
      : { kind: ItemKind.extension, ...head, expires };
    this.items.push(fakeItem(by, body, this.#head(), id));
  }

  /** Another item with the author, writer and number of one that is there. */
  #fork(): void {
    const signed = this.items.filter((item) => item.body.kind <= ItemKind.extension) as SignedItem[];
    if (signed.length === 0) return this.#data("version", this.#anybody());
    const { head } = pick(this.random, signed);
    const { author, credential, writer, seq } = head;
    const before = this.items.length;
    this.#data(pick(this.random, ["version", "delete", "extension"] as const), { author, credential });
    const made = this.items.pop() as SignedItem;
    if (this.items.length === before) {
      this.items.push({ ...made, head: { ...made.head, writer, seq } } as Item);
    }
  }

  #credential(by: Party): SignedItem<CredentialBody> {
    const lapses = below(this.random, 4) === 0;
    const notBefore = lapses ? fakeAt + 10_000 : null;
    const notAfter = lapses ? fakeAt + 70_000 : null;
    const fields = { ...this.#head(), notBefore, notAfter };
    const subject = below(this.random, 30) === 0 ? groupKey : pick(this.random, lineages);
    return fakeCredential(by, subject, pick(this.random, roleChoices), fields);
  }

  #invitation(by: Party): void {
    const joinersMax = 1 + below(this.random, 2);
    const expires = fakeAt + pick(this.random, [60_000, 200_000]);
    const roles = pick(this.random, roleChoices);
    const bearer = this.random.bytes(32);
    const item = fakeInvitation(by, { ...this.#head(), joinersMax, expires, roles, bearer });
    this.#invitations.push(item);
    this.items.push(item);
  }

  #admission(by: Party): void {
    if (this.#invitations.length === 0) return this.#invitation(by);
    const invitation = pick(this.random, this.#invitations);
    const wrong = below(this.random, 25) === 0 ? { bearer: this.random.bytes(32) } : {};
    const joiner = below(this.random, 30) === 0 ? groupKey : pick(this.random, lineages);
    this.#standing(fakeAdmission(by, invitation, joiner, { ...this.#head(), ...wrong }));
  }

  #removal(by: Party): void {
    const author = below(this.random, 2) === 0 ? pick(this.random, this.items).head?.author : null;
    const subject = author ?? pick(this.random, lineages);
    const list = this.#lists(below(this.random, 4) === 0 ? this.#allButLast(subject) : this.#stays(subject));
    const closes = this.#invitations.filter(() => below(this.random, 4) === 0).map(({ hash }) => hash);
    this.items.push(fakeItem(by, { kind: ItemKind.removal, subject, list, closes }, this.#head()));
  }

  #leave(by: Party): void {
    const list = this.#lists(this.#stays(by.author));
    this.items.push(fakeItem(by, { kind: ItemKind.leave, list }, this.#head()));
  }

  /** Adds the parts of a list, now and then without one, and returns the hash of the first. */
  #lists(hashes: readonly Uint8Array[]): Uint8Array {
    const isMissing = below(this.random, 20) === 0;
    if (below(this.random, 4) > 0) {
      const list = this.#list(hashes);
      if (!isMissing) this.items.push(list);
      return list.hash;
    }
    const middle = hashes.length >> 1;
    const second = this.#list(hashes.slice(middle));
    const first = this.#list(hashes.slice(0, middle), second.hash);
    this.items.push(first);
    if (!isMissing) this.items.push(second);
    return first.hash;
  }

  #list(hashes: readonly Uint8Array[], next: Uint8Array | null = null): ListItem {
    return fakeList(hashes, next, this.random.bytes(32));
  }

  /** All that a lineage made but its last record item and invitation's admissions: what it replaced returns. */
  #allButLast(subject: Uint8Array): Uint8Array[] {
    const made = this.items.filter(({ head }) => head !== null && hex(head.author) === hex(subject));
    const last = made.findLastIndex(isData);
    return made.filter((_, i) => i !== last).map(({ hash }) => hash);
  }

  /** What a list says: all there is, what the subject made or what admits, some of it, garbage, nothing. */
  #stays(subject: Uint8Array): Uint8Array[] {
    const share = pick(this.random, [1, 1, 1, 0.8, 0.5, 0]);
    const isAboutSubject = below(this.random, 2) === 0;
    // What came after some moment is dropped, now and then.
    const until = below(this.random, 3) === 0 ? below(this.random, this.items.length) : this.items.length;
    const stays = this.items.slice(0, until).filter((item) =>
      fraction(this.random) < share &&
      (!isAboutSubject || item.body.kind === ItemKind.admission ||
        (item.head !== null && hex(item.head.author) === hex(subject)))
    ).map(({ hash }) => hash);
    return below(this.random, 6) === 0 ? [...stays, this.random.bytes(32)] : stays;
  }
}

import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import type { ReplicaEvent } from "../../../lib/graph/machine.ts";
import { Showing } from "../../../lib/graph/showing.ts";
import { GroupPolicy } from "../../../lib/groups/group_policy.ts";
import { RoleBit } from "../../../lib/groups/roles.ts";
import type { Item } from "../../../lib/records/item.ts";
import { ItemSet } from "../../../lib/records/item_set.ts";
import { CreatorPolicy } from "../../../lib/records/policy.ts";
import {
  bytesOf,
  fakeAt,
  fakeCredential,
  fakeDelete,
  fakeExtension,
  fakeFounding,
  fakeRemoval,
  fakeVersion,
  hashFrom,
  type Party,
  partyOf,
  recordIdOf,
  recordOf,
} from "../../fixtures/items.ts";

const author = bytesOf("author");
const by: Party = { author, credential: null };
const record = recordOf(author);
const id = recordIdOf(record);
const prefixOf = (item: { hash: Uint8Array }) => item.hash.subarray(0, 8);

/** A set and what it shows to one node. */
class Desk {
  readonly set: ItemSet;
  readonly showing: Showing;

  constructor(
    self: Uint8Array = bytesOf("reader"),
    policy: CreatorPolicy | GroupPolicy = new CreatorPolicy(),
  ) {
    this.set = new ItemSet(policy);
    this.showing = new Showing(this.set, hex(self));
  }

  /** The events of items that come together. */
  add(items: readonly unknown[], peerTime = fakeAt): string[] {
    return told(this.showing.onChange(this.set.add(items as Item[], peerTime), peerTime));
  }
}

function told(events: readonly ReplicaEvent[]): string[] {
  return events.map((event) => {
    assert(event.kind === "record");
    return `${event.cause} ${event.shown.item.body.version} until ${event.shown.expires - fakeAt}`;
  });
}

Deno.test("[R02] added, updated and deleted are told once each", () => {
  const desk = new Desk();
  const one = fakeVersion(by, record, { expires: fakeAt + 50 });
  assert.deepEqual(desk.add([one]), ["added 1 until 50"]);
  assert.deepEqual(desk.add([one]), []);
  const two = fakeVersion(by, record, { version: 2, expires: fakeAt + 60, prev: [prefixOf(one)] });
  assert.deepEqual(desk.add([two]), ["updated 2 until 60"]);
  assert.deepEqual(desk.add([fakeExtension(by, record, fakeAt + 90)]), ["updated 2 until 90"]);
  assert.deepEqual(desk.add([fakeVersion(by, record, { version: 1 })]), [], "an older one is no news");
  assert.equal(desk.showing.count, 1);
  assert.deepEqual(desk.add([fakeDelete(by, record)]), ["deleted 2 until 90"]);
  assert.deepEqual(desk.add([fakeVersion(by, record, { version: 3 })]), []);
  assert.equal(desk.showing.count, 0);
  assert.deepEqual(desk.showing.onTime(fakeAt + 1_000), []);
});

Deno.test("items that come together are one event", () => {
  const desk = new Desk();
  const versions = [1, 2, 3].map((version) => fakeVersion(by, record, { version, expires: fakeAt + 50 }));
  assert.deepEqual(desk.add(versions), ["added 3 until 50"]);
  const gone = recordOf(author, { nonce: new Uint8Array(16).fill(1) });
  assert.deepEqual(desk.add([fakeVersion(by, gone), fakeDelete(by, gone)]), []);
});

Deno.test("[R10] expired is told when its time comes, after the last moment at which it is shown", () => {
  const desk = new Desk();
  desk.add([fakeVersion(by, record, { expires: fakeAt + 50 })]);
  assert.equal(desk.showing.nextExpiry(), fakeAt + 51);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 50)), []);
  assert.notEqual(desk.showing.at(id, fakeAt + 50), null);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 51)), ["expired 1 until 50"]);
  assert.equal(desk.showing.at(id, fakeAt + 51), null);
  assert.deepEqual([...desk.showing.all(fakeAt + 51)], []);
  assert.equal([...desk.showing.all(fakeAt + 50)].length, 1);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 99)), []);
  assert.equal(desk.showing.nextExpiry(), null);
});

Deno.test("[R10] a record has one expiry: a later one takes the former's place, and what is gone has none", () => {
  const desk = new Desk();
  const other = recordOf(author, { nonce: new Uint8Array(16).fill(3) });
  desk.add([
    fakeVersion(by, record, { expires: fakeAt + 50 }),
    fakeVersion(by, other, { expires: fakeAt + 80 }),
  ]);
  assert.equal(desk.showing.nextExpiry(), fakeAt + 51);
  desk.add([fakeVersion(by, record, { version: 2, expires: fakeAt + 70 })]);
  assert.equal(desk.showing.nextExpiry(), fakeAt + 71);
  desk.add([fakeDelete(by, record)]);
  assert.equal(desk.showing.nextExpiry(), fakeAt + 81);
  desk.add([fakeVersion(by, other, { version: 2, expires: fakeAt + 60 })], fakeAt + 65);
  assert.equal(desk.showing.nextExpiry(), null);
});

Deno.test("[R11] one that came expired is no news; extended it returns or is added", () => {
  const desk = new Desk();
  const late = fakeAt + 100;
  assert.deepEqual(desk.add([fakeVersion(by, record, { expires: fakeAt + 50 })], late), []);
  assert.deepEqual(desk.add([fakeExtension(by, record, fakeAt + 500)], late), ["returned 1 until 500"]);
});

Deno.test("a clock that is set back shows again what it had hidden, and says so", () => {
  const desk = new Desk();
  desk.add([fakeVersion(by, record, { expires: fakeAt + 50 })]);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 400_000)), ["expired 1 until 50"]);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 399_000)), [], "a second is no setting back");
  assert.deepEqual(told(desk.showing.onTime(fakeAt)), ["returned 1 until 50"]);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 51)), ["expired 1 until 50"]);
});

Deno.test("(I10) a reader's view is exact also where the clock goes back by milliseconds", () => {
  const desk = new Desk();
  desk.add([fakeVersion(by, record, { expires: fakeAt + 50 })]);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 60)), ["expired 1 until 50"]);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 55)), []);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 45)), ["returned 1 until 50"]);
  assert.deepEqual([...desk.showing.told()].length, 1);
  const other = recordOf(author, { nonce: new Uint8Array(16).fill(2) });
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 70)), ["expired 1 until 50"]);
  assert.deepEqual(
    desk.add([fakeVersion(by, other, { expires: fakeAt + 65 })], fakeAt + 70),
    [],
    "it came too late",
  );
  assert.deepEqual([...desk.showing.told()], []);
  assert.deepEqual(told(desk.showing.onTime(fakeAt + 64)), ["returned 1 until 65"]);
});

Deno.test("(I10) many small steps back bring back what one large step would", () => {
  const desk = new Desk();
  const late = fakeAt + 200_000;
  desk.showing.onTime(late);
  assert.deepEqual(desk.add([fakeVersion(by, record, { expires: late - 100_000 })], late), []);
  assert.deepEqual(told(desk.showing.onTime(late - 40_000)), []);
  assert.deepEqual(told(desk.showing.onTime(late - 80_000)), []);
  assert.deepEqual(told(desk.showing.onTime(late - 120_000)).map((text) => text.split(" ")[0]), ["returned"]);
});

Deno.test("voided is told when the author's standing goes", () => {
  const { desk, items, member, founder } = groupDesk();
  const version = fakeVersion(member, recordOf(member.author), { expires: fakeAt + 50 });
  assert.deepEqual(desk.add([...items, version]), ["added 1 until 50"]);
  assert.deepEqual(desk.add(fakeRemoval(founder, member.author)), ["voided 1 until 50"]);
});

Deno.test("[R23] a conflict is told to the loser's author alone, once, whichever comes first", () => {
  for (const reader of [author, bytesOf("reader")]) {
    for (const isMineFirst of [true, false]) {
      const desk = new Desk(reader);
      const one = fakeVersion(by, record);
      const [mine, other] = [1, 2].map((n) =>
        fakeVersion(by, record, { version: 2, prev: [prefixOf(one)], hash: hashFrom(n) })
      );
      desk.add([one]);
      const events = [...desk.add([isMineFirst ? mine : other]), ...desk.add([isMineFirst ? other : mine])];
      const conflicts = events.filter((event) => event.startsWith("conflict 2"));
      assert.equal(conflicts.length, reader === author ? 1 : 0, events.join());
      const merged = fakeVersion(by, record, { version: 3, prev: [prefixOf(one), prefixOf(other!)] });
      assert.deepEqual(desk.add([merged]).map((event) => event.split(" ")[0]), ["updated"]);
    }
  }
});

Deno.test("[R23] building on one's own version, or on one that was seen, is no conflict", () => {
  const desk = new Desk(author);
  const one = fakeVersion(by, record);
  const two = fakeVersion(by, record, { version: 2, prev: [prefixOf(one)] });
  const three = fakeVersion(by, record, { version: 3, prev: [prefixOf(one), prefixOf(two)] });
  for (const item of [one, three, two]) {
    assert(desk.add([item]).every((event) => !event.startsWith("conflict")));
  }
});

function groupDesk(): { desk: Desk; items: Item[]; founder: Party; member: Party } {
  const [groupKey, creator, subject] = [bytesOf("group key"), bytesOf("creator"), bytesOf("member")];
  const founding = fakeFounding(groupKey, creator);
  const root = fakeCredential({ author: groupKey, credential: founding.hash }, creator, RoleBit.creator);
  const given = fakeCredential(partyOf(root), subject, RoleBit.member);
  const desk = new Desk(bytesOf("reader"), new GroupPolicy(founding.hash));
  const items = [founding, root, given] as unknown as Item[];
  return { desk, items, founder: partyOf(root), member: partyOf(given) };
}

Deno.test("what starting looks at grows with the records, not with their square", () => {
  const readsEach = [500, 2_000].map((count) => {
    let reads = 0;
    const counted = <T extends object>(value: T): T =>
      new Proxy(value, {
        get: (target, name) => {
          reads++;
          return Reflect.get(target, name);
        },
      });
    const self = bytesOf("author");
    const { set, showing } = new Desk(self);
    const stored = Array.from({ length: count }, (_, i) => {
      const head = recordOf(self, { nonce: bytesOf(`${i}`).slice(0, 16) });
      // One record in four has two versions: one of them lost.
      return [1, 2].slice(0, i % 4 === 0 ? 2 : 1).map((version) => ({
        item: counted(fakeVersion(by, head, { version })),
        arrival: 3 * i + version,
      }));
    }).flat();
    const change = set.restore(stored, fakeAt);
    showing.onChange({ ...change, entered: counted([...change.entered]) }, fakeAt);
    assert.equal(showing.count, count);
    return reads / count;
  });
  assert.ok(readsEach[1]! <= 1.2 * readsEach[0]!, `${readsEach} looks at each record`);
});

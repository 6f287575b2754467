import assert from "node:assert/strict";
import type { StoreEntry, StoreKey } from "../../../lib/base/ports.ts";
import { Backlog } from "../../../lib/graph/backlog.ts";
import { Slots } from "../../../lib/graph/keeping.ts";
import { commitEntriesMax } from "../../../lib/graph/limits.ts";
import type { Entry } from "../../../lib/records/entry.ts";
import type { Item } from "../../../lib/records/item.ts";
import type { SetChange } from "../../../lib/records/item_set.ts";
import {
  bytesOf,
  fixtureCrypto as crypto,
  keyOf,
  recordOf,
  signedItem,
  versionBody,
} from "../../fixtures/items.ts";

const graph = bytesOf("graph");
const author = keyOf("author");

function backlog(isKnown: (entry: Entry) => boolean = () => true): Backlog {
  let ticket = 0;
  return new Backlog({ crypto, slots: new Slots(graph), isKnown, takeTicket: () => ++ticket });
}

function entry(seq: number): Entry {
  const record = recordOf(author.publicKey, { nonce: bytesOf(`${seq}`).slice(0, 16) });
  const item = signedItem(author, graph, versionBody(record), { seq }) as Item;
  return { item, arrival: seq, place: "in" };
}

function contact(name: string, value = 1): StoreEntry {
  return { key: ["graph", graph, "contact", bytesOf(name)], value: Uint8Array.of(value) };
}

const nothing: SetChange = { entered: [], left: [], outside: [], dropped: [], records: [] };
const keysOf = (entries: readonly StoreEntry[]): StoreKey[] => entries.map(({ key }) => key);

Deno.test("what waits is handed over once, contacts behind all items, and is under way until its end", () => {
  const waits = backlog();
  const entered = Array.from({ length: commitEntriesMax + 1 }, (_, i) => entry(i + 1));
  waits.keep(contact("a"));
  waits.onChange({ ...nothing, entered });
  const commits = waits.take();
  assert.deepEqual(commits.map(({ sets }) => sets.length), [commitEntriesMax, 2]);
  assert.deepEqual(commits[1]!.sets.at(-1), contact("a"));
  assert.deepEqual([waits.take(), waits.isStored], [[], false]);
  for (const { ticket } of commits) waits.onStored(ticket);
  assert.equal(waits.isStored, true);
});

Deno.test("what a commit of its own writes is not written twice", () => {
  const waits = backlog();
  const [own, other] = [entry(1), entry(2)];
  waits.onChange({ ...nothing, entered: [own, other] }, [own]);
  assert.equal(waits.take()[0]!.sets.length, 1);
  const shelved: Entry = { ...own, arrival: 0, place: "shelf" };
  waits.onChange({ ...nothing, outside: [shelved] }, [own]);
  assert.equal(waits.take()[0]!.sets.length, 1, "its number is another one by now");
});

Deno.test("of a failed commit, items and deletions wait again, in the same slots", () => {
  const waits = backlog();
  const [kept, dropped] = [entry(1), entry(2)];
  waits.onChange({ ...nothing, entered: [kept, dropped] });
  const [first] = waits.take();
  waits.onStored(first!.ticket);
  waits.onChange({ ...nothing, left: [kept], dropped: [dropped.item] });
  const [second] = waits.take();
  assert.deepEqual([keysOf(second!.sets), second!.deletes], [
    [first!.sets[0]!.key],
    [first!.sets[1]!.key],
  ]);
  assert.deepEqual(waits.take(), []);
  waits.onFailed(second!.ticket);
  assert.deepEqual(waits.take().map(({ sets, deletes }) => [keysOf(sets), deletes]), [
    [keysOf(second!.sets), second!.deletes],
  ]);
});

Deno.test("of a failed commit, what was dropped meanwhile is not written again, nor over what was learnt anew", () => {
  const known = new Set<Entry>();
  const waits = backlog((entry) => known.has(entry));
  const [gone, former] = [entry(1), entry(2)];
  waits.onChange({ ...nothing, entered: [gone, former] });
  const [writing] = waits.take();
  waits.onChange({ ...nothing, dropped: [gone.item, former.item] });
  const [deleting] = waits.take();
  const anew: Entry = { ...former, arrival: 3 };
  known.add(anew);
  waits.onChange({ ...nothing, entered: [anew] });
  const [writingAnew] = waits.take();
  for (const { ticket } of [writing!, deleting!, writingAnew!]) waits.onFailed(ticket);
  const again = waits.take();
  assert.deepEqual(again.flatMap(({ sets }) => sets), writingAnew!.sets);
  assert.deepEqual(again.flatMap(({ deletes }) => deletes), deleting!.deletes);
});

Deno.test("of keeping and discarding one key, the last counts, over failures too", () => {
  const waits = backlog();
  const { key } = contact("a");
  waits.discard(key);
  waits.keep(contact("a", 2));
  const [kept] = waits.take();
  assert.deepEqual([kept!.sets, kept!.deletes], [[contact("a", 2)], []]);
  waits.onStored(kept!.ticket);
  waits.keep(contact("a", 3));
  waits.discard(key);
  const [gone] = waits.take();
  assert.deepEqual([gone!.sets, gone!.deletes], [[], [key]]);
  waits.keep(contact("a", 4));
  waits.onFailed(gone!.ticket);
  const [again] = waits.take();
  assert.deepEqual([again!.sets, again!.deletes], [[contact("a", 4)], []]);
});

Deno.test("deletions are bounded as writes are, and none is lost", () => {
  const waits = backlog();
  for (let i = 0; i < 2 * commitEntriesMax + 1; i++) waits.discard(contact(`${i}`).key);
  const deletes = waits.take().map((commit) => commit.deletes.length);
  assert.deepEqual(deletes, [commitEntriesMax, commitEntriesMax, 1]);
});

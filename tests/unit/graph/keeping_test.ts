import assert from "node:assert/strict";
import { hex } from "../../../lib/base/bytes.ts";
import type { StoreEntry } from "../../../lib/base/ports.ts";
import {
  contactEntry,
  contactKey,
  cursorEntry,
  cursorName,
  graphPrefix,
  itemEntry,
  restore,
  Slots,
  Unstored,
} from "../../../lib/graph/keeping.ts";
import { SetKind } from "../../../lib/graph/messages.ts";
import type { Item } from "../../../lib/records/item.ts";
import { encode } from "../../../lib/wire/codec.ts";
import type { Entry, Place } from "../../../lib/records/entry.ts";
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
const cursor = { arrival: 12, element: bytesOf("element").slice(0, 16) };

function item(seq: number): Item {
  const record = recordOf(author.publicKey, { nonce: bytesOf(`${seq}`).slice(0, 16) });
  return signedItem(author, graph, versionBody(record), { seq }) as Item;
}

Deno.test("what is kept comes back, items in their order of arrival", () => {
  const [one, two] = [item(1), item(2)];
  const peer = bytesOf("peer");
  const slots = new Slots(graph);
  const contact = { peer, own: ["tcp://20.0.0.1:4000"], hearsay: ["tcp://20.0.0.2:4000"] };
  const entries = [
    itemEntry(crypto, slots, one, 2 ** 40),
    itemEntry(crypto, slots, two, 3),
    cursorEntry(graph, peer, SetKind.data, cursor),
    contactEntry(graph, contact),
  ];
  for (const { key } of entries) assert.deepEqual(key.slice(0, 2), graphPrefix(graph));
  assert.deepEqual(entries[0]!.key, [...graphPrefix(graph), "item", 1]);
  assert.deepEqual(entries[3]!.key, contactKey(graph, peer));
  assert.deepEqual(restore(crypto, graph, new Slots(graph), entries), {
    items: [{ item: two, arrival: 3 }, { item: one, arrival: 2 ** 40 }],
    cursors: new Map([[cursorName(hex(peer), SetKind.data), cursor]]),
    contacts: [contact],
    damaged: [],
  });
  const earlier: StoreEntry = { key: contactKey(graph, peer), value: encode(contact.own) };
  assert.deepEqual(restore(crypto, graph, slots, [earlier]).contacts, [{ ...contact, hearsay: [] }]);
});

Deno.test("an item with any bit changed, or in another's place, is damaged", () => {
  const entry = itemEntry(crypto, new Slots(graph), item(1), 5);
  const isDamaged = (changed: StoreEntry) => {
    const restored = restore(crypto, graph, new Slots(graph), [changed]);
    assert.deepEqual(restored.items, []);
    assert.deepEqual(restored.damaged, [changed]);
  };
  for (let i = 0; i < entry.value.length; i++) {
    const value = entry.value.slice();
    value[i]! ^= 1 << (i % 8);
    isDamaged({ key: entry.key, value });
  }
  for (let length = 0; length < entry.value.length; length += 7) {
    isDamaged({ key: entry.key, value: entry.value.slice(0, length) });
  }
});

Deno.test("an item keeps its slot, over a restart too; a slot that was taken is not given again", () => {
  const slots = new Slots(graph);
  const [one, two, three] = [item(1), item(2), item(3)];
  const slotOf = (found: Slots, of: Item) => found.keyOf(of)[3];
  assert.deepEqual([one, two, one].map((of) => slotOf(slots, of)), [1, 2, 1]);
  const entries = [one, two].map((of) => itemEntry(crypto, slots, of, 1));
  const damaged = { key: [...graphPrefix(graph), "item", 7], value: Uint8Array.of(1) };
  const after = new Slots(graph);
  restore(crypto, graph, after, [...entries, damaged]);
  assert.deepEqual([one, two, three].map((of) => slotOf(after, of)), [1, 2, 8]);
  assert.deepEqual(after.free(two), entries[1]!.key);
  assert.equal(after.free(two), null);
  assert.equal(slotOf(after, two), 9);
});

Deno.test("damaged cursors and contacts are named too, and unknown kinds are left alone", () => {
  const peer = bytesOf("peer");
  const prefix = graphPrefix(graph);
  const damaged: StoreEntry[] = [
    { key: [...prefix, "cursor", peer, 0], value: Uint8Array.of(0xff) },
    { key: [...prefix, "cursor", peer, 1], value: Uint8Array.of(0x82, 1, 0x41, 1) },
    { key: [...prefix, "contact", peer], value: Uint8Array.of(1) },
    { key: [...prefix, "contact", peer.slice(1)], value: Uint8Array.of(0x80) },
  ];
  const unknown: StoreEntry = { key: [...prefix, "later"], value: Uint8Array.of(1) };
  const restored = restore(crypto, graph, new Slots(graph), [...damaged, unknown]);
  assert.deepEqual(restored, { items: [], cursors: new Map(), contacts: [], damaged });
});

Deno.test("what waits for the store leaves in bounded batches, each item once and as it is by then", () => {
  const entry = (n: number, place: Place = "in"): Entry => ({ item: item(n), place, arrival: n });
  const unstored = new Unstored();
  const [one, two, three, aside] = [entry(1), entry(2), entry(3), entry(4, "aside")];
  for (const waiting of [one, aside, two, three]) unstored.add(waiting);
  const shelved = { ...one, place: "shelf", arrival: 0 } as const;
  unstored.add(shelved);
  unstored.drop(three.item);
  assert.equal(unstored.isEmpty, false);
  const first = unstored.take(1, 1_000_000);
  assert.deepEqual(first, { entries: [shelved], dropped: [three.item] });
  assert.deepEqual(unstored.take(9, 1_000_000), { entries: [two], dropped: [] });
  assert.equal(unstored.isEmpty, true);
  unstored.add(one);
  unstored.add(two);
  assert.equal(unstored.take(9, 1).entries.length, 1, "one at least, however large");
  unstored.drop(two.item);
  unstored.add(two);
  assert.deepEqual(unstored.take(9, 1_000_000), { entries: [two], dropped: [] });
});

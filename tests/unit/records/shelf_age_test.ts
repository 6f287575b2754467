import assert from "node:assert/strict";
import type { Entry } from "../../../lib/records/entry.ts";
import { pastMsMax, shelfMsMax } from "../../../lib/records/limits.ts";
import { ShelfAge } from "../../../lib/records/shelf_age.ts";
import { bytesOf, fakeVersion, recordOf } from "../../fixtures/items.ts";

const alice = { author: bytesOf("alice"), credential: null };
const record = recordOf(alice.author);
const item = fakeVersion(alice, record);
const shelf: Entry[] = [{ item, place: "shelf", arrival: 0 }];
const before = record.until;
const after = record.until + 1;

Deno.test("[R27] due() drops what is past its until after an hour by the monotonic clock", () => {
  const age = new ShelfAge();
  assert.deepEqual(age.due(shelf, after, 1_000), []);
  assert.deepEqual(age.due(shelf, after, 999 + pastMsMax), []);
  assert.deepEqual(age.due(shelf, after, 1_000 + pastMsMax), [item.id]);
});

Deno.test("[R27] due() drops what was superseded after 30 days", () => {
  const age = new ShelfAge();
  assert.deepEqual(age.due(shelf, before, 0), []);
  assert.deepEqual(age.due(shelf, before, shelfMsMax - 1), []);
  assert.deepEqual(age.due(shelf, before, shelfMsMax), [item.id]);
});

Deno.test("due() begins anew when the clock was wrong, or the item left the shelf meanwhile", () => {
  const age = new ShelfAge();
  assert.deepEqual(age.due(shelf, after, 0), []);
  assert.deepEqual(age.due(shelf, before, 10), []);
  assert.deepEqual(age.due(shelf, after, 20), []);
  assert.deepEqual(age.due(shelf, after, pastMsMax + 10), []);
  assert.deepEqual(age.due([], after, pastMsMax + 15), []);
  assert.deepEqual(age.due(shelf, after, pastMsMax + 20), []);
});

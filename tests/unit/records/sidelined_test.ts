import assert from "node:assert/strict";
import { Sidelined } from "../../../lib/records/sidelined.ts";
import { bytesOf, fakeVersion, recordOf } from "../../fixtures/items.ts";

const entryOf = (name: string) => {
  const author = bytesOf(name);
  return { item: fakeVersion({ author, credential: null }, recordOf(author)) };
};

Deno.test("overflow() names the oldest entry of whoever has most", () => {
  const sidelined = new Sidelined<{ item: ReturnType<typeof entryOf>["item"] }>(4, 1_000);
  const [alice, first, second, bob, third] = ["alice", "mallory", "mallory", "bob", "mallory"].map(entryOf);
  for (const entry of [alice, first, second, bob]) sidelined.add(entry!);
  assert.equal(sidelined.overflow(), null);
  sidelined.add(third!);
  assert.equal(sidelined.overflow(), first);
  sidelined.delete(first!);
  assert.equal(sidelined.overflow(), null);
  assert.deepEqual([...sidelined.values()], [alice, second, bob, third]);
  sidelined.delete(first!);
  assert.equal(sidelined.size, 4);
});

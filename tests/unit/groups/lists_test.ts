import assert from "node:assert/strict";
import { below, SeededRandom, shuffled } from "../../../lib/base/random.ts";
import { Lists } from "../../../lib/groups/lists.ts";
import type { ListItem } from "../../../lib/records/item.ts";
import { asideAuthorityItemsMax, listPartsMax } from "../../../lib/records/limits.ts";
import { bytesOf, fakeList } from "../../fixtures/items.ts";

/** A list of this many parts, first to last. */
function listOf(count: number): ListItem[] {
  const parts = [fakeList([bytesOf("last")])];
  while (parts.length < count) parts.unshift(fakeList([bytesOf(`${parts.length}`)], parts[0]!.hash));
  return parts;
}

Deno.test("[T36] a part is news only when it completes a list that was asked for, in any order and after parts were lost", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new SeededRandom(seed);
    const parts = listOf(8);
    const lists = new Lists();
    const coming = shuffled(random, parts);
    const known: ListItem[] = [];
    const losses = seed % 2 === 0 ? 0 : 3;
    let lost = 0;
    const askedAt = below(random, coming.length);
    for (let i = 0; i < coming.length; i++) {
      if (i === askedAt) assert.ok(lists.lacks(parts[0]!.hash));
      if (i > askedAt && lost < losses) {
        const part = known.splice(below(random, known.length), 1)[0]!;
        lists.delete(part.id);
        coming.push(part);
        lost++;
      }
      const isNews = lists.add(coming[i]!);
      known.push(coming[i]!);
      // With parts lost meanwhile it may be thought whole too early; it is never overlooked.
      if (known.length === parts.length || lost === 0) {
        assert.equal(isNews, known.length === parts.length, `seed ${seed}, part ${i}`);
      }
    }
    assert.equal(lists.lacks(parts[0]!.hash), false);
  }
});

Deno.test("[T36] parts that nobody asked for are never news, nor are those of a list that is too long", () => {
  const lists = new Lists();
  assert.ok(listOf(20).every((part) => !lists.add(part)));
  const long = listOf(listPartsMax + 1);
  for (const part of long.slice(1)) lists.add(part);
  assert.ok(lists.lacks(long[0]!.hash));
  assert.equal(lists.add(long[0]!), false);
  assert.ok(lists.lacks(long[0]!.hash));
});

Deno.test("[T36] lists that are asked for and forgotten again leave no trace: a pass is due, and begins anew", () => {
  const lists = new Lists();
  for (let i = 0; i <= 2 * asideAuthorityItemsMax; i++) {
    assert.equal(lists.isCrowded, false, `after ${i}`);
    lists.lacks(bytesOf(`list ${i}`));
  }
  assert.ok(lists.isCrowded);
  lists.beginPass();
  assert.equal(lists.isCrowded, false);
});

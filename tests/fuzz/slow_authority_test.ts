/** More authority items under one credential than one call takes arguments: a spread of them overflows the stack. */

import assert from "node:assert/strict";
import { hex } from "../../lib/base/bytes.ts";
import { bytesOf } from "../fixtures/items.ts";
import { leavingMember, waitingCredentials } from "./crafted_groups.ts";

const count = 150_000;

Deno.test("[X09] [T39] a member that left 150,000 times has left, and nothing throws", () => {
  const { policy, items } = leavingMember(count, 10);
  policy.learn(items);
  assert.equal(policy.member(hex(bytesOf("bob"))), null);
  assert.notEqual(policy.member(hex(bytesOf("subject 0"))), null);
});

Deno.test("[X09] [T39] 150,000 credentials under one that is not here wait, and nothing throws", () => {
  const { policy, items } = waitingCredentials(count);
  policy.learn(items);
  for (const item of [items[1]!, items.at(-1)!]) assert.equal(policy.judgeAuthority(item), "wait");
});

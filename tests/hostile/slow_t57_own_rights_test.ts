/** T57, more of it: all sequences of three operations by two, all of two by four, and many of five and six. */

import assert from "node:assert/strict";
import { operationsOf } from "./kit/small_groups.ts";
import { judgeAll, judgeSome } from "./kit/small_group_runs.ts";

Deno.test("[T57] every sequence of three operations by two admins comes to what the reference says", () => {
  const operations = operationsOf(["bob", "carol"]);
  assert.equal(judgeAll(operations, 3), operations.length ** 3);
});

Deno.test("[T57] every pair of operations by four actors comes to what the reference says", () => {
  const operations = operationsOf(["alice", "bob", "carol", "dave"]);
  assert.equal(judgeAll(operations, 2), operations.length ** 2);
});

Deno.test("[T57] 20,000 sequences of five and 5,000 of six come to what the reference says", () => {
  judgeSome(1, 20_000, 5);
  judgeSome(2, 5_000, 6);
});

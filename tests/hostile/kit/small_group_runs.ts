/** Sequences of operations in small groups, all of them or drawn by chance. */

import { pick, SeededRandom } from "../../../lib/base/random.ts";
import { judge, type Operation, operationsOf, SmallGroup } from "./small_groups.ts";

/** Judges every sequence of `length` of these operations; how many there were. */
export function judgeAll(operations: readonly Operation[], length: number): number {
  let count = 0;
  const extend = (taken: readonly Operation[]): void => {
    if (taken.length === length) {
      judgeSequence(taken);
      count++;
      return;
    }
    for (const operation of operations) extend([...taken, operation]);
  };
  extend([]);
  return count;
}

/** Judges sequences of `length` operations by anybody, drawn by chance. */
export function judgeSome(seed: number, count: number, length: number): void {
  const random = new SeededRandom(seed);
  const operations = operationsOf(["alice", "bob", "carol", "dave", "erin"]);
  for (let i = 0; i < count; i++) {
    judgeSequence(Array.from({ length }, () => pick(random, operations)));
  }
}

function judgeSequence(operations: readonly Operation[]): void {
  const group = new SmallGroup();
  for (const operation of operations) group.do(operation);
  judge(group.group, group.items, [], JSON.stringify(operations));
}

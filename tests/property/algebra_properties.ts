/** The properties of the algebra, for the quick run and the slow one. A failure names its seed. */

import assert from "node:assert/strict";
import { equalBytes } from "../../lib/base/bytes.ts";
import { shuffled } from "../../lib/base/random.ts";
import type { Item } from "../../lib/records/item.ts";
import { fixtureCrypto } from "../fixtures/items.ts";
import {
  createReplica,
  effectBytes,
  exchangingReplicas,
  followedOf,
  Follower,
  modelStateOf,
  referenceState,
  type Replica,
  replicaOf,
  standEqual,
  stateBytes,
} from "./algebra.ts";
import { countRules, ruleNames } from "./coverage.ts";
import { expel, withAttack } from "./ex_members.ts";
import { History, judgedAt } from "./histories.ts";

/** Seeds from `first` on, `count` of them. */
export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/**
 * In any order, in one batch or in parts that are exchanged, the same items come to the same places,
 * members and shown records, byte by byte; and to what the reference model says. Every rule must
 * have worked in at least one of `rareness` histories.
 */
export function checkHistories({ first, count }: Seeds, rareness: number): void {
  const counts = new Map<string, number>();
  let returned = 0;
  for (let seed = first; seed < first + count; seed++) {
    const history = new History(seed, seed % 8 !== 0).grow(8 + seed % 17);
    const { group, items, random } = history;
    const follower = new Follower();
    const replica = createReplica(group);
    for (const item of shuffled(random, items)) follower.follow(replica.set.add([item], judgedAt));
    returned += follower.returned;
    assert.deepEqual(modelStateOf(replica), referenceState(group, items), `seed ${seed}: the model differs`);
    assert.deepEqual(follower.result(), followedOf(replica.set), `seed ${seed}: the changes do not add up`);
    const atOnce = createReplica(group);
    atOnce.set.add(shuffled(random, items), judgedAt);
    mustEqual(replica, atOnce, `seed ${seed}: one batch differs from single items`);
    for (const other of exchangingReplicas(random, group, items)) {
      mustEqual(replica, other, `seed ${seed}: exchanged parts differ from single items`);
    }
    if (group !== null) countRules(replica, items, counts);
  }
  const seldom = ruleNames.filter((rule) => (counts.get(rule) ?? 0) < count / rareness);
  assert.deepEqual(seldom, [], "every rule worked often enough");
  assert.ok(returned > count / rareness, "items returned from the shelf");
}

/** All orders of arrival of small histories come to equal bytes. */
export function checkAllOrders({ first, count }: Seeds): void {
  for (let seed = first; seed < first + count; seed++) {
    // In half of the histories the group's first items are among those that are permuted.
    const history = new History(seed, seed % 4 !== 3).grow(seed % 2 === 0 ? 6 : 10);
    const { group, items } = history;
    const fixed = items.slice(0, items.length - 6);
    let expected: Uint8Array | null = null;
    for (const order of permutations(items.slice(items.length - 6))) {
      const bytes = stateBytes(replicaOf(group, [...fixed, ...order]));
      expected ??= bytes;
      if (!equalBytes(bytes, expected)) {
        assert.fail(`seed ${seed}: order ${order.map(({ id }) => id)} differs`);
      }
    }
  }
}

/** Whatever an ex-member makes, nobody who holds its removal sees an effect. */
export function checkExMembers({ first, count }: Seeds): void {
  const made = { own: 0, joiners: 0, unaware: 0 };
  let harmful = 0;
  for (let seed = first, cases = 0; cases < count; seed++) {
    const history = new History(seed, true).grow(8 + seed % 14);
    const expulsion = expel(history);
    if (expulsion === null) continue;
    cases++;
    const without = replicaOf(expulsion.group, expulsion.before);
    const attacked = withAttack(expulsion, history.random);
    if (!equalBytes(effectBytes(without), effectBytes(attacked))) {
      assert.deepEqual(effectOf(attacked), effectOf(without), `seed ${seed}: an ex-member has an effect`);
    }
    made.own += expulsion.counts.own;
    made.joiners += expulsion.counts.joiners;
    made.unaware += expulsion.counts.unaware;
    harmful += Number(wouldHarm(expulsion));
  }
  assert.ok(
    made.own > count && made.joiners > count / 6 && made.unaware > count / 3,
    "attacks are of every sort",
  );
  assert.ok(harmful > count / 3, `only ${harmful} attacks would do anything without the removal`);
}

function mustEqual(a: Replica, b: Replica, message: string): void {
  if (!standEqual(a, b, fixtureCrypto)) assert.deepEqual(modelStateOf(b), modelStateOf(a), message);
  if (!standEqual(a, b, fixtureCrypto)) assert.fail(`${message} in its fingerprint`);
}

function effectOf(replica: Replica): unknown {
  const { members, records } = modelStateOf(replica);
  return { members, records };
}

/** Whether the attack changes something where the removal is unknown: else the property says nothing. */
function wouldHarm({ group, before, attack }: NonNullable<ReturnType<typeof expel>>): boolean {
  const unaware = before.slice(0, -2);
  const without = effectBytes(replicaOf(group, unaware));
  return !equalBytes(without, effectBytes(replicaOf(group, [...unaware, ...attack])));
}

function* permutations(items: readonly Item[]): IterableIterator<Item[]> {
  if (items.length === 0) return yield [];
  for (let i = 0; i < items.length; i++) {
    const rest = [...items.slice(0, i), ...items.slice(i + 1)];
    for (const order of permutations(rest)) yield [items[i]!, ...order];
  }
}

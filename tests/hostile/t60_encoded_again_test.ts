/**
 * T60: what was removed, encoded again. A removal names a lineage and lists hashes of what was signed, so
 * another encoding, another signature or another number of the same thing is the same thing or a void one.
 */

import assert from "node:assert/strict";
import { concat } from "../../lib/base/bytes.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { credentialBody, keyOf } from "../fixtures/items.ts";
import { add, crypto, GroupWorld, isMember, settle } from "../sim/replica_fixture.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

/** One byte changed, put in or left out, a head made longer than need be, a tail: what a re-encoder may try. */
function encodedAgain(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = below(random, bytes.length);
  switch (below(random, 5)) {
    case 0:
      return bytes.with(at, bytes[at]! ^ (1 << below(random, 8)));
    case 1:
      return concat(bytes.subarray(0, at), Uint8Array.of(below(random, 256)), bytes.subarray(at));
    case 2:
      return concat(bytes.subarray(0, at), bytes.subarray(at + 1));
    case 3: {
      // A short head as a longer one: 0x58 n for 0x40 + n, 0x98 n for 0x80 + n, and so on.
      const head = bytes[at]!;
      const longer = Uint8Array.of((head & 0xe0) | 0x18, head & 0x1f);
      return concat(bytes.subarray(0, at), longer, bytes.subarray(at + 1));
    }
    default:
      return concat(bytes, Uint8Array.of(below(random, 256)));
  }
}

Deno.test("[T60] a removed member's credential, encoded again in 20,000 ways, is never taken for another", () => {
  const group = new GroupWorld(1);
  const { founder, world } = group;
  const rogue = group.join({ roles: RoleBit.admin });
  settle(world);
  const { graph, policy } = founder.replica;
  const proof = policy.proofOf(rogue.signer.publicKey).at(-1)!;
  const admin = HostileNode.of(rogue, founder);
  rogue.crash();
  const credential = admin.make(credentialBody(keyOf("heir").publicKey, RoleBit.admin));
  group.remove(founder, rogue);
  const random = new SeededRandom(1);
  const target = new Target(founder);
  const before = founder.replica.snapshot().authorityFingerprint;
  for (const { bytes, id } of [proof, credential]) {
    let accepted = 0;
    for (let i = 0; i < 10_000; i++) {
      const again = encodedAgain(bytes, random);
      const parsed = parseItem(crypto, graph, again);
      if (!parsed.ok) continue;
      if (verifyItem(crypto, graph, parsed.item)) {
        accepted++;
        assert.equal(parsed.item.id, id);
      }
      if (i % 50 === 0) target.link(keyOf(`relay ${i}`)).greet([{ bytes: again }]);
    }
    // One form each: the honest bytes are not among the changed ones.
    assert.equal(accepted, 0);
  }
  assert.equal(founder.replica.snapshot().authorityFingerprint, before);
  assert(!isMember(rogue, founder));
  assert.equal(policy.mayConnect(keyOf("heir").publicKey), false);
});

Deno.test("[T60] the same statement signed again, with another number, writer or date, is as void as the first", () => {
  const group = new GroupWorld(2);
  const { founder, world } = group;
  const [rogue, member] = [group.join({ roles: RoleBit.admin }), group.join()];
  settle(world);
  const listed = add(rogue, "stays");
  settle(world);
  const admin = HostileNode.of(rogue, founder);
  const stays = founder.replica.set.shown(listed)!.item;
  rogue.crash();
  group.remove(founder, rogue);
  const link = HostileNode.of(member, founder).enter(new Target(founder));
  const before = founder.shown;
  for (const head of [{ seq: 1 }, { seq: 99 }, { at: 1 }, { writer: new Uint8Array(8) }, stays.head]) {
    link.give(admin.make(credentialBody(keyOf("heir").publicKey, RoleBit.admin), head));
    // The listed version's own words, under another head: another item, which no list names.
    const again = admin.make({ ...stays.body, version: 2 }, head);
    link.give(again);
    assert.notEqual(founder.replica.set.entry(again.id)?.place, "in");
  }
  assert.deepEqual(founder.shown, before);
  assert.equal(founder.replica.policy.mayConnect(keyOf("heir").publicKey), false);
});

Deno.test("[T60] another signature over the same words is the same item: it is known, and not looked at again", () => {
  const group = new GroupWorld(3);
  const { founder, world } = group;
  const member = group.join();
  settle(world);
  member.crash();
  const hostile = HostileNode.of(member, founder);
  const item = hostile.version("hello");
  const link = hostile.enter(new Target(founder));
  link.give(item);
  const envelope = openEnvelope(item.bytes);
  assert(envelope.ok);
  // Whatever stands where the signature was, the words are known by their hash.
  const other = { bytes: concat(item.bytes.subarray(0, -64), new Uint8Array(64).fill(7)) };
  for (let i = 0; i < 100; i++) link.give(other);
  assert.equal(link.end, undefined);
  assert.equal(founder.replica.snapshot().dataItems, 1);
  assert.deepEqual(founder.replica.set.entry(item.id)?.item.bytes, item.bytes);
});

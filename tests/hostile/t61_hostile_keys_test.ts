/**
 * T61: public keys under which one signature may hold for anything, or that have two encodings. The platform
 * takes some of them; here each is refused wherever a key can stand in an item, before anything is verified.
 * Links refuse them in their handshake (`tests/unit/identity`).
 */

import assert from "node:assert/strict";
import { fromHex, hex } from "../../lib/base/bytes.ts";
import { badItemsMax } from "../../lib/graph/limits.ts";
import { RoleBit } from "../../lib/groups/roles.ts";
import { type AuthorityBody, ItemKind } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import { decode, encode, type Value } from "../../lib/wire/codec.ts";
import { openEnvelope, sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { parsePublicKey } from "../../lib/wire/signature.ts";
import { admissionBody, credentialBody, keyOf } from "../fixtures/items.ts";
import edges from "../golden/ed25519_edge_cases.json" with { type: "json" };
import { crypto, GroupWorld, settle } from "../sim/replica_fixture.ts";
import { createCountingCrypto } from "./kit/counting_crypto.ts";
import { HostileNode, Target } from "./kit/hostile_node.ts";

/** The published set's keys that are of small order or not canonical, and every encoding of small order of our own. */
function hostileKeys(): Uint8Array[] {
  const published = edges.cases.filter((one) => one.public_key_must_be_refused_at_parse).map((one) =>
    one.pub_key
  );
  const prime = 2n ** 255n - 19n;
  const low = [0n, 1n, prime - 1n, prime, prime + 1n, 2n ** 255n - 1n];
  const eights = [
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];
  const own = low.flatMap((y) => [y, y + 2n ** 255n]).map((y) => {
    const bytes = y.toString(16).padStart(64, "0");
    return hex(fromHex(bytes)!.toReversed());
  });
  const signed = eights.flatMap((text) => {
    const bytes = fromHex(text)!;
    return [text, hex(bytes.with(31, bytes[31]! ^ 0x80))];
  });
  return [...new Set([...published, ...own, ...signed])].map((text) => fromHex(text)!);
}

/** An item with another value at a place of its payload, signed anew by whoever signs. */
function rewritten(
  signer: Signer,
  graph: Uint8Array,
  item: { bytes: Uint8Array },
  change: (fields: Value[]) => void,
) {
  const envelope = openEnvelope(item.bytes);
  assert(envelope.ok);
  const decoded = decode(envelope.payload);
  assert(decoded.ok);
  const fields = decoded.value as Value[];
  change(fields);
  return { bytes: sealEnvelope(crypto, signer, Purpose.item, graph, encode(fields)) };
}

Deno.test("[T61] every key of small order or in a second encoding is refused at parse", () => {
  const keys = hostileKeys();
  assert.ok(keys.length >= 14, `${keys.length} keys`);
  for (const key of keys) assert.equal(parsePublicKey(key), null, hex(key));
  assert.notEqual(parsePublicKey(keyOf("anybody").publicKey), null);
});

Deno.test("[T61] a hostile key as author, subject, bearer, joiner, creator or removed one is refused, and nothing is verified for it", () => {
  const counting = createCountingCrypto();
  const group = new GroupWorld(1, { crypto: counting });
  const { founder, world } = group;
  const rogue = group.join({ roles: RoleBit.admin });
  settle(world);
  rogue.crash();
  const admin = HostileNode.of(rogue, founder);
  const { graph } = founder.replica;
  const bearer = keyOf("bearer");
  const invitation: AuthorityBody = {
    ...{ kind: ItemKind.invitation, bearer: bearer.publicKey, joinersMax: 9, roles: RoleBit.member },
    ...{ expires: admin.at + 1_000_000, discovery: null },
  };
  const someone = keyOf("someone").publicKey;
  const made = {
    credential: admin.make(credentialBody(someone, RoleBit.member)),
    invitation: admin.make(invitation),
    removal: admin.make({ kind: ItemKind.removal, subject: someone, list: someone, closes: [] }),
    version: admin.version("hello"),
  };
  const before = founder.replica.snapshot();
  let tried = 0;
  for (const key of hostileKeys()) {
    // Where a key stands: the whole text of the item is searched for the honest one and altered.
    const forged = [
      ...Object.values(made).map((item) =>
        rewritten(admin.signer, graph, item, (fields) => void (fields[1] = key))
      ),
      ...[made.credential, made.invitation, made.removal].map((item) =>
        rewritten(admin.signer, graph, item, (fields) => {
          fields[7] = replaced(fields[7]!, [someone, bearer.publicKey], key);
        })
      ),
      rewritten(admin.signer, graph, made.version, (fields) => {
        fields[7] = replaced(fields[7]!, [admin.signer.publicKey], key);
      }),
      { bytes: admin.make(admissionBody(bearer, graph, made.invitation.hash, key)).bytes },
    ];
    for (const { bytes } of forged) {
      const parsed = parseItem(crypto, graph, bytes);
      assert.equal(parsed.ok, false, hex(key));
      tried++;
    }
    const link = admin.enter(new Target(founder));
    const { verifications } = counting.cost(() => link.give(...forged.slice(0, badItemsMax)));
    // The statement of an admission is what its bearer signed, and is verified as it is decoded.
    assert.ok(verifications <= 1, `${verifications} verifications`);
    link.leave();
  }
  assert.ok(tried >= 14 * 9);
  const { known, authorityFingerprint, dataFingerprint } = founder.replica.snapshot();
  assert.deepEqual(
    { known, authorityFingerprint, dataFingerprint },
    {
      known: before.known,
      authorityFingerprint: before.authorityFingerprint,
      dataFingerprint: before.dataFingerprint,
    },
  );
});

/** A value with every one of these byte strings in it replaced. */
function replaced(value: Value, keys: readonly Uint8Array[], by: Uint8Array): Value {
  if (value instanceof Uint8Array) {
    if (keys.some((key) => hex(key) === hex(value))) return by;
    // A credential carries its claims encoded: the key is inside.
    const text = hex(value);
    const found = keys.find((key) => text.includes(hex(key)));
    return found === undefined ? value : fromHex(text.replaceAll(hex(found), hex(by)))!;
  }
  if (Array.isArray(value)) return value.map((part) => replaced(part, keys, by));
  if (value instanceof Map) {
    return new Map([...value].map(([name, part]) => [name, replaced(part, keys, by)]));
  }
  return value;
}

Deno.test("[T61] a signature in a second form holds for nothing, though its first form does", () => {
  const group = new GroupWorld(2);
  const { founder, world } = group;
  const member = group.join();
  settle(world);
  member.crash();
  const hostile = HostileNode.of(member, founder);
  const item = hostile.version("hello");
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${hex(item.bytes.slice(-32).toReversed())}`);
  for (const other of [s + order, s + 2n * order]) {
    const bytes = fromHex(other.toString(16).padStart(64, "0").slice(-64))!.toReversed();
    const forged = { bytes: item.bytes.slice() };
    forged.bytes.set(bytes, forged.bytes.length - 32);
    const link = hostile.enter(new Target(founder));
    link.give(forged);
    assert.equal(founder.replica.set.has(item.id), false);
    link.leave();
  }
  hostile.enter(new Target(founder)).give(item);
  assert(founder.replica.set.has(item.id));
});

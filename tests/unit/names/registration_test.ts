import assert from "node:assert/strict";
import { hex, utf8 } from "../../../lib/base/bytes.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { classifierHash, cloudId, nameKey } from "../../../lib/names/id_space.ts";
import {
  heldGroupMax,
  heldNameMax,
  registrationBytesMax,
  registrationLifeMsMax,
} from "../../../lib/names/limits.ts";
import { Holdings } from "../../../lib/names/holdings.ts";
import { StoreVerdict } from "../../../lib/names/messages.ts";
import {
  openRegistration,
  type RegistrationBody,
  replaces,
  sealRegistration,
  type SignedStatement,
  type Statement,
  verifyRegistration,
} from "../../../lib/names/registration.ts";
import { encode, type Value } from "../../../lib/wire/codec.ts";
import { sealEnvelope } from "../../../lib/wire/envelope.ts";
import { Purpose } from "../../../lib/wire/purposes.ts";
import { crypto, signerOf } from "../../sim/names_world.ts";

const cloud = cloudId(crypto, "test");
const now = { monoMs: 1_000, wallMs: 1_900_000_000_000 };
const fullBody: RegistrationBody = {
  endpoints: Array.from({ length: 10 }, (_, i) => ({
    transport: "tcp" as const,
    address: { host: `2a00:1:2:3::${i + 1}`, port: 65_535 },
  })),
  comment: "\u{1f426}".repeat(39),
  payload: { digest: crypto.sha256(utf8("payload")), length: 4_096, kind: 1 },
};

function statementOf(
  options: Partial<Statement> & { secured?: boolean; signerByte?: number } = {},
): SignedStatement {
  const signer = signerOf(options.signerByte ?? 1);
  const authority = options.secured ? signer.publicKey : null;
  const classifier = classifierHash(crypto, "chat");
  const statement: Statement = {
    nameKey: nameKey(crypto, cloud, authority, classifier),
    authority,
    classifier,
    signer: signer.publicKey,
    publisher: options.publisher ?? new Uint8Array(32).fill(9),
    seq: options.seq ?? 1,
    expires: options.expires ?? now.wallMs + 3_600_000,
    body: options.body === undefined ? fullBody : options.body,
  };
  return sealRegistration(crypto, cloud, signer, statement);
}

function opens(bytes: Uint8Array): boolean {
  const opened = openRegistration(crypto, cloud, bytes);
  return opened.ok && verifyRegistration(crypto, cloud, opened.statement);
}

Deno.test("the largest registration fits, and comes back from its bytes", () => {
  for (const statement of [statementOf(), statementOf({ secured: true }), statementOf({ body: null })]) {
    assert.ok(statement.bytes.length <= registrationBytesMax);
    const opened = openRegistration(crypto, cloud, statement.bytes);
    assert.ok(opened.ok && verifyRegistration(crypto, cloud, opened.statement));
    assert.deepEqual(opened.statement, statement);
  }
});

Deno.test("the bytes of a registration are pinned", () => {
  const { bytes } = statementOf({ secured: true });
  assert.equal(bytes.length, 658);
  assert.equal(
    hex(crypto.sha256(bytes)),
    "dc896e3197cd322f95a6cde252cca05e079d96afc5bae9be60e794dee9052bf4",
  );
});

Deno.test("[T25] no registration with a flipped bit, cut or extended is taken", () => {
  const { bytes } = statementOf({ secured: true });
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const forged = bytes.slice();
    forged[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!opens(forged), `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) assert.ok(!opens(bytes.subarray(0, length)));
  assert.ok(!opens(Uint8Array.of(...bytes, 0)));
});

Deno.test("[N19] [T26] a statement signed by another key, for another cloud or purpose, is not taken", () => {
  const holder = signerOf(1);
  const other = signerOf(2);
  const honest = statementOf({ secured: true });
  assert.ok(opens(honest.bytes));
  const forged = sealRegistration(crypto, cloud, other, honest);
  assert.ok(!opens(forged.bytes));
  const claimed = sealRegistration(crypto, cloud, other, { ...honest, signer: other.publicKey });
  assert.ok(!openRegistration(crypto, cloud, claimed.bytes).ok);
  const elsewhere = cloudId(crypto, "elsewhere");
  assert.ok(!opens(sealRegistration(crypto, elsewhere, holder, honest).bytes));
  for (const purpose of Object.values(Purpose)) {
    const moved = sealEnvelope(crypto, holder, purpose, cloud, honest.envelope.payload);
    assert.equal(opens(moved), purpose === Purpose.registration, purpose);
  }
});

Deno.test("[T37] [T61] fields out of their bounds are not taken", () => {
  const signer = signerOf(1);
  const classifier = classifierHash(crypto, "chat");
  const good: Value[] = [
    1,
    nameKey(crypto, cloud, null, classifier),
    null,
    classifier,
    signer.publicKey,
    new Uint8Array(32),
    1,
    2,
    null,
    [[], "", null],
  ];
  const sealed = (change: { readonly [index: number]: Value }) =>
    sealEnvelope(
      crypto,
      signer,
      Purpose.registration,
      cloud,
      encode(good.map((value, i) => change[i] ?? value)),
    );
  assert.ok(opens(sealed({})));
  assert.ok(opens(sealed({ 6: Number.MAX_SAFE_INTEGER, 7: Number.MAX_SAFE_INTEGER })));
  const tcp = Uint8Array.of(1, 20, 0, 0, 1, 0, 80);
  const bad: { readonly [index: number]: Value }[] = [
    { 0: 2 },
    { 1: new Uint8Array(32) },
    { 2: new Uint8Array(32) }, // the authority of no key at all
    { 4: new Uint8Array(32) }, // a key of small order
    { 5: new Uint8Array(31) },
    { 6: -1 },
    { 7: "soon" },
    { 8: [] },
    { 9: [[], "", null, null] },
    { 9: [new Array(11).fill(tcp), "", null] },
    { 9: [[Uint8Array.of(3, 20, 0, 0, 1, 0, 80)], "", null] },
    { 9: [[Uint8Array.of(1, 20, 0, 0, 1, 0, 0)], "", null] },
    { 9: [[Uint8Array.of(1, 224, 0, 0, 1, 0, 80)], "", null] },
    { 9: [[], "c".repeat(40), null] },
    { 9: [[], "", [new Uint8Array(32), 4_097, 1]] },
    { 9: [[], "", [new Uint8Array(32), 1, 3]] },
  ];
  for (const [i, change] of bad.entries()) assert.ok(!opens(sealed(change)), `case ${i}`);
});

const random = new SeededRandom(17);
const address = { host: "20.1.1.1", port: 4_000 };

function newHoldings(): Holdings {
  return new Holdings(crypto, cloud, random);
}

function publisher(n: number): Uint8Array {
  return Uint8Array.of(...new Uint8Array(30), n >> 8, n & 255);
}

Deno.test("[T23] Holdings keeps the highest seq of a publisher, revocations too", () => {
  const holdings = newHoldings();
  const [first, second, revoked] = [
    statementOf({ seq: 5 }),
    statementOf({ seq: 6 }),
    statementOf({ seq: 7, body: null, expires: now.wallMs + 1_000 }),
  ];
  assert.equal(holdings.store(second, address, now), StoreVerdict.kept);
  assert.equal(holdings.store(first, address, now), StoreVerdict.older);
  assert.equal(holdings.store(revoked, address, now), StoreVerdict.kept);
  assert.equal(holdings.store(second, address, now), StoreVerdict.older);
  // A revocation outlives its own word: it stands as long as what it revokes would have.
  assert.equal(holdings.of(second.nameKey, now.monoMs + 3_500_000)[0]!.statement.seq, 7);
  holdings.sweep(now.monoMs + 3_700_000);
  assert.equal(holdings.size, 0);
});

Deno.test("[T24] Holdings refuses what ran out, what lives over a day, and forgeries", () => {
  const holdings = newHoldings();
  const day = now.wallMs + registrationLifeMsMax;
  assert.equal(holdings.store(statementOf({ expires: now.wallMs }), address, now), StoreVerdict.refused);
  assert.equal(holdings.store(statementOf({ expires: day + 3_600_000 }), address, now), StoreVerdict.refused);
  assert.equal(
    holdings.store(statementOf({ expires: Number.MAX_SAFE_INTEGER }), address, now),
    StoreVerdict.refused,
  );
  const honest = statementOf();
  const forged = { ...honest, envelope: { ...honest.envelope, signature: new Uint8Array(64) } };
  assert.equal(holdings.store(forged, address, now), StoreVerdict.refused);
  assert.equal(holdings.size, 0);
});

Deno.test("[T24] Holdings keeps 32 registrations of a name and two from one network, dropping at random", () => {
  const holdings = newHoldings();
  const name = statementOf().nameKey;
  for (let i = 0; i < 100; i++) {
    const from = { host: `20.1.1.${(i % 200) + 1}`, port: 4_000 };
    holdings.store(statementOf({ publisher: publisher(i) }), from, now);
  }
  assert.equal(holdings.of(name, now.monoMs).length, heldGroupMax);
  for (let i = 0; i < 300; i++) {
    const from = { host: `30.${i >> 8}.${i & 255}.1`, port: 4_000 };
    holdings.store(statementOf({ publisher: publisher(1_000 + i) }), from, now);
  }
  const kept = holdings.of(name, now.monoMs).map((held) =>
    held.statement.publisher[31]! + 256 * held.statement.publisher[30]!
  );
  assert.equal(kept.length, heldNameMax);
  // Neither the first nor the last ones win.
  assert.ok(kept.some((n) => n < 1_150) && kept.some((n) => n >= 1_150));
});

Deno.test("replaces() prefers the higher seq and gives one answer for equal ones", () => {
  const a = statementOf({ seq: 1 });
  const b = statementOf({ seq: 1, signerByte: 2 });
  assert.ok(replaces(statementOf({ seq: 2 }), a));
  assert.notEqual(replaces(a, b), replaces(b, a));
  assert.ok(!replaces(a, a));
});

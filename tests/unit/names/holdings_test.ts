import assert from "node:assert/strict";
import { below, SeededRandom } from "../../../lib/base/random.ts";
import { Holdings } from "../../../lib/names/holdings.ts";
import { cloudId } from "../../../lib/names/id_space.ts";
import { heldMax } from "../../../lib/names/limits.ts";
import { StoreVerdict } from "../../../lib/names/messages.ts";
import { sealRegistration, type SignedStatement } from "../../../lib/names/registration.ts";
import { createLightCrypto, lightDigest } from "../../../lib/sim/light_crypto.ts";
import { signerOf } from "../../sim/names_world.ts";

const crypto = createLightCrypto(lightDigest);
const cloud = cloudId(crypto, "test");
const signer = signerOf(1, crypto);
const hour = 3_600_000;

interface HeldName {
  readonly key: Uint8Array;
  readonly untilMs: number;
}

const signed = sealRegistration(crypto, cloud, signer, {
  nameKey: new Uint8Array(32),
  authority: null,
  classifier: new Uint8Array(32),
  signer: signer.publicKey,
  publisher: new Uint8Array(32),
  seq: 1,
  expires: 0,
  body: { endpoints: [], comment: "", payload: null },
});

/** A registration of a name of its own by a publisher of its own. All have one signed form, which holdings do not look into. */
function statementOf(n: number, expires: number): SignedStatement {
  const digest = lightDigest(Uint8Array.of(n >> 16, n >> 8, n));
  return { ...signed, nameKey: digest, publisher: digest, expires };
}

Deno.test("[T24] over random histories what gives way is of the group that has most now, not of one that had", () => {
  for (const seed of [1, 2]) {
    const random = new SeededRandom(seed);
    const holdings = new Holdings(crypto, cloud, random);
    /** By the rules alone: what each group holds now. */
    const groups = Array.from({ length: groupsMax }, () => new Map<number, HeldName>());
    const sizeOf = () => groups.reduce((sum, { size }) => sum + size, 0);
    const livesHours = groups.map(() => 2 + below(random, 20));
    let nowMs = 0;
    let gaveWay = 0;
    for (let n = 0; gaveWay < 80; n++) {
      // One group after the other has a time in which it stores most.
      const group = (below(random, 3) > 0 ? Math.floor(n / 2_000) : below(random, groupsMax)) % groupsMax;
      const from = { host: `20.0.${group}.7`, port: 9 };
      const statement = statementOf(n, nowMs + (1 + below(random, livesHours[group]!)) * hour);
      const isFull = sizeOf() === heldMax;
      const verdict = holdings.store(statement, from, { monoMs: nowMs, wallMs: nowMs });
      assert.ok(verdict === StoreVerdict.kept || (isFull && verdict === StoreVerdict.full));
      if (isFull && verdict === StoreVerdict.kept) {
        gaveWay++;
        const most = Math.max(...groups.map(({ size }) => size));
        const gone = groups.filter(({ size }) => size === most).find((held) =>
          dropGone(holdings, held, nowMs)
        );
        assert.ok(gone !== undefined, `seed ${seed}, store ${n}: what gave way was of a smaller group`);
      }
      if (verdict === StoreVerdict.kept) {
        groups[group]!.set(n, { key: statement.nameKey, untilMs: statement.expires });
      }
      // Some hours go by once all is full and some gave way.
      if (gaveWay % 16 !== 15) continue;
      gaveWay++;
      nowMs += (1 + below(random, 8)) * hour;
      holdings.sweep(nowMs);
      for (const held of groups) for (const [n, { untilMs }] of held) if (untilMs <= nowMs) held.delete(n);
      assert.equal(holdings.size, sizeOf(), `seed ${seed}, store ${n}`);
    }
    for (const held of groups) assert.equal(dropGone(holdings, held, nowMs), false);
  }
});

/** Drops what is not held any more; tells whether there was any. */
function dropGone(holdings: Holdings, held: Map<number, HeldName>, nowMs: number): boolean {
  const before = held.size;
  for (const [n, { key }] of held) if (holdings.of(key, nowMs).length === 0) held.delete(n);
  return held.size < before;
}

const groupsMax = 9;

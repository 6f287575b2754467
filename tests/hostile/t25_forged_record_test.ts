/**
 * T25: forged registrations: any bit turned, cut, lengthened, signed by somebody else, or stored under
 * somebody else's name. None is opened and verified, held by a holder, or shown by a resolve.
 *
 * `slow_t25_forged_record_test.ts` turns every bit of 200 registrations.
 */

import assert from "node:assert/strict";
import { concat } from "../../lib/base/bytes.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { cloudId } from "../../lib/names/id_space.ts";
import { encodeResponse, StoreVerdict } from "../../lib/names/messages.ts";
import { openRegistration, verifyRegistration } from "../../lib/names/registration.ts";
import { contentOf, crypto, NamesWorld, signerOf, type SimPeer } from "../sim/names_world.ts";
import { forgeryOf, sampleRegistrations } from "./kit/forged_registrations.ts";
import { found, HostileContact, silentLie } from "./kit/hostile_contact.ts";
import { lookUp, securedName } from "./kit/hostile_swarm.ts";

const cloud = cloudId(crypto, "test");

function isTaken(bytes: Uint8Array): boolean {
  const opened = openRegistration(crypto, cloud, bytes);
  return opened.ok && verifyRegistration(crypto, cloud, opened.statement);
}

Deno.test("[T25] no registration of 5 with one bit turned, cut or lengthened is taken", () => {
  let tried = 0;
  for (const bytes of sampleRegistrations(1, 5)) {
    assert.ok(isTaken(bytes));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(isTaken(flipped), false, `bit ${bit}`);
      tried++;
    }
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(isTaken(bytes.subarray(0, length)), false);
    }
    for (let extra = 1; extra <= 64; extra++) {
      assert.equal(isTaken(concat(bytes, new Uint8Array(extra))), false);
    }
  }
  assert.ok(tried > 8_000);
});

Deno.test("[T25] 5,000 registrations with fields of one and the signature of another are not taken", () => {
  const random = new SeededRandom(25);
  const samples = sampleRegistrations(2, 40);
  for (let i = 0; i < 5_000; i++) {
    const [a, b] = [samples[below(random, 40)]!, samples[below(random, 40)]!];
    if (a === b) continue;
    assert.equal(isTaken(forgeryOf(random, a, b)), false, `seed 25, run ${i}`);
  }
});

/** What a holder says to a registration that a stranger with valid contact keys stores. */
function verdictOf(
  world: NamesWorld,
  holder: SimPeer,
  by: HostileContact,
  registration: Uint8Array,
): StoreVerdict | null {
  by.answers.length = 0;
  by.ask(holder.address, { kind: "store", registration });
  world.run(1_000);
  const body = by.answers.at(-1)?.body;
  return body?.kind === "stored" ? body.verdict : null;
}

Deno.test("[T25] a holder keeps nothing that is forged, out of its time, or of another publisher", () => {
  const light = createLightCrypto();
  const world = new NamesWorld({ seed: 28, latencyMs: [10, 10], crypto: light });
  const holder = world.addPeer();
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const [own, victim] = [signerOf(1, light), signerOf(2, light)];
  const forging = { publicKey: victim.publicKey, sign: own.sign };
  const name = { authority: victim.publicKey, classifier: "heron" };
  const nowMs = Math.floor(world.now().wallMs);
  const other = light.x25519.publicKey(new Uint8Array(32).fill(7));
  const forged: Record<string, Uint8Array> = {
    "signed by another key": hostile.statement({ ...name, signer: forging }),
    "of another publisher": hostile.statement({ ...name, signer: victim, publisher: other }),
    "for another cloud": hostile.statement({ ...name, signer: victim, cloud: "elsewhere" }),
    "run out": hostile.statement({ ...name, signer: victim, expires: nowMs - 1 }),
    "for ever": hostile.statement({ ...name, signer: victim, expires: nowMs + 25 * 3_600_000 }),
    "for a number's eternity": hostile.statement({
      ...name,
      signer: victim,
      expires: Number.MAX_SAFE_INTEGER,
    }),
    "a revocation signed by another key": hostile.statement({ ...name, signer: forging, body: null, seq: 9 }),
  };
  for (const [kind, registration] of Object.entries(forged)) {
    assert.equal(verdictOf(world, holder, hostile, registration), StoreVerdict.refused, kind);
    assert.equal(holder.machine.snapshot().held, 0, kind);
  }
  assert.equal(
    verdictOf(world, holder, hostile, hostile.statement({ ...name, signer: victim })),
    StoreVerdict.kept,
  );
  assert.equal(holder.machine.snapshot().held, 1);
});

Deno.test("[T25] a resolve shows nothing forged, whatever holders and a false publisher say of it", () => {
  const light = createLightCrypto();
  const world = new NamesWorld({ seed: 29, latencyMs: [10, 10], crypto: light });
  const peer = world.addPeer();
  const heron = securedName(3, light);
  const forging = { publicKey: heron.signer.publicKey, sign: signerOf(9, light).sign };
  const shown: ((by: HostileContact) => Uint8Array)[] = [
    (by) => by.statement({ ...heron, signer: forging }),
    (by) => by.statement({ ...heron, signer: heron.signer, classifier: "another" }),
    (by) => by.statement({ ...heron, signer: heron.signer, cloud: "elsewhere" }),
    (by) => by.statement({ ...heron, signer: heron.signer, expires: 1 }),
    (by) => by.statement({ ...heron, authority: null, signer: forging }),
  ];
  const hostiles = shown.map((make, i) => {
    const hostile: HostileContact = new HostileContact(world, { host: `23.0.${i}.1`, port: 9 }, {
      lie: (request, by, from) => {
        const { id, body } = request;
        if (body.kind === "find") {
          return found(id, [], body.offset === null ? [] : [[make(hostile), new Uint8Array()]]);
        }
        if (body.kind !== "inquire") return silentLie()(request, by, from);
        return encodeResponse({ id, body: { kind: "answer", registration: make(hostile), bytes: null } });
      },
    });
    return hostile;
  });
  peer.wait({ kind: "bootstrap", addresses: hostiles.map(({ address }) => address) });
  assert.equal(lookUp(peer, heron).end, "name_not_found");
  assert.equal(peer.events.filter(({ kind }) => kind === "found").length, 0);
});

Deno.test("[T25] a true publisher's answer is told as it states itself, never an older or a stranger's statement", () => {
  const light = createLightCrypto();
  const world = new NamesWorld({ seed: 30, latencyMs: [10, 10], crypto: light });
  const peer = world.addPeer();
  const publisher = world.addPeer();
  publisher.wait({ kind: "bootstrap", addresses: [peer.address] });
  const heron = securedName(4, light);
  publisher.wait({ kind: "register", ...heron, content: contentOf({ comment: "first" }) });
  const nameKey = publisher.machine.nameKeyOf(heron.authority, heron.classifier);
  publisher.wait({ kind: "update", nameKey, content: contentOf({ comment: "second" }) });
  const end = peer.wait({
    kind: "resolve",
    authority: heron.authority,
    classifier: heron.classifier,
    resultsMax: 5,
  });
  assert.ok("result" in end && end.result.kind === "resolved");
  assert.deepEqual(end.result.summary.found.map(({ statement }) => statement.body?.comment), ["second"]);
});

import assert from "node:assert/strict";
import { ContactBook } from "../../../lib/names/contact.ts";
import { cloudId } from "../../../lib/names/id_space.ts";
import { bucketContactsMax, regionReachMax } from "../../../lib/names/limits.ts";
import { StoreVerdict } from "../../../lib/names/messages.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";
import { peerAddress } from "../../../lib/sim/cloud_world.ts";
import { contactOf, HostileContact } from "../../hostile/kit/hostile_contact.ts";
import { NamesWorld, signerOf } from "../../sim/names_world.ts";

const crypto = createLightCrypto();

/** How far an id is from another: the number that their exclusive or is. */
function distance(a: Uint8Array, b: Uint8Array): bigint {
  return BigInt(`0x${a.map((byte, i) => byte ^ b[i]!).toHex()}`);
}

Deno.test("[T24] a holder takes names up to eight times as far as its 20th neighbor, whoever publishes them", () => {
  const world = new NamesWorld({ seed: 6, latencyMs: [1, 1], crypto });
  const book = new ContactBook(crypto, cloudId(crypto, "test"), 800);
  const known = Array.from(
    { length: 800 },
    (_, i) => book.contactOf(crypto.x25519.publicKey(world.random.bytes(32)), [peerAddress(1_000 + i)]),
  );
  const holder = world.addPeer({ isOnline: false, machine: { known } });
  const { id } = contactOf(holder);
  const inTable = new Set(holder.machine.snapshot().contacts.map(({ key }) => key));
  const distances = known.filter(({ keyHex }) => inTable.has(keyHex))
    .map((contact) => distance(id, contact.id)).sort((a, b) => a < b ? -1 : 1);
  const reach = BigInt(regionReachMax) * distances[bucketContactsMax - 1]!;
  const counts = { kept: 0, far: 0 };
  for (let i = 0; i < 3; i++) {
    const publisher = new HostileContact(world, { host: `23.0.${i}.1`, port: 9 });
    for (let n = 0; n < 40; n++) {
      const classifier = `name ${n}`;
      const registration = publisher.statement({ signer: signerOf(1, crypto), classifier });
      publisher.answers.length = 0;
      publisher.ask(holder.address, { kind: "store", registration });
      world.run(100);
      const body = publisher.answers.at(-1)!.body;
      assert.ok(body.kind === "stored");
      const isFar = distance(id, Uint8Array.fromHex(holder.machine.nameKeyOf(null, classifier))) > reach;
      assert.equal(
        body.verdict,
        isFar ? StoreVerdict.far : StoreVerdict.kept,
        `publisher ${i}, ${classifier}`,
      );
      counts[isFar ? "far" : "kept"]++;
    }
  }
  assert.ok(counts.kept >= 15 && counts.far >= 15, JSON.stringify(counts));
  assert.equal(holder.machine.snapshot().held, counts.kept);
});

Deno.test("who has a copy of a peer's own key gets no answer there, and nothing held", () => {
  const world = new NamesWorld({ seed: 20, latencyMs: [1, 1], crypto });
  const secretKey = world.random.bytes(32);
  const peer = world.addPeer({ machine: { secretKey } });
  const copy = new HostileContact(world, { host: "23.0.0.1", port: 9 }, { secretKey });
  const registration = copy.statement({ signer: signerOf(1, crypto), classifier: "chat" });
  copy.ask(peer.address, { kind: "ping" });
  copy.ask(peer.address, { kind: "store", registration });
  world.run(100);
  const { drops, held, agreements } = peer.machine.snapshot();
  assert.deepEqual({ drops, held, agreements, answers: copy.answers.length }, {
    drops: { own_key: 2 },
    held: 0,
    agreements: 0,
    answers: 0,
  });
});

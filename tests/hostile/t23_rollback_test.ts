/**
 * T23: holders that serve an old registration. A higher seq always wins, a holder takes none back, a
 * resolve hears three holders on two paths, and the publisher itself has the last word.
 *
 * What is not protected: a publisher that is away, and whose every holder that answers is hostile, is
 * shown as of an old registration, marked unverified, until that registration runs out.
 */

import assert from "node:assert/strict";
import { packAddress } from "../../lib/base/address.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { encodeResponse, StoreVerdict } from "../../lib/names/messages.ts";
import { NamesWorld, resolvedOf, signerOf, type SimPeer } from "../sim/names_world.ts";
import { found, HostileContact, silentLie } from "./kit/hostile_contact.ts";
import { type SecuredName, securedName } from "./kit/hostile_swarm.ts";

const crypto = createLightCrypto();
const heron: SecuredName = securedName(23, crypto);

/** A resolver that starts from holders which a test makes, and a publisher that only confirms. */
class Scene {
  readonly world = new NamesWorld({ seed: 23, latencyMs: [10, 10], crypto });
  readonly resolver: SimPeer = this.world.addPeer();
  readonly publisher: HostileContact = new HostileContact(this.world, { host: "24.0.0.1", port: 9 });
  readonly #holders: HostileContact[] = [];

  /** A registration of the publisher; `null` revokes. */
  statement(seq: number, comment: string | null, lifeMs = 3_600_000): Uint8Array {
    const body = comment === null ? null : { endpoints: [], comment, payload: null };
    const expires = Math.floor(this.world.now().wallMs) + lifeMs;
    return this.publisher.statement({ ...heron, seq, body, expires });
  }

  /** Holders that show this one and nothing else. */
  holders(count: number, registration: Uint8Array): void {
    for (let i = 0; i < count; i++) {
      const address = { host: `23.0.${this.#holders.length}.1`, port: 9 };
      this.#holders.push(
        new HostileContact(this.world, address, {
          lie: (request, by, from) => {
            const { id, body } = request;
            if (body.kind !== "find") return silentLie()(request, by, from);
            const place = packAddress(this.publisher.address);
            return found(id, [], body.offset === null ? [] : [[registration, place]]);
          },
        }),
      );
    }
  }

  /** Has the publisher itself state this; it is silent otherwise. */
  confirm(registration: Uint8Array | null): void {
    this.publisher.lie = ({ id, body }) =>
      body.kind === "inquire"
        ? encodeResponse({ id, body: { kind: "answer", registration, bytes: null } })
        : null;
  }

  /** What is found: comments, and whether they are confirmed; or why nothing is. */
  resolve(): string {
    this.resolver.wait({ kind: "bootstrap", addresses: this.#holders.map(({ address }) => address) });
    const { authority, classifier } = heron;
    const end = this.resolver.wait({ kind: "resolve", authority, classifier, resultsMax: 5 });
    if (!("result" in end)) return end.code;
    return resolvedOf(end).found
      .map(({ statement, verified }) => `${statement.body!.comment}${verified ? "" : " (unverified)"}`)
      .join();
  }
}

Deno.test("[T23] three holders serve the old registration: the publisher's own is told", () => {
  const scene = new Scene();
  scene.holders(3, scene.statement(1, "old"));
  scene.confirm(scene.statement(2, "new"));
  assert.equal(scene.resolve(), "new");
});

Deno.test("[T23] the publisher is away: one honest holder among three is enough for the newest", () => {
  for (const stale of [1, 2]) {
    const scene = new Scene();
    scene.holders(stale, scene.statement(1, "old"));
    scene.holders(3 - stale, scene.statement(2, "new"));
    assert.equal(scene.resolve(), "new (unverified)");
  }
});

Deno.test("[T23] a revoked name stays gone though two of three holders serve what was revoked", () => {
  const scene = new Scene();
  scene.holders(2, scene.statement(1, "old"));
  scene.holders(1, scene.statement(2, null));
  assert.equal(scene.resolve(), "name_not_found");
});

Deno.test("[T23] a publisher that says it publishes the name no more is believed, whatever holders serve", () => {
  for (const own of [null, 2]) {
    const scene = new Scene();
    scene.holders(3, scene.statement(1, "old"));
    scene.confirm(own === null ? null : scene.statement(own, null));
    assert.equal(scene.resolve(), "name_not_found");
  }
});

Deno.test("[T23] who answers in the publisher's place with something older than holders have is not believed", () => {
  const scene = new Scene();
  scene.holders(3, scene.statement(5, "new"));
  scene.confirm(scene.statement(4, "old"));
  assert.equal(scene.resolve(), "name_not_found");
});

Deno.test("[T23] a publisher's own word that has run out is not believed, be it the newest and well signed", () => {
  for (const lifeMs of [-3_600_000, -1]) {
    const scene = new Scene();
    scene.holders(3, scene.statement(1, "old"));
    scene.confirm(scene.statement(2, "new", lifeMs));
    assert.equal(scene.resolve(), "name_not_found");
  }
});

Deno.test("[T23] a holder takes back no registration and no revocation, in any order of 200 stores", () => {
  const world = new NamesWorld({ seed: 24, latencyMs: [10, 10], crypto });
  const holder = world.addPeer();
  const publisher = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const signer = signerOf(1, crypto);
  const expires = Math.floor(world.now().wallMs) + 3_600_000;
  const statementOf = (seq: number) =>
    publisher.statement({ signer, classifier: "x", seq, expires, body: seq % 7 === 0 ? null : emptyBody });
  let highest = 0;
  for (let i = 0; i < 200; i++) {
    const seq = 1 + world.random.uint32() % 40;
    const registration = statementOf(seq);
    publisher.answers.length = 0;
    publisher.ask(holder.address, { kind: "store", registration });
    world.run(100);
    const body = publisher.answers.at(-1)!.body;
    assert.ok(body.kind === "stored");
    const isOlder = seq < highest;
    assert.equal(body.verdict, isOlder ? StoreVerdict.older : StoreVerdict.kept, `seed 24, run ${i}`);
    highest = Math.max(highest, seq);
  }
  assert.equal(holder.machine.snapshot().held, 1);
  const target = Uint8Array.fromHex(holder.machine.nameKeyOf(null, "x"));
  publisher.ask(holder.address, { kind: "find", target, offset: 0 });
  world.run(100);
  const answer = publisher.answers.at(-1)!.body;
  assert.ok(answer.kind === "found");
  assert.deepEqual(answer.values.map(({ registration }) => registration), [
    statementOf(highest),
  ]);
});

const emptyBody = { endpoints: [], comment: "", payload: null };

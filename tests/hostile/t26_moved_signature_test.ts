/**
 * T26: a valid signature is moved to another use: another type, name, graph, cloud, link or context.
 * Every signed thing of the product is given to every verifier, and every payload is signed for every
 * purpose and scope; only what was signed for just that use passes.
 */

import assert from "node:assert/strict";
import { hex, utf8 } from "../../lib/base/bytes.ts";
import { verifyAppSignature } from "../../lib/identity/identity.ts";
import { checkLinkProof, createLinkProof } from "../../lib/identity/link_proof.ts";
import { cloudId } from "../../lib/names/id_space.ts";
import { openRegistration, verifyRegistration } from "../../lib/names/registration.ts";
import { decodeAdmission } from "../../lib/records/body_codec.ts";
import { type AdmissionBody, ItemKind } from "../../lib/records/item.ts";
import { parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import { openEnvelope, sealEnvelope, type Signer } from "../../lib/wire/envelope.ts";
import { Purpose } from "../../lib/wire/purposes.ts";
import { admissionBody, fixtureCrypto as crypto, keyOf, sampleItems } from "../fixtures/items.ts";
import { NamesWorld } from "../sim/names_world.ts";
import { HostileContact } from "./kit/hostile_contact.ts";

/** Something that was signed, and the one verifier that is to take it. */
interface Signed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly signer: Signer;
  readonly purpose: Purpose;
  readonly scope: Uint8Array;
}

const { group, items, signerOf } = sampleItems();
const otherGroup = crypto.sha256(group);
const cloud = cloudId(crypto, "test");
const otherCloud = cloudId(crypto, "elsewhere");
const statics = [1, 2].map((n) => crypto.x25519.publicKey(new Uint8Array(32).fill(n))) as [
  Uint8Array,
  Uint8Array,
];
const alice = keyOf("alice");

/** Verifiers by what they take: kind and scope. */
const verifiers: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  "founding item": (bytes) => takesItem(bytes, group, true),
  "item of the graph": (bytes) => takesItem(bytes, group, false),
  "item of another graph": (bytes) => takesItem(bytes, otherGroup, false),
  "registration in the cloud": (bytes) => takesRegistration(bytes, cloud),
  "registration in another cloud": (bytes) => takesRegistration(bytes, otherCloud),
  "proof of the link": (bytes) => checkLinkProof(crypto, bytes, statics[0]).ok,
  "proof of another link": (bytes) => checkLinkProof(crypto, bytes, statics[1]).ok,
  "admission to the group": (bytes) => decodeAdmission(crypto, group, [bytes]).ok,
  "admission to another group": (bytes) => decodeAdmission(crypto, otherGroup, [bytes]).ok,
  "signature for a program": (bytes) => takesApp(bytes, "chat"),
  "signature for another program": (bytes) => takesApp(bytes, "mail"),
};

function takesItem(bytes: Uint8Array, graph: Uint8Array, isFounding: boolean): boolean {
  const parsed = parseItem(crypto, graph, bytes);
  if (!parsed.ok || (parsed.item.body.kind === ItemKind.founding) !== isFounding) return false;
  return parsed.item.body.kind !== ItemKind.list && verifyItem(crypto, graph, parsed.item);
}

function takesRegistration(bytes: Uint8Array, scope: Uint8Array): boolean {
  const opened = openRegistration(crypto, scope, bytes);
  return opened.ok && verifyRegistration(crypto, scope, opened.statement);
}

function takesApp(bytes: Uint8Array, context: string): boolean {
  return signers.some(({ publicKey }) => verifyAppSignature(crypto, publicKey, context, bytes) !== null);
}

const signers: readonly Signer[] = ["group key", "alice", "bob", "carol", "bearer"].map((text) =>
  keyOf(text)
);

/** One of everything that is signed. */
function signedThings(): Signed[] {
  const world = new NamesWorld({ seed: 26 });
  const publisher = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const name = { authority: alice.publicKey, classifier: "heron", signer: alice };
  const admission = admissionBody(keyOf("bearer"), group, bytesOf("an invitation"), alice.publicKey);
  const things: Signed[] = [];
  for (const [kind, item] of items) {
    if (item.head === null) continue;
    const isFounding = kind === "founding";
    things.push({
      name: isFounding ? "founding item" : "item of the graph",
      bytes: item.bytes,
      signer: signerOf(item),
      purpose: Purpose.item,
      scope: isFounding ? new Uint8Array() : group,
    });
  }
  const by = (name: string, signer: Signer, purpose: Purpose, scope: Uint8Array, bytes: Uint8Array) =>
    things.push({ name, bytes, signer, purpose, scope });
  by("registration in the cloud", alice, Purpose.registration, cloud, publisher.statement(name));
  by(
    "proof of the link",
    alice,
    Purpose.handshake,
    statics[0],
    createLinkProof(crypto, alice, statics[0], 0),
  );
  by("admission to the group", keyOf("bearer"), Purpose.admission, group, admission.proof);
  const signed = sealEnvelope(crypto, alice, Purpose.app, utf8("chat"), utf8("a heron"));
  by("signature for a program", alice, Purpose.app, utf8("chat"), signed);
  return things;
}

function bytesOf(text: string): Uint8Array {
  return crypto.sha256(utf8(text));
}

Deno.test("[T26] of every signed thing and every verifier only those pass that belong together", () => {
  const things = signedThings();
  assert.ok(things.length >= 15);
  for (const { name, bytes } of things) {
    const takers = Object.entries(verifiers).filter(([, takes]) => takes(bytes)).map(([verifier]) =>
      verifier
    );
    assert.deepEqual(takers, [name]);
  }
});

Deno.test("[T26] each payload, signed by the right key for every other purpose or scope, passes no verifier of its own use", () => {
  const things = signedThings();
  const scopes = [
    ...new Set([...things.map(({ scope }) => scope), otherGroup, otherCloud, statics[1], utf8("mail")]),
  ];
  let tried = 0;
  for (const { name, bytes, signer, purpose, scope } of things) {
    const opened = openEnvelope(bytes);
    assert.ok(opened.ok);
    for (const otherPurpose of Object.values(Purpose)) {
      for (const otherScope of scopes) {
        const moved = sealEnvelope(crypto, signer, otherPurpose, otherScope, opened.payload);
        const isSame = otherPurpose === purpose && hex(otherScope) === hex(scope);
        assert.equal(verifiers[name]!(moved), isSame, `${name}: ${otherPurpose}`);
        tried++;
      }
    }
  }
  assert.ok(tried > 1_000);
});

Deno.test("[T26] an item says what it is inside what is signed: no kind of item passes for another", () => {
  const kinds = new Map<string, Set<number>>();
  for (const item of items.values()) {
    if (item.head === null) continue;
    const parsed = parseItem(crypto, group, item.bytes);
    assert.ok(parsed.ok);
    assert.equal(parsed.item.body.kind, item.body.kind);
    const seen = kinds.get(hex(item.hash)) ?? new Set();
    kinds.set(hex(item.hash), seen.add(parsed.item.body.kind));
  }
  for (const seen of kinds.values()) assert.equal(seen.size, 1);
  // What the bearer key signed is an admission and nothing that a member may put into the graph itself.
  const admission = [...items.values()].find(({ body }) => body.kind === ItemKind.admission)!
    .body as AdmissionBody;
  assert.equal(parseItem(crypto, group, admission.proof).ok, false);
});

Deno.test("[T26] a registration of one name, classifier or publisher is none of another", () => {
  const world = new NamesWorld({ seed: 27 });
  const publisher = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const made = publisher.statement({ authority: alice.publicKey, classifier: "heron", signer: alice });
  const opened = openRegistration(crypto, cloud, made);
  assert.ok(opened.ok);
  const { envelope, ...statement } = opened.statement;
  const bob = keyOf("bob");
  const others = [
    publisher.statement({ authority: alice.publicKey, classifier: "egret", signer: alice }),
    publisher.statement({ authority: null, classifier: "heron", signer: alice }),
    publisher.statement({ authority: bob.publicKey, classifier: "heron", signer: bob }),
    publisher.statement({
      authority: alice.publicKey,
      classifier: "heron",
      signer: alice,
      publisher: bytesOf("x"),
    }),
    publisher.statement({ authority: alice.publicKey, classifier: "heron", signer: alice, seq: 2 }),
  ];
  for (const other of others) {
    const otherOpened = openRegistration(crypto, cloud, other);
    assert.ok(otherOpened.ok);
    // Its payload under the other's signature, and the other way round.
    const { payload, signature } = otherOpened.statement.envelope;
    const mixed = [{ payload: envelope.payload, signature }, { payload, signature: envelope.signature }];
    for (const wrong of mixed) {
      assert.equal(verifyRegistration(crypto, cloud, { ...statement, envelope: wrong }), false);
    }
  }
});

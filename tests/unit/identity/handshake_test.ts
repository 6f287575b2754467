import assert from "node:assert/strict";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import {
  type HandshakeOptions,
  type HandshakePattern,
  HandshakeState,
} from "../../../lib/identity/handshake.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { createKem } from "../../../lib/platform/kem.ts";
import { CipherState } from "../../../lib/wire/cipher.ts";
import hybrid from "../../golden/noise_xxhfs.json" with { type: "json" };
import classical from "../../golden/noise.json" with { type: "json" };

const crypto = createCrypto();
const empty = new Uint8Array();

type ClassicalVector = (typeof classical.vectors)[number];

for (const vector of classical.vectors) {
  Deno.test(`HandshakeState gives the published bytes of ${vector.protocol_name}`, () => {
    const [initiator, responder] = vectorEnds(vector);
    const sealers: CipherState[] = [];
    const openers: CipherState[] = [];
    for (const [turn, message] of vector.messages.entries()) {
      const payload = Uint8Array.fromHex(message.payload);
      const [from, to] = turn % 2 === 0 ? [initiator, responder] : [responder, initiator];
      if (from.next === "done") {
        sealers[turn % 2] ??= new CipherState(crypto.aead, from.result!.sendKey);
        openers[turn % 2] ??= new CipherState(crypto.aead, to.result!.receiveKey);
        const sealed = sealers[turn % 2]!.seal(empty, payload);
        assert.equal(sealed.toHex(), message.ciphertext);
        assert.deepEqual(openers[turn % 2]!.open(empty, sealed), payload);
      } else {
        const written = from.writeMessage(payload);
        assert.equal(written.toHex(), message.ciphertext);
        assert.deepEqual(to.readMessage(written), { ok: true, payload });
      }
    }
    assert.equal(initiator.result?.handshakeHash.toHex(), vector.handshake_hash);
    assert.equal(responder.result?.handshakeHash.toHex(), vector.handshake_hash);
  });
}

for (const vector of hybrid.vectors) {
  Deno.test(`HandshakeState gives the published bytes of ${hybrid.protocol}`, () => {
    const base = Number.parseInt(vector.base, 16);
    const kemKeys = ml_kem768.keygen(new Uint8Array(64).fill(base + 5));
    assert(kemKeys.publicKey.toHex().startsWith(vector.ephemeral_kem_i_public_begins));
    const initiator = new HandshakeState(crypto, {
      pattern: "XXhfs",
      initiator: true,
      prologue: empty,
      staticKey: secret(base + 1),
      ephemeralKey: secret(base + 3),
      kemPublicKey: kemKeys.publicKey,
    });
    const responder = new HandshakeState(crypto, {
      pattern: "XXhfs",
      initiator: false,
      prologue: empty,
      staticKey: secret(base + 2),
      ephemeralKey: secret(base + 4),
    });

    const first = initiator.writeMessage(empty);
    assert.deepEqual(responder.readMessage(first), { ok: true, payload: empty });
    assert.deepEqual(responder.kemPublicKey, kemKeys.publicKey);
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(responder.kemPublicKey!, secret(base + 6));
    const second = responder.writeMessage(empty, { ciphertext: cipherText, sharedSecret });
    assert(second.toHex().startsWith(vector.msg_b_begins));
    const found = initiator.kemCiphertext(second);
    assert.deepEqual(found, { ok: true, ciphertext: cipherText });
    const read = initiator.readMessage(second, ml_kem768.decapsulate(cipherText, kemKeys.secretKey));
    assert.deepEqual(read, { ok: true, payload: empty });
    const third = initiator.writeMessage(empty);
    assert.equal(third.toHex(), vector.msg_c);
    assert.deepEqual(responder.readMessage(third), { ok: true, payload: empty });

    assert.deepEqual([first, second, third].map((message) => message.length), hybrid.keys.message_sizes);
    const [ours, theirs] = [initiator.result!, responder.result!];
    assert.equal(ours.sendKey.toHex(), vector.cs1_k);
    assert.equal(ours.receiveKey.toHex(), vector.cs2_k);
    assert.equal(ours.handshakeHash.toHex(), vector.handshake_hash);
    assert.deepEqual(theirs, {
      sendKey: ours.receiveKey,
      receiveKey: ours.sendKey,
      handshakeHash: ours.handshakeHash,
      remoteStatic: crypto.x25519.publicKey(secret(base + 1)),
    });
    assert.deepEqual(ours.remoteStatic, crypto.x25519.publicKey(secret(base + 2)));
  });
}

for (const pattern of ["XXhfs", "IKhfs"] as const) {
  Deno.test(`HandshakeState completes ${pattern} with the platform's KEM, payloads included`, async () => {
    const kem = createKem();
    const pair = await kem.generate();
    const [initiator, responder] = ends(pattern, pair.publicKey);
    assert(responder.readMessage(initiator.writeMessage(empty)).ok);
    assert(responder.nextHasKem);
    const sent = await kem.encapsulate(responder.kemPublicKey!);
    const second = responder.writeMessage(Uint8Array.of(1, 2), sent!);
    const found = initiator.kemCiphertext(second);
    assert(found.ok);
    const read = initiator.readMessage(second, (await pair.decapsulate(found.ciphertext))!);
    assert.deepEqual(read, { ok: true, payload: Uint8Array.of(1, 2) });
    if (pattern === "XXhfs") {
      const last = responder.readMessage(initiator.writeMessage(Uint8Array.of(3)));
      assert.deepEqual(last, { ok: true, payload: Uint8Array.of(3) });
    }
    assert.equal(initiator.next, "done");
    assert.deepEqual(initiator.result?.sendKey, responder.result?.receiveKey);
    assert.deepEqual(initiator.result?.receiveKey, responder.result?.sendKey);
    assert.deepEqual(initiator.result?.handshakeHash, responder.result?.handshakeHash);
    assert.notDeepEqual(initiator.result?.sendKey, initiator.result?.receiveKey);
  });
}

Deno.test("HandshakeState goes on as if nothing had happened after messages that it refused", () => {
  const [initiator, responder] = ends("XX");
  assert(responder.readMessage(initiator.writeMessage(empty)).ok);
  const second = responder.writeMessage(Uint8Array.of(1, 2, 3));
  for (let i = 0; i < second.length; i++) {
    const altered = second.slice();
    altered[i]! ^= 0x10;
    assert.equal(initiator.readMessage(altered).ok, false, `byte ${i}`);
    assert.equal(initiator.readMessage(second.subarray(0, i)).ok, false, `cut at ${i}`);
  }
  assert.deepEqual(initiator.readMessage(second), { ok: true, payload: Uint8Array.of(1, 2, 3) });
  assert(responder.readMessage(initiator.writeMessage(empty)).ok);
  assert.deepEqual(initiator.result?.handshakeHash, responder.result?.handshakeHash);
});

Deno.test("HandshakeState goes on after a hybrid message that it refused, the KEM's part included", () => {
  const keys = ml_kem768.keygen(new Uint8Array(64).fill(9));
  const [initiator, responder] = ends("XXhfs", keys.publicKey);
  assert(responder.readMessage(initiator.writeMessage(empty)).ok);
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(keys.publicKey, secret(8));
  const second = responder.writeMessage(empty, { ciphertext: cipherText, sharedSecret });
  for (let i = 0; i < second.length; i += 13) {
    const altered = second.slice();
    altered[i]! ^= 1;
    assert.equal(initiator.readMessage(altered, sharedSecret).ok, false, `byte ${i}`);
  }
  assert.deepEqual(initiator.kemCiphertext(second.subarray(0, 1_000)), { ok: false, reason: "bad_length" });
  assert.deepEqual(initiator.readMessage(second, secret(7)), { ok: false, reason: "bad_tag" });
  assert.equal(initiator.readMessage(second, sharedSecret).ok, true);
});

Deno.test("readMessage() refuses keys of small order and never throws for them", () => {
  const zero = new Uint8Array(32);
  assert.deepEqual(ends("XX")[1].readMessage(zero), { ok: false, reason: "bad_key" });
  assert.deepEqual(ends("NK")[1].readMessage(new Uint8Array(48)), { ok: false, reason: "bad_key" });
  const one = zero.with(0, 1).with(31, 0x80);
  assert.deepEqual(ends("XX")[1].readMessage(one), { ok: false, reason: "bad_key" });
});

Deno.test("readMessage() refuses a message of another prologue, another pattern or excessive length", () => {
  const options: HandshakeOptions = {
    pattern: "NK",
    initiator: true,
    prologue: Uint8Array.of(2),
    ephemeralKey: secret(5),
    remoteStatic: crypto.x25519.publicKey(secret(2)),
  };
  const message = new HandshakeState(crypto, options).writeMessage(empty);
  assert.deepEqual(ends("NK")[1].readMessage(message), { ok: false, reason: "bad_tag" });
  assert.deepEqual(ends("IK")[1].readMessage(message), { ok: false, reason: "bad_length" });
  const long = ends("XX")[1].readMessage(new Uint8Array(65_536).fill(9));
  assert.deepEqual(long, { ok: false, reason: "bad_length" });
});

Deno.test("HandshakeState asserts its turn and the keys of its pattern", () => {
  const [initiator, responder] = ends("XX");
  assert.throws(() => initiator.readMessage(empty), /in turn/);
  assert.throws(() => responder.writeMessage(empty), /in turn/);
  const options = { initiator: true, prologue: empty, ephemeralKey: secret(1) };
  assert.throws(() => new HandshakeState(crypto, { ...options, pattern: "XX" }), /static key/);
  assert.throws(() => new HandshakeState(crypto, { ...options, pattern: "NK" }), /other end's static key/);
  const withStatic = { ...options, staticKey: secret(2) };
  assert.throws(() => new HandshakeState(crypto, { ...withStatic, pattern: "XXhfs" }), /KEM key/);
  const small = { ...withStatic, remoteStatic: new Uint8Array(32) };
  assert.throws(() => new HandshakeState(crypto, { ...small, pattern: "IK" }), /other end's static key/);
});

function vectorEnds(vector: ClassicalVector): [HandshakeState, HandshakeState] {
  const pattern = vector.protocol_name.split("_")[1] as HandshakePattern;
  const key = (name: string, text: string | undefined) =>
    text === undefined ? {} : { [name]: Uint8Array.fromHex(text) };
  return [
    new HandshakeState(crypto, {
      pattern,
      initiator: true,
      prologue: Uint8Array.fromHex(vector.init_prologue),
      ephemeralKey: Uint8Array.fromHex(vector.init_ephemeral),
      ...key("staticKey", vector.init_static),
      ...key("remoteStatic", vector.init_remote_static),
    }),
    new HandshakeState(crypto, {
      pattern,
      initiator: false,
      prologue: Uint8Array.fromHex(vector.resp_prologue),
      ephemeralKey: Uint8Array.fromHex(vector.resp_ephemeral),
      ...key("staticKey", vector.resp_static),
      ...key("remoteStatic", vector.resp_remote_static),
    }),
  ];
}

function ends(pattern: HandshakePattern, kemPublicKey?: Uint8Array): [HandshakeState, HandshakeState] {
  const known = pattern.startsWith("XX") ? {} : { remoteStatic: crypto.x25519.publicKey(secret(2)) };
  const own = pattern === "NK" ? {} : { staticKey: secret(1) };
  const kem = kemPublicKey === undefined ? {} : { kemPublicKey };
  const shared = { pattern, prologue: Uint8Array.of(1) };
  return [
    new HandshakeState(crypto, {
      ...shared,
      initiator: true,
      ephemeralKey: secret(3),
      ...own,
      ...known,
      ...kem,
    }),
    new HandshakeState(crypto, {
      ...shared,
      initiator: false,
      ephemeralKey: secret(4),
      staticKey: secret(2),
    }),
  ];
}

function secret(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

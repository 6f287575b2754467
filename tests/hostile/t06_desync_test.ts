/**
 * T6 (and the past bug R14, snow and Go Noise, whose nonce moved on a bad packet): garbage puts two ends
 * out of step. What is refused leaves the state as it was: in a cipher, a handshake and a whole machine.
 *
 * A link ends at the first frame that does not open, so there is no step to be out of; what is shown of
 * frames is that nothing of what came before is lost or changed, and that nothing after it is taken.
 */

import assert from "node:assert/strict";
import { concat, hex } from "../../lib/base/bytes.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { HandshakeState } from "../../lib/identity/handshake.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { CipherState } from "../../lib/wire/cipher.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { encodeResponse } from "../../lib/names/messages.ts";
import { keyPacket, PacketType, tokenPacket } from "../../lib/names/datagram.ts";
import { contentOf, crypto as realCrypto, NamesWorld, signerOf } from "../sim/names_world.ts";
import { contactOf, found, HostileContact, ownToken } from "./kit/hostile_contact.ts";

const crypto = createLightCrypto();
const key = new Uint8Array(32).fill(9);
const nothing = new Uint8Array();

/** Bytes that are nearly right, or not at all. */
function garbage(random: SeededRandom, right: Uint8Array): Uint8Array {
  const changed = right.slice();
  switch (below(random, 4)) {
    case 0:
      changed[below(random, right.length)]! ^= 1 << below(random, 8);
      return changed;
    case 1:
      return changed.subarray(0, below(random, right.length));
    case 2:
      return concat(changed, random.bytes(1 + below(random, 16)));
    default:
      return random.bytes(below(random, 80));
  }
}

Deno.test("[T6] (R14) a cipher seals and opens after 20,000 refused messages what it would have without them", () => {
  const random = new SeededRandom(1);
  const sender = new CipherState(crypto.aead, key);
  const receiver = new CipherState(crypto.aead, key);
  for (let i = 0; i < 200; i++) {
    const sealed = sender.seal(nothing, Uint8Array.of(i & 255));
    for (let j = 0; j < 100; j++) {
      const before = hex(receiver.clone().seal(nothing, nothing));
      assert.equal(receiver.open(nothing, garbage(random, sealed)), null, `seed 1, ${i}`);
      assert.equal(hex(receiver.clone().seal(nothing, nothing)), before);
    }
    assert.equal(receiver.open(Uint8Array.of(1), sealed), null, "other associated data");
    assert.deepEqual(receiver.open(nothing, sealed), Uint8Array.of(i & 255));
    if (i % 50 !== 49) continue;
    sender.rekey();
    receiver.rekey();
  }
});

Deno.test("[T6] (R14) a handshake ends in the same keys though 300 refused messages came before each right one", () => {
  const random = new SeededRandom(2);
  const secrets = Array.from({ length: 4 }, () => random.bytes(32));
  const run = (noise: number) => {
    const [ephemeralA, staticA, ephemeralB, staticB] = secrets as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const common = { pattern: "XX", prologue: nothing } as const;
    const a = new HandshakeState(realCrypto, {
      ...common,
      initiator: true,
      ephemeralKey: ephemeralA,
      staticKey: staticA,
    });
    const b = new HandshakeState(realCrypto, {
      ...common,
      initiator: false,
      ephemeralKey: ephemeralB,
      staticKey: staticB,
    });
    const transcript: Uint8Array[] = [];
    for (const [from, to] of [[a, b], [b, a], [a, b]] as const) {
      const message = from.writeMessage(Uint8Array.of(transcript.length));
      for (let i = 0; i < noise; i++) {
        const bad = garbage(random, message);
        // The first message is in clear, so only what is too short or no key is refused there.
        const isCut = transcript.length > 0 || bad.length < 32;
        if (isCut && hex(bad) !== hex(message)) {
          assert.equal(to.readMessage(bad).ok, false, `seed 2, ${hex(bad)}`);
        }
      }
      assert.deepEqual(to.readMessage(message), { ok: true, payload: Uint8Array.of(transcript.length) });
      transcript.push(message);
    }
    assert.deepEqual(a.result!.sendKey, b.result!.receiveKey);
    return { transcript, result: a.result };
  };
  assert.deepEqual(run(300), run(0));
});

Deno.test("[T6] a frame that does not open takes nothing from the messages before it, and gives none after it", () => {
  const random = new SeededRandom(3);
  for (let run = 0; run < 3_000; run++) {
    const sealer = new FrameSealer(crypto, key);
    const frames = [1, 2, 3].map((n) => sealer.seal([new Uint8Array(n).fill(n)]));
    const opener = new FrameOpener(crypto, key);
    const at = below(random, 3);
    const taken: number[] = [];
    for (const [i, frame] of frames.entries()) {
      const bytes = frame.slice();
      if (i === at) bytes[2 + below(random, bytes.length - 2)]! ^= 1 << below(random, 8);
      const { messages } = opener.push(bytes);
      taken.push(...messages?.map((message) => message.length) ?? []);
      if (i >= at) assert.deepEqual(opener.push(nothing), { reject: "bad_tag" }, `seed 3, run ${run}`);
    }
    assert.deepEqual(taken, [1, 2, 3].slice(0, at));
  }
});

Deno.test("[T6] (R14) a machine with requests under way is the same after each of 20,000 refused datagrams, and they end well", () => {
  const world = new NamesWorld({ seed: 4, latencyMs: [10, 10], crypto });
  world.populate(4);
  const random = new SeededRandom(4);
  const [victim, other] = [world.peers[0]!, world.peers[1]!];
  const signer = signerOf(1, crypto);
  const heron = { authority: null, classifier: "heron" } as const;
  other.wait({ kind: "register", ...heron, signer, content: contentOf() });
  const hostile = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  hostile.ask(victim.address, { kind: "ping" });
  world.run(20_000);
  const call = victim.call({ kind: "resolve", ...heron, resultsMax: 5 });
  assert.ok(victim.machine.snapshot().requests > 0);
  const stateOf = () => JSON.stringify({ ...victim.machine.snapshot(), drops: null, agreements: null });
  const before = stateOf();
  const deadline = victim.machine.nextDeadline();
  const { key: victimKey } = contactOf(victim);
  const response = { type: PacketType.response, token: ownToken } as const;
  const id = random.bytes(16);
  const right = [
    hostile.requestTo(victim.address, { kind: "find", target: id.slice().fill(1), offset: 0 }),
    hostile.seal(victimKey, encodeResponse({ id, body: { kind: "pong" } }), response),
    hostile.seal(victimKey, found(id, [hostile.contact]), response),
    keyPacket(random.bytes(16), hostile.key, ownToken),
    tokenPacket(random.bytes(12), ownToken),
  ];
  for (let i = 0; i < 20_000; i++) {
    const base = right[below(random, right.length)]!;
    const bytes = garbage(random, base);
    if (hex(bytes) === hex(base)) continue;
    const from = below(random, 2) === 0 ? hostile.address : other.address;
    const effects = victim.machine.handle({ kind: "datagram", bytes, from }, world.now());
    assert.ok(effects.every((effect) => effect.kind === "send" && effect.bytes.length <= bytes.length));
  }
  assert.equal(stateOf(), before, "seed 4");
  assert.equal(victim.machine.nextDeadline(), deadline);
  world.run(10_000);
  const end = victim.ends.get(call)!;
  assert.ok("result" in end && end.result.kind === "resolved" && end.result.summary.found[0]!.verified);
});

/**
 * T5: somebody on the path records what goes by and sends it again, in another order, or not at all.
 *
 * A stream has no window for reordering: TCP keeps the order, so a frame opens only in its own turn and
 * any other ends the link. A datagram may come in any order; a response counts once, for the request
 * whose id it repeats, and a request is answered once for each time that its sender sealed it.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../lib/base/bytes.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import { CipherState } from "../../lib/wire/cipher.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { answeredRequestsMax, tokenSecretMs } from "../../lib/names/limits.ts";
import type { RequestBody } from "../../lib/names/messages.ts";
import { openPacket, PacketType } from "../../lib/names/datagram.ts";
import { contentOf, NamesWorld, signerOf } from "../sim/names_world.ts";
import { HostileContact } from "./kit/hostile_contact.ts";

const crypto = createLightCrypto();
const key = new Uint8Array(32).fill(9);
const nothing = new Uint8Array();

Deno.test("[T5] of 2,000 sequences of repeated, reordered and lost messages a cipher takes what a naive counter takes", () => {
  const random = new SeededRandom(5);
  for (let run = 0; run < 2_000; run++) {
    const sender = new CipherState(crypto.aead, key);
    const sealed = Array.from({ length: 12 }, (_, i) => sender.seal(nothing, Uint8Array.of(i)));
    const receiver = new CipherState(crypto.aead, key);
    const taken = new Set<number>(); // the reference: what came in its turn, and nothing twice
    for (let step = 0; step < 40; step++) {
      const i = below(random, 3) === 0 ? taken.size % sealed.length : below(random, sealed.length);
      const opened = receiver.open(nothing, sealed[i]!);
      const isDue = i === taken.size;
      assert.deepEqual(opened, isDue ? Uint8Array.of(i) : null, `seed 5, run ${run}, step ${step}`);
      if (isDue) taken.add(i);
    }
  }
});

Deno.test("[T5] of 2,000 sequences of frames those before the first that is out of turn are taken, and nothing after it", () => {
  const random = new SeededRandom(6);
  for (let run = 0; run < 2_000; run++) {
    const sealer = new FrameSealer(crypto, key, { rekeyFramesMax: 4 });
    const frames = Array.from({ length: 8 }, (_, i) => sealer.seal([utf8(`message ${i}`)]));
    const order = frames.map((_, i) => i);
    const [at, other] = [below(random, 8), below(random, 8)];
    const move = below(random, 3);
    if (move === 0) order.splice(at, 0, order[other]!); // repeated
    else if (move === 1) order.splice(at, 1); // lost
    else [order[at], order[other]] = [order[other]!, order[at]!];
    const isInTurn = (i: number) => order.slice(0, i + 1).every((frame, place) => frame === place);
    const opener = new FrameOpener(crypto, key, { rekeyFramesMax: 4 });
    for (const [place, frame] of order.entries()) {
      const { messages, reject } = opener.push(frames[frame]!);
      if (isInTurn(place)) assert.deepEqual(messages, [utf8(`message ${frame}`)], `seed 6, run ${run}`);
      else assert.equal(reject, "bad_tag", `seed 6, run ${run}, order ${order}`);
    }
  }
});

/** A peer with something to say, and somebody who asks it everything and records each request. */
function createRecording() {
  const world = new NamesWorld({ seed: 7, latencyMs: [10, 10], crypto });
  const peer = world.addPeer();
  const content = contentOf({ payload: new Uint8Array(1_000) });
  const signer = signerOf(1, crypto);
  peer.wait({ kind: "register", authority: null, classifier: "heron", signer, content });
  const target = Uint8Array.fromHex(peer.machine.nameKeyOf(null, "heron"));
  const asker = new HostileContact(world, { host: "23.0.0.1", port: 9 });
  const requests: RequestBody[] = [
    { kind: "ping" },
    { kind: "find", target, offset: null },
    { kind: "find", target, offset: 0 },
    { kind: "inquire", nameKey: target, part: 0 },
    { kind: "store", registration: asker.statement({ classifier: "heron", signer: signerOf(2, crypto) }) },
  ];
  asker.ask(peer.address, { kind: "ping" });
  world.run(10_000);
  return { world, peer, asker, requests };
}

Deno.test("[T5] [T1] a recorded request, sent again a thousand times from its source, brings its answer once", () => {
  const { world, peer, asker, requests } = createRecording();
  for (const body of requests) {
    const recorded = asker.requestTo(peer.address, body);
    let bytes = 0;
    world.tap = (sent, from) => {
      if (from === peer.address && sent[1] === PacketType.response) bytes += sent.length;
      return true;
    };
    asker.send(recorded, peer.address);
    world.run(1_000);
    const once = bytes;
    assert.ok(once > 0, body.kind);
    for (let i = 0; i < 1_000; i++) asker.send(recorded, peer.address);
    world.run(1_000);
    assert.equal(bytes, once, body.kind);
  }
  assert.equal(peer.machine.snapshot().drops["repeated"], 1_000 * requests.length);
});

Deno.test("[T5] 5,000 requests in any order, some repeated, are answered as a naive set of those seen says", () => {
  const { world, peer, asker, requests } = createRecording();
  const random = new SeededRandom(8);
  const recorded: Uint8Array[] = [];
  const seen = new Set<number>();
  for (let i = 0; i < 5_000; i++) {
    if (recorded.length === 0 || below(random, 2) === 0) {
      recorded.push(asker.requestTo(peer.address, requests[below(random, requests.length)]!));
    }
    const chosen = below(random, recorded.length);
    const effects = peer.machine.handle(
      { kind: "datagram", bytes: recorded[chosen]!, from: asker.address },
      world.now(),
    );
    const answers = effects.filter((effect) => {
      const opened = effect.kind === "send" ? openPacket(effect.bytes) : null;
      return opened?.ok && opened.packet.type === PacketType.response;
    });
    assert.equal(answers.length, seen.has(chosen) ? 0 : 1, `seed 8, step ${i}`);
    seen.add(chosen);
  }
});

Deno.test("[T5] what is remembered of requests is bounded, and a token that ran out stops what was forgotten", () => {
  const { world, peer, asker } = createRecording();
  const recorded = asker.requestTo(peer.address, { kind: "ping" });
  const drops = () => peer.machine.snapshot().drops;
  const give = (bytes: Uint8Array) => peer.input({ kind: "datagram", bytes, from: asker.address });
  give(recorded);
  for (let i = 0; i < answeredRequestsMax - 1; i++) give(asker.requestTo(peer.address, { kind: "ping" }));
  give(recorded);
  assert.equal(drops()["repeated"], 1);
  give(asker.requestTo(peer.address, { kind: "ping" }));
  give(recorded);
  assert.equal(drops()["repeated"], 1, "it was forgotten");
  world.run(2 * tokenSecretMs);
  give(recorded);
  assert.equal(drops()["no_token"], 1);
});

Deno.test("[T5] every response of a real exchange, sent again at once or later, settles and changes nothing", () => {
  const world = new NamesWorld({ seed: 9, latencyMs: [10, 10], crypto });
  const responses: { bytes: Uint8Array; from: { host: string; port: number }; to: string }[] = [];
  world.tap = (bytes, from, to) => {
    if (bytes[1] !== PacketType.request && bytes[1] !== PacketType.hello) {
      responses.push({ bytes, from, to: to.host });
    }
    return true;
  };
  world.populate(6);
  world.run(10_000);
  world.tap = () => true;
  const stateOf = () =>
    JSON.stringify(world.peers.map(({ machine }) => ({ ...machine.snapshot(), drops: null })));
  const before = stateOf();
  const sent = world.datagrams;
  for (const { bytes, from, to } of [...responses, ...responses.toReversed()]) {
    world.peers.find(({ address }) => address.host === to)!.input({ kind: "datagram", bytes, from });
  }
  world.run(1_000);
  assert.ok(responses.length > 50);
  assert.equal(stateOf(), before);
  assert.equal(world.datagrams, sent);
});

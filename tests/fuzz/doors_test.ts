/** Everything next to a golden packet through the door of the machine that takes it: what is refused changes nothing. */

import assert from "node:assert/strict";
import { addressText } from "../../lib/base/address.ts";
import { concat, hex } from "../../lib/base/bytes.ts";
import type { Input, LinkId } from "../../lib/graph/machine.ts";
import { decodeMessage, encodeMessage } from "../../lib/graph/messages.ts";
import { noToken, PacketType } from "../../lib/names/datagram.ts";
import { SecureLink } from "../../lib/peer/secure_link.ts";
import { createLightCrypto } from "../../lib/sim/light_crypto.ts";
import type { ReplicaNode } from "../../lib/sim/replica_node.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { FrameSealer } from "../../lib/wire/frames.ts";
import { bytesOf, fixtureCrypto as crypto } from "../fixtures/items.ts";
import { contactOf, HostileContact } from "../hostile/kit/hostile_contact.ts";
import { NamesWorld, type SimPeer } from "../sim/names_world.ts";
import { GroupWorld, settle } from "../sim/replica_fixture.ts";
import { ScriptedStream } from "../unit/peer/link_world.ts";
import { type DraftPacket, draftPackets, type PacketKind } from "./golden_packets.ts";
import { cuts, extensions, flips } from "./mutators.ts";
import { verdictOf } from "./decoders.ts";

const packets = draftPackets();

/** Each neighbor of each packet of a kind that its decoder refuses. */
function* refused(...kinds: readonly PacketKind[]): Generator<[DraftPacket, Uint8Array]> {
  for (const packet of packets.filter(({ kind }) => kinds.includes(kind))) {
    for (const alteration of [(bytes: Uint8Array) => flips(bytes, 3), cuts, extensions]) {
      for (const bytes of alteration(packet.bytes)) {
        if (verdictOf(packet, bytes) !== "ok") yield [packet, bytes];
      }
    }
  }
}

/** All of a cloud machine that a refused datagram must leave as it is. */
function cloudState({ machine }: SimPeer): string {
  return JSON.stringify({ ...machine.snapshot(), drops: null });
}

Deno.test("[X09] [T6] [T7] (G4) what is no request or response changes nothing in a cloud machine, though it is rightly sealed", () => {
  const world = new NamesWorld({ crypto: createLightCrypto() });
  world.populate(3);
  const victim = world.peers[0]!;
  const contact = new HostileContact(world, { host: "30.0.0.1", port: 5_000 });
  contact.joinBy([victim]);
  world.run(2_000);
  const { key } = contactOf(victim);
  const token = contact.tokenFrom(victim.address) ?? noToken;
  const before = cloudState(victim);
  let inputs = 0;
  for (const [{ kind, name }, plaintext] of refused("request", "response")) {
    const type = kind === "request" ? PacketType.request : PacketType.response;
    const bytes = contact.seal(key, plaintext, { type, token });
    const effects = victim.machine.handle({ kind: "datagram", bytes, from: contact.address }, world.now());
    assert.deepEqual(effects, [], `${name} to ${addressText(victim.address)}: ${hex(plaintext)}`);
    if (inputs++ % 16 === 0) assert.equal(cloudState(victim), before, `${name}: ${hex(plaintext)}`);
  }
  assert.equal(cloudState(victim), before);
  const { drops } = victim.machine.snapshot();
  assert.ok(
    Object.values(drops).reduce((sum, count) => sum + count, 0) >= inputs,
    "each is counted as dropped",
  );
  assert.ok(inputs > 5_000, `${inputs}`);
});

Deno.test("[X09] [T7] (G4) what is no message of a graph changes nothing in a replica, though a member says it", () => {
  const group = new GroupWorld(1);
  const member = group.join();
  settle(group.world);
  member.crash();
  const { founder } = group;
  const proof = founder.replica.policy.proofOf(member.signer.publicKey).map(({ bytes }) => bytes);
  const greeting = encodeMessage({
    type: "greet",
    version: 1,
    wallMs: founder.clock.now().wallMs,
    items: proof,
  });
  const before = replicaState(founder);
  let link: LinkId = 1_000_000;
  let isUp = false;
  let parted = 0;
  const feed = (input: Input) => {
    for (const effect of founder.replica.handle(input, founder.clock.now())) {
      if (effect.kind === "disconnect") isUp = false;
    }
  };
  let inputs = 0;
  for (const [{ name }, bytes] of refused("graph message")) {
    if (!isUp) {
      const place = { address: "30.0.0.1:4000", isLoopback: false, endpoint: null };
      isUp = true;
      parted++;
      feed({ kind: "linkUp", link: ++link, peer: member.signer.publicKey, dialled: false, ...place });
      feed({ kind: "frame", link, bytes: greeting });
    }
    assert.equal(decodeMessage(bytes), null);
    feed({ kind: "frame", link, bytes });
    if (inputs++ % 16 === 0) assert.equal(replicaState(founder), before, `${name}: ${hex(bytes)}`);
  }
  assert.equal(replicaState(founder), before);
  assert.ok(inputs > 5_000 && parted > 100, `${inputs} inputs, parted with ${parted} times`);
});

/** All of a replica but its neighbors. */
function replicaState({ replica }: ReplicaNode): string {
  return JSON.stringify({ ...replica.snapshot(), neighbors: null, contacts: null, unstored: null });
}

Deno.test("[X09] [T7] (G4) what is no message of a link ends it as bad, though it is rightly sealed", async () => {
  const clock = new VirtualClock();
  const failures: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void failures.push(message) };
  const key = bytesOf("key");
  let inputs = 0;
  for (const [{ name }, bytes] of refused("link message")) {
    const frames = new FrameSealer(crypto, key).seal([bytes]);
    const link = new SecureLink({
      stream: new ScriptedStream([frames]),
      ports: { clock, timers: clock, crypto, log },
      ...{ peer: key, peerStatic: key, handshakeHash: key, dialled: true, sendKey: key, receiveKey: key },
      early: new Uint8Array(0),
    });
    link.start({ message: () => assert.fail("nothing is handed on"), writable: () => {} });
    assert.equal(await link.closed, "bad_message", `${name}: ${hex(bytes)}`);
    inputs++;
  }
  assert.deepEqual(failures, []);
  assert.equal(clock.timerCount, 0);
  assert.ok(inputs > 1_000, `${inputs}`);
});

Deno.test("[X09] [T6] [T7] (G4) whatever is no frame ends a link, and is not heard", async () => {
  const clock = new VirtualClock();
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => assert.fail(message) };
  const key = bytesOf("key");
  const sealer = new FrameSealer(crypto, key);
  const [good, next] = [
    sealer.seal([Uint8Array.of(0x83, 6, 1, 0x41, 7)]),
    sealer.seal([Uint8Array.of(0x83, 6, 1, 0x41, 8)]),
  ];
  for (const altered of flips(next)) {
    const heard: string[] = [];
    const link = new SecureLink({
      stream: new ScriptedStream([concat(good, altered)]),
      ports: { clock, timers: clock, crypto, log },
      ...{ peer: key, peerStatic: key, handshakeHash: key, dialled: true, sendKey: key, receiveKey: key },
      early: new Uint8Array(0),
    });
    link.start({ message: (message) => void heard.push(message.kind), writable: () => {} });
    // A longer frame than was sent does not become whole before the stream ends.
    assert.ok(["bad_frame", "broken"].includes(await link.closed), hex(altered));
    assert.ok(heard.length <= 1, "what was altered is not heard");
  }
  assert.equal(clock.timerCount, 0);
});

import assert from "node:assert/strict";
import type { Crypto } from "../../../lib/base/ports.ts";
import { SeededRandom } from "../../../lib/base/random.ts";
import { CloudContext } from "../../../lib/names/context.ts";
import { openPacket, PacketType } from "../../../lib/names/datagram.ts";
import { Exchanges } from "../../../lib/names/exchanges.ts";
import { RoutingTable } from "../../../lib/names/routing_table.ts";
import { SealedWire } from "../../../lib/names/wire.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { createLightCrypto } from "../../../lib/sim/light_crypto.ts";
import { found, HostileContact, type Lie, ownToken } from "../../hostile/kit/hostile_contact.ts";
import { NamesWorld } from "../../sim/names_world.ts";

const crypto = createCrypto();
const address = { host: "20.0.0.1", port: 4_000 };

Deno.test("[T61] a request whose address tells an unusable key fails once, and nothing of it is left", () => {
  const secretKey = new Uint8Array(32).fill(1);
  const random = new SeededRandom(1);
  const context = new CloudContext({ name: "test", scope: "global", secretKey, crypto, random });
  const { cloud, key } = context;
  const wire = new SealedWire({ crypto, random, cloud, key, secretKey });
  const table = new RoutingTable(context.id);
  const exchanges = new Exchanges(context, wire, { table, onAnswered: () => {}, onLost: () => {} });
  const outcomes: string[] = [];
  exchanges.askAddress(address, { kind: "ping" }, ({ kind }) => void outcomes.push(kind));
  const [hello] = context.takeEffects();
  assert.ok(hello?.kind === "send");
  const opened = openPacket(hello.bytes);
  assert.ok(opened.ok && opened.packet.type === PacketType.hello);
  const { nonce } = opened.packet;
  const token = new Uint8Array(16);
  exchanges.onKey({ type: PacketType.key, nonce, sender: new Uint8Array(32), token }, address);
  assert.equal(exchanges.size, 0);
  assert.equal(context.nextDeadline(), null, "nothing is waited for");
  context.now = { monoMs: 60_000, wallMs: 0 };
  context.runDue();
  assert.deepEqual(outcomes, ["failed"]);
  assert.deepEqual(context.takeEffects(), []);
});

Deno.test("[T2] a contact is heard while something is asked of it: after that, what it sends is not opened", () => {
  let opened = 0;
  const light = createLightCrypto();
  const counting: Crypto = {
    ...light,
    aead: { ...light.aead, open: (...args) => (opened++, light.aead.open(...args)) },
  };
  const world = new NamesWorld({ seed: 21, latencyMs: [10, 10], crypto: light });
  const peer = world.addPeer({ machine: { crypto: counting } });
  const lie: Lie = ({ id, body }) => body.kind === "find" ? found(id, []) : null;
  const contact = new HostileContact(world, { host: "23.0.0.1", port: 9 }, { lie });
  peer.wait({ kind: "bootstrap", addresses: [contact.address] });
  world.run(1_000);
  const { requests, contacts, key } = peer.machine.snapshot();
  assert.deepEqual([requests, contacts.length], [0, 1], "it answered, and is asked nothing now");
  opened = 0;
  const options = { type: PacketType.response, token: ownToken } as const;
  for (let i = 0; i < 100; i++) {
    const bytes = contact.seal(Uint8Array.fromHex(key), found(world.random.bytes(16), []), options);
    peer.input({ kind: "datagram", bytes, from: contact.address });
  }
  assert.deepEqual([opened, peer.machine.snapshot().drops], [0, { unasked: 100 }]);
});

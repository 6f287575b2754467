import assert from "node:assert/strict";
import { SeededRandom } from "../../../lib/base/random.ts";
import { CloudContext } from "../../../lib/names/context.ts";
import { openPacket, PacketType } from "../../../lib/names/datagram.ts";
import { Exchanges } from "../../../lib/names/exchanges.ts";
import { RoutingTable } from "../../../lib/names/routing_table.ts";
import { SealedWire } from "../../../lib/names/wire.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";

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

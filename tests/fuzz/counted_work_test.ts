/** What inputs cost, in counted steps and counted primitives: no input costs more than its length allows. */

import assert from "node:assert/strict";
import { parseAddress } from "../../lib/base/address.ts";
import { fromBase32 } from "../../lib/base/base32.ts";
import { concat, hex, utf8 } from "../../lib/base/bytes.ts";
import { SeededRandom } from "../../lib/base/random.ts";
import { decodeMessage, GraphMessageType } from "../../lib/graph/messages.ts";
import { parseHostName, parsePeerName } from "../../lib/identity/peer_name.ts";
import { decodeLinkMessage } from "../../lib/peer/link_messages.ts";
import { isJson } from "../../lib/records/body_codec.ts";
import { ItemKind } from "../../lib/records/item.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import { decode, encode, type Value } from "../../lib/wire/codec.ts";
import { FrameOpener, FrameSealer } from "../../lib/wire/frames.ts";
import { cborElementsMax } from "../../lib/wire/limits.ts";
import { bytesOf, fixtureCrypto as crypto } from "../fixtures/items.ts";
import type { CryptoCounts } from "../hostile/kit/counting_crypto.ts";
import { writeTree } from "./cbor_tree.ts";
import { decodersCrypto, verdictOf } from "./decoders.ts";
import { leavingMember } from "./crafted_groups.ts";
import { createForges, type Forge } from "./forges.ts";
import { type DraftPacket, draftPackets, type PacketKind } from "./golden_packets.ts";
import { blindly } from "./mutators.ts";
import { StepCounter } from "./step_counter.ts";
import { mutateTree } from "./tree_mutators.ts";

const packets = draftPackets();
const forges = createForges();
const kinds = [...new Set(packets.map(({ kind }) => kind))];

// Measured: up to 14 steps for a byte that is an element, 90 for a key of a map, which the library sorts again.
const stepsPerByteMax = 60;
const stepsBaseMax = 12_000;

/** Primitives that one input may cost; hashes include those of encoding again what was taken. */
const costs: Readonly<Record<PacketKind, Partial<CryptoCounts>>> = {
  "datagram": { agreements: 1, openings: 1, hashes: 20 },
  "request": {},
  "response": { hashes: 20 },
  "hint": { hashes: 1 },
  "registration": { verifications: 1, hashes: 1 },
  "item": { verifications: 2, hashes: 6 },
  "graph message": {},
  "handshake": { agreements: 6, openings: 6, hashes: 30 },
  "frame": { openings: 4 },
  "link message": {},
  "envelope": { verifications: 1 },
  "link proof": { verifications: 1 },
  "peer id": { hashes: 2 },
  "peer name": { hashes: 2 },
  "host name": { hashes: 3 },
  "invitation": { hashes: 2 },
};

/** Packets of a kind, altered: half of them blindly, half by who signs and seals them. */
function* altered(kind: PacketKind, seed: number, count: number): Generator<[DraftPacket, Uint8Array]> {
  const random = new SeededRandom(seed);
  const own = packets.filter((packet) => packet.kind === kind);
  const all = own.map(({ bytes }) => bytes);
  const made = forges.filter(({ origin }) => origin.kind === kind);
  for (let i = 0; i < count; i++) {
    const packet = own[i % own.length]!;
    if (i % 2 === 0 || made.length === 0) yield [packet, blindly(random, packet.bytes, all)];
    else yield forged(random, made[i % made.length]!, made);
  }
}

function forged(random: SeededRandom, forge: Forge, others: readonly Forge[]): [DraftPacket, Uint8Array] {
  const { origin, tree, content, wrap } = forge;
  const trees = others.flatMap((other) => other.tree ?? []);
  const bytes = tree === null
    ? blindly(random, content, [content])
    : writeTree(mutateTree(random, tree, trees));
  return [origin, wrap(bytes)];
}

Deno.test("[X09] [T39] [T89] no altered packet costs more signatures, agreements or hashes than its kind may", () => {
  for (const kind of kinds) {
    for (const [packet, bytes] of altered(kind, 7, 400)) {
      const cost = decodersCrypto.cost(() => verdictOf(packet, bytes));
      for (const [name, count] of Object.entries(cost)) {
        // The decoder's own work to be ready for a handshake message is none of the input's.
        if (kind === "handshake" && name !== "openings") continue;
        const most = costs[kind][name as keyof CryptoCounts] ?? 0;
        assert.ok(count <= most, `${kind}, ${packet.name}: ${count} ${name}, ${bytes.toHex()}`);
      }
    }
  }
});

Deno.test("[X09] [T39] [T89] the longest altered packets of each kind take steps in proportion to their bytes", async () => {
  await using counter = await StepCounter.start();
  for (const kind of kinds) {
    const inputs = [...altered(kind, 8, 300)].sort(([, a], [, b]) => b.length - a.length);
    for (const [packet, bytes] of [...inputs.slice(0, 4), ...inputs.slice(150, 152)]) {
      const { steps, values } = await counter.count(() => verdictOf(packet, bytes));
      assert.ok(values <= 3 * (cborElementsMax + 1), `${kind}: ${values} values`);
      const most = stepsBaseMax + stepsPerByteMax * bytes.length;
      assert.ok(steps <= most, `${kind}, ${packet.name}: ${steps} steps for ${bytes.length} bytes`);
    }
  }
});

const filled = (count: number, element: (i: number) => Value): Value =>
  Array.from({ length: count }, (_, i) => element(i));
const hashes = (count: number): Uint8Array[] =>
  Array.from(
    { length: count },
    (_, i) => concat(Uint8Array.of(i >> 8, i & 255), bytesOf("hash").subarray(2)),
  );

/** Inputs of any size that were each the ruin of some reader: twice the size may cost twice the work. */
const families: Readonly<
  Record<string, readonly [sizes: readonly number[], make: (size: number) => () => void]>
> = {
  "many small elements": [[2_500, 20_000], (n) => decoding(encode(filled(n, () => 0)))],
  "many empty arrays": [[2_500, 20_000], (n) => decoding(encode(filled(n, () => [])))],
  "many empty maps": [[2_500, 20_000], (n) => decoding(encode(filled(n, () => new Map())))],
  "many keys": [
    [1_250, 10_000],
    (n) => decoding(encode(new Map(Array.from({ length: n }, (_, i) => [i, 0])))),
  ],
  "many keys that are texts": [
    [600, 4_800],
    (n) => decoding(encode(new Map(Array.from({ length: n }, (_, i) => [`key ${i}`, 0])))),
  ],
  "keys that differ in their last byte alone": [
    [30, 240],
    (n) =>
      decoding(encode(new Map(Array.from({ length: n }, (_, i) => [`${"k".repeat(200)}${1_000 + i}`, 0])))),
  ],
  "one key again and again": [
    [1_000, 8_000],
    (n) => decoding(concat(Uint8Array.of(0xb9, n >> 8, n & 255), new Uint8Array(2 * n))),
  ],
  "depth that goes on": [[5_000, 40_000], (n) => decoding(new Uint8Array(n).fill(0x81))],
  "a long text of marks": [
    [1_000, 8_000],
    (n) => decoding(concat(Uint8Array.of(0x79, (2 * n) >> 8, (2 * n) & 255), utf8("\u0300".repeat(n)))),
  ],
  "many texts of marks": [[250, 2_000], (n) => decoding(encode(filled(n, () => "é")))],
  "an items message of nothings": [
    [2_000, 16_000],
    (n) => {
      const bytes = encode([GraphMessageType.items, filled(n, () => new Uint8Array(0))]);
      return () => void decodeMessage(bytes);
    },
  ],
  "a page of elements": [
    [256, 2_048],
    (n) => {
      const bytes = encode([GraphMessageType.elements, 0, new Uint8Array(16 * n), true]);
      return () => void decodeMessage(bytes);
    },
  ],
  "a list of hashes": [
    [200, 1_600],
    (n) => {
      const bytes = concat(Uint8Array.of(2), encode([ItemKind.list, hashes(n), null]));
      return () => void parseItem(crypto, bytesOf("graph"), bytes);
    },
  ],
  "a data message": [
    [8_000, 64_000],
    (n) => {
      const bytes = encode([6, 1, new Uint8Array(n)]);
      return () => void decodeLinkMessage(bytes);
    },
  ],
  "a frame of empty messages": [
    [600, 4_800],
    (n) => {
      const sealed = new FrameSealer(crypto, bytesOf("key")).seal(
        Array.from({ length: n }, () => new Uint8Array(0)),
      );
      return () => void new FrameOpener(crypto, bytesOf("key")).push(sealed);
    },
  ],
  "a frame that comes byte by byte": [
    [1_500, 12_000],
    (n) => {
      const sealed = new FrameSealer(crypto, bytesOf("key")).seal([new Uint8Array(n)]);
      return () => {
        const opener = new FrameOpener(crypto, bytesOf("key"));
        for (let i = 0; i < sealed.length; i++) opener.push(sealed.subarray(i, i + 1));
      };
    },
  ],
  "JSON in JSON": [[5_000, 40_000], (n) => () => void isJson("[".repeat(n))],
  "JSON of backslashes": [[5_000, 40_000], (n) => () => void isJson(`"${"\\\\".repeat(n)}"`)],
  "JSON side by side": [[5_000, 40_000], (n) => () => void isJson(`[${"[],".repeat(n)}[]]`)],
  "a long peer name": [[5_000, 40_000], (n) => () => void parsePeerName(crypto, `0.${"ä".repeat(n)}`)],
  "a long host name": [
    [5_000, 40_000],
    (n) => () => void parseHostName(crypto, `${"x-.".repeat(n)}kith.alt`),
  ],
  "a long address": [[5_000, 40_000], (n) => () => void parseAddress(`[${"1:".repeat(n)}]:1`)],
  "a long base 32": [[5_000, 40_000], (n) => () => void fromBase32("a".repeat(n))],
};

function decoding(bytes: Uint8Array): () => void {
  return () => void decode(bytes);
}

Deno.test("[X09] [T39] [T89] eight times the input takes at most ten times the steps, in every reader", async () => {
  await using counter = await StepCounter.start();
  for (const [name, [[small, large], make]] of Object.entries(families)) {
    const [few, many] = [make(small!), make(large!)];
    const first = await counter.count(few);
    const second = await counter.count(many);
    assert.ok(first.steps > 0, `${name}: the readers are counted`);
    assert.ok(
      second.steps <= 10 * first.steps + 2_000,
      `${name}: ${first.steps} steps, then ${second.steps}`,
    );
    assert.ok(second.values <= cborElementsMax + 1, `${name}: ${second.values} values`);
  }
});

Deno.test("[T39] [T51] R26: eight times the leaves and what they let stay take at most ten times the steps", async () => {
  await using counter = await StepCounter.start();
  const judged = async (count: number) => {
    const { policy, items } = leavingMember(count);
    const { steps } = await counter.count(() => void policy.learn(items));
    assert.equal(policy.member(hex(bytesOf("bob"))), null, "who has left is no member");
    return steps;
  };
  const [few, many] = [await judged(100), await judged(800)];
  assert.ok(many <= 10 * few, `${few} steps, then ${many}`);
});

import assert from "node:assert/strict";
import { decode as decodeCbor } from "cborg";
import { hex } from "../../lib/base/bytes.ts";
import { createList, parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { bytesOf, fixtureCrypto as crypto, keyOf, sampleItems } from "../fixtures/items.ts";
import golden from "./items.json" with { type: "json" };

const samples = sampleItems();
const pinned: Readonly<Record<string, { bytes: string; hash: string; record: string | null }>> = golden.items;

Deno.test("every kind of item is written as the pinned bytes, with the pinned hash and record id", () => {
  const written = [...samples.items].map(([name, { bytes, id, record }]) => [
    name,
    { bytes: hex(bytes), hash: id, record },
  ]);
  assert.deepEqual(Object.fromEntries(written), pinned);
});

Deno.test("parseItem() reads the pinned bytes as the items they were, and their signatures hold", () => {
  for (const [name, item] of samples.items) {
    const parsed = parseItem(crypto, samples.group, Uint8Array.fromHex(pinned[name]!.bytes));
    assert.deepEqual(parsed, { ok: true, item }, name);
    assert.ok(verifyItem(crypto, samples.group, item), name);
  }
});

Deno.test("createList() writes a list of two parts as the pinned bytes, in any order of its hashes", () => {
  const hashes = Array.from({ length: 1801 }, (_, i) => bytesOf(`hash ${i}`));
  const parts = createList(crypto, hashes);
  assert.deepEqual(createList(crypto, hashes.toReversed()), parts);
  for (const part of parts) assert.ok(parseItem(crypto, samples.group, part.bytes).ok);
  assert.deepEqual(parts.map(({ id, bytes }) => ({ hash: id, length: bytes.length })), golden.parts);
});

Deno.test("a credential's body is a CWT claim set with the subject's COSE key, to another reader too", () => {
  const envelope = openEnvelope(samples.items.get("credential")!.bytes);
  assert.ok(envelope.ok);
  const fields = decodeCbor(envelope.payload, { useMaps: true }) as unknown[];
  assert.equal(fields[0], 17);
  assert.deepEqual(
    fields[7],
    new Map<number, unknown>([
      [4, 10_000], // exp, in seconds
      [5, 1_000], // nbf
      [8, new Map([[1, new Map<number, unknown>([[1, 1], [-1, 6], [-2, keyOf("bob").publicKey]])]])], // cnf: OKP, Ed25519
      [-65537, 10], // roles
    ]),
  );
});

/** Items signed and verified: the largest part of what a record costs. */

import { utf8 } from "../../lib/base/bytes.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { createItem, parseItem, verifyItem } from "../../lib/records/item_codec.ts";
import type { ItemHead } from "../../lib/records/item.ts";
import { bytesOf, fakeAt, keyOf, recordOf, versionBody } from "../../tests/fixtures/items.ts";
import { type Bench, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures {@linkcode createItem} and {@linkcode verifyItem}, and the bare signature beside them. */
export const signatureBench: Bench = { name: "signature", run };

async function run(scale: Scale): Promise<Result[]> {
  const crypto = createCrypto();
  const graph = bytesOf("graph");
  const seed = bytesOf("author");
  const signer = keyOf("author");
  const body = { ...versionBody(recordOf(signer.publicKey)), data: utf8("heron ".repeat(42)) };
  const operations = scale.count(300);
  const headOf = (seq: number): ItemHead => ({
    author: signer.publicKey,
    key: null,
    writer: new Uint8Array(8),
    seq,
    at: fakeAt,
    credential: null,
  });
  const items = Array.from({ length: operations }, (_, i) => {
    const parsed = parseItem(crypto, graph, createItem(crypto, signer, graph, headOf(i + 1), body).bytes);
    if (!parsed.ok) throw new Error("The benchmark's own item is none");
    return parsed.item;
  });
  const signatures = items.map(({ bytes }) => crypto.ed25519.sign(seed, bytes));
  return await measureCases([
    {
      name: "signature/make an item",
      unit: "µs",
      operations,
      work() {
        let last = "";
        for (let i = 0; i < operations; i++) {
          last = createItem(crypto, signer, graph, headOf(i + 1), body).id;
        }
        return last.slice(0, 16);
      },
    },
    {
      name: "signature/verify an item",
      unit: "µs",
      operations,
      work: () => items.filter((item) => verifyItem(crypto, graph, item)).length,
    },
    {
      name: "signature/sign, bare Ed25519",
      unit: "µs",
      operations,
      work: () => items.reduce((sum, { bytes }) => sum + crypto.ed25519.sign(seed, bytes).length, 0),
    },
    {
      name: "signature/verify, bare Ed25519",
      unit: "µs",
      operations,
      work: () =>
        items.filter(({ bytes }, i) => crypto.ed25519.verify(signer.publicKey, bytes, signatures[i]!)).length,
    },
  ], scale.runs(25));
}

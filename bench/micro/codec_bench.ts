/** The codec: the signed payload of a record as CBOR and back, and a whole item judged by form. */

import { hex, utf8 } from "../../lib/base/bytes.ts";
import { createCrypto } from "../../lib/platform/crypto.ts";
import { parseItem } from "../../lib/records/item_codec.ts";
import { decode, encode } from "../../lib/wire/codec.ts";
import { openEnvelope } from "../../lib/wire/envelope.ts";
import { bytesOf, keyOf, recordOf, signedItem, versionBody } from "../../tests/fixtures/items.ts";
import { type Bench, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures {@linkcode encode}, {@linkcode decode} and {@linkcode parseItem}. */
export const codecBench: Bench = { name: "codec", run };

async function run(scale: Scale): Promise<Result[]> {
  const crypto = createCrypto();
  const graph = bytesOf("graph");
  const author = keyOf("author");
  const body = {
    ...versionBody(recordOf(author.publicKey)),
    attributes: [["place", "north pond"], ["count", 3]] as const,
    data: utf8("heron ".repeat(43).slice(0, valueBytes)),
  };
  const { bytes } = signedItem(author, graph, body);
  const envelope = openEnvelope(bytes);
  if (!envelope.ok) throw new Error("The benchmark's own item is no envelope");
  const { payload } = envelope;
  const decoded = decode(payload);
  if (!decoded.ok) throw new Error("The benchmark's own payload does not decode");
  const { value } = decoded;
  const operations = scale.count(2_000);
  const repeat = (once: () => number): number => {
    let sum = 0;
    for (let i = 0; i < operations; i++) sum += once();
    return sum / operations;
  };
  return await measureCases([
    { name: "codec/encode payload", unit: "µs", operations, work: () => repeat(() => encode(value).length) },
    {
      name: "codec/decode payload",
      unit: "µs",
      operations,
      work: () => repeat(() => decode(payload).ok ? payload.length : 0),
    },
    {
      name: "codec/parse item",
      unit: "µs",
      operations,
      work() {
        let last = "";
        for (let i = 0; i < operations; i++) {
          const parsed = parseItem(crypto, graph, bytes);
          last = parsed.ok ? parsed.item.id : "";
        }
        return last.slice(0, 16);
      },
    },
    {
      name: "codec/hash of the item's bytes",
      unit: "µs",
      operations,
      work() {
        let last = new Uint8Array();
        for (let i = 0; i < operations; i++) last = crypto.sha256(bytes) as Uint8Array<ArrayBuffer>;
        return hex(last).slice(0, 16);
      },
    },
  ], scale.runs(25));
}

const valueBytes = 256;

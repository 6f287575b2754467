/** The store: entries of a record's size, one at a time and in batches, on disk and in memory. */

import type { RecordStore, StoreChange, StoreKey } from "../../lib/base/ports.ts";
import { createRandom } from "../../lib/platform/random.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { KvStore } from "../../lib/storage/kv_store.ts";
import { MemoryStore } from "../../lib/storage/memory_store.ts";
import { type Bench, type Case, measureCases, type Result, type Scale } from "../measure.ts";

/** Measures commits: every entry counts as one record. */
export const storeBench: Bench = { name: "store", run };

async function run(scale: Scale): Promise<Result[]> {
  const folder = await Deno.makeTempDir({ prefix: "kith-bench-" });
  const disk = await KvStore.open(`${folder}/store.kv`, { timers: createTimers() });
  const memory = new MemoryStore();
  try {
    const onDisk = batchSizes.map((size) => caseOf("on disk", disk, size, scale, inOrder()));
    const scattered = caseOf("on disk, keys by hash", disk, 100, scale, byHash);
    const inMemory = caseOf("in memory", memory, 100, scale, inOrder());
    return await measureCases([...onDisk, scattered, inMemory], scale.runs(15));
  } finally {
    await disk.close();
    await memory.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function caseOf(
  where: string,
  store: RecordStore,
  size: number,
  scale: Scale,
  nextKey: () => StoreKey,
): Case {
  const batches = scale.count(size === 1 ? 50 : Math.ceil(2_000 / size));
  return {
    name: `store/${where}, ${size === 1 ? "single sets" : `batches of ${size}`}`,
    unit: "/s",
    operations: batches * size,
    async work() {
      let bytes = 0;
      for (let i = 0; i < batches; i++) {
        const change = changeOf(size, nextKey);
        await store.commit(change);
        bytes += change.sets!.reduce((sum, { value }) => sum + value.length, 0);
      }
      return bytes;
    },
  };
}

/** What a replica stores of so many records. */
function changeOf(size: number, nextKey: () => StoreKey): StoreChange {
  return { sets: Array.from({ length: size }, () => ({ key: nextKey(), value })) };
}

/** Ascending keys, as a replica uses them: new entries lie side by side in the file. */
function inOrder(): () => StoreKey {
  const graph = random.bytes(32);
  let slot = 0;
  return () => ["graph", graph, "item", ++slot];
}

/** Keys that scatter over the file, for comparison. */
function byHash(): StoreKey {
  return ["graph", graphByHash, "item", random.bytes(32)];
}

const random = createRandom();
const graphByHash = random.bytes(32);
const batchSizes: readonly number[] = [1, 10, 100, 500];

/** As large as a signed record with a value of some 200 bytes. */
const value = random.bytes(500);

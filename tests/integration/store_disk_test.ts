import assert from "node:assert/strict";
import { PeerError } from "../../lib/base/errors.ts";
import type { RecordStore } from "../../lib/base/ports.ts";
import { below, SeededRandom } from "../../lib/base/random.ts";
import { StrictStore } from "../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { KvStore } from "../../lib/storage/kv_store.ts";
import { listAll } from "../contract/store_contract.ts";
import { checkNumbered, numberedChange } from "./store_changes.ts";

/** Virtual time stands still: a slow machine trips no deadline. */
const options = { timers: new VirtualClock() };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A store on a disk that can be full. */
interface SmallDisk {
  readonly store: RecordStore;
  /** Ends the shortage. */
  free(): Promise<void>;
  reopen(): Promise<RecordStore>;
  unmount(): Promise<void>;
}

/** 8 MiB in memory with a file on it that can go; a store that fails where mounting is not allowed. */
async function openSmallDisk(folder: string): Promise<SmallDisk> {
  const mounted = await run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder);
  if (!mounted) return openFaultyDisk();
  await Deno.writeFile(`${folder}/filler`, new Uint8Array(4_000_000));
  let store = await KvStore.open(`${folder}/x.kv`, options);
  return {
    store,
    free: () => Deno.remove(`${folder}/filler`),
    reopen: async () => {
      await store.close();
      return store = await KvStore.open(`${folder}/x.kv`, options);
    },
    unmount: async () => {
      await store.close();
      assert.ok(await run("umount", folder));
    },
  };
}

function openFaultyDisk(): SmallDisk {
  const store = new StrictStore();
  let stored = 0;
  const commit = store.commit.bind(store);
  store.commit = (change) => {
    if (++stored === 10) store.failAlways("store_full");
    return commit(change);
  };
  return {
    store,
    free: () => Promise.resolve(store.failAlways(null)),
    reopen: () => store.close().then(() => store.reopen()),
    unmount: () => Promise.resolve(),
  };
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // no such command here
    throw error;
  }
}

Deno.test("[R26] a full disk fails commits, keeps reads and the process, and passes", () =>
  inFolder(async (folder) => {
    const disk = await openSmallDisk(folder);
    try {
      let n = 0;
      const fill = async () => {
        for (;; n++) await disk.store.commit(numberedChange(n));
      };
      await assert.rejects(fill(), (error) => error instanceof PeerError && error.code === "store_full");
      assert.ok(n > 0, "some changes fitted");
      for (let i = 0; i < 20; i++) {
        await assert.rejects(disk.store.commit(numberedChange(n)), { code: "store_full" });
      }
      assert.equal(await checkNumbered(disk.store), n - 1);
      await disk.free();
      await disk.store.commit(numberedChange(n));
      assert.equal(await checkNumbered(await disk.reopen()), n);
    } finally {
      await disk.unmount();
    }
  }));

Deno.test("[R26] a file that is no database is refused with the remedy, and left as it is", () =>
  inFolder(async (folder) => {
    const path = `${folder}/x.kv`;
    const text = "heron at the north pond\n".repeat(500);
    await Deno.writeTextFile(path, text);
    const failure = { code: "store_damaged", message: /file is not a database; give another path/ };
    await assert.rejects(KvStore.open(path, options), failure);
    assert.equal(await Deno.readTextFile(path), text);
  }));

/** What a damaged copy may show: the right values, fewer of them, or a typed failure; never a wrong one. */
async function checkDamaged(path: string, stored: ReadonlyMap<string, Uint8Array>): Promise<number> {
  let store: KvStore | null = null;
  try {
    store = await KvStore.open(path, options);
    const entries = await listAll(store, ["n"]);
    for (const { key, value } of entries) assert.deepEqual(value, stored.get(key.join()));
    const body = await store.readBody(numberedChange(0).bodies![0]!.hash);
    assert.ok(body === null || body.length === 2_000);
    return entries.length;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    assert.match(error.code, /^store_(damaged|failed)$/);
    return 0;
  } finally {
    await store?.close();
  }
}

Deno.test("[T50] [R26] flipped bits, overwritten pages and cut files never give a wrong value", () =>
  inFolder(async (folder) => {
    const random = new SeededRandom(20_260_102);
    const path = `${folder}/x.kv`;
    const store = await KvStore.open(path, options);
    await store.commit(numberedChange(0));
    const sets = Array.from(
      { length: 400 },
      (_, n) => ({ key: ["n", n + 10, "x"], value: random.bytes(100) }),
    );
    await store.commit({ sets });
    const stored = new Map((await listAll(store, ["n"])).map(({ key, value }) => [key.join(), value]));
    await store.close(); // the log is merged into the file
    const whole = await Deno.readFile(path);
    const copy = `${folder}/damaged.kv`;
    const damages: ((bytes: Uint8Array) => Uint8Array)[] = [
      (bytes) => (bytes[below(random, bytes.length)]! ^= 1 << below(random, 8), bytes),
      (bytes) => (bytes.set(random.bytes(200), below(random, bytes.length - 200)), bytes),
      (bytes) => bytes.subarray(0, below(random, bytes.length)),
    ];
    let intact = 0;
    let shown = 0;
    for (let i = 0; i < 90; i++) {
      await Deno.writeFile(copy, damages[i % damages.length]!(whole.slice()));
      const entries = await checkDamaged(copy, stored);
      shown += entries;
      if (entries === stored.size) intact++;
      await Deno.remove(copy);
      for (const beside of ["-wal", "-shm"]) {
        await Deno.remove(copy + beside).catch(() => {
          // merged away already
        });
      }
    }
    assert.ok(intact > 0 && intact < 90 && shown > 0, `${intact} intact, ${shown} entries shown`);
  }));

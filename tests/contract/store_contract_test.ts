import assert from "node:assert/strict";
import { StrictStore } from "../../lib/sim/strict_store.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { KvStore } from "../../lib/storage/kv_store.ts";
import { MemoryStore } from "../../lib/storage/memory_store.ts";
import { storeContract } from "./store_contract.ts";

storeContract("MemoryStore", () => {
  const store = new MemoryStore();
  return Promise.resolve({ store, dispose: () => store.close() });
});

storeContract("StrictStore", () => {
  let store = new StrictStore();
  const reopen = async () => {
    await store.close();
    return store = store.reopen();
  };
  const dispose = async () => {
    await store.close();
    assert.deepEqual(store.breaches, []);
  };
  return Promise.resolve({ store, reopen, dispose });
}, { reopens: true });

/** Virtual time stands still: a slow machine trips no deadline. */
const options = { timers: new VirtualClock() };

storeContract("KvStore in memory", async () => {
  const store = await KvStore.open(":memory:", options);
  return { store, dispose: () => store.close() };
});

storeContract("KvStore on a file", async () => {
  const folder = await Deno.makeTempDir();
  let store = await KvStore.open(`${folder}/x.kv`, options);
  const reopen = async () => {
    await store.close();
    return store = await KvStore.open(`${folder}/x.kv`, options);
  };
  const dispose = async () => {
    await store.close();
    await Deno.remove(folder, { recursive: true });
  };
  return { store, reopen, dispose };
}, { reopens: true });

import { FaultyStore } from "../../lib/sim/faulty_store.ts";
import { MemoryStore } from "../../lib/storage/memory_store.ts";
import { storeContract } from "./store_contract.ts";

storeContract("MemoryStore", () => {
  const store = new MemoryStore();
  return Promise.resolve({ store, dispose: () => store.close() });
});

storeContract("FaultyStore", () => {
  const store = new FaultyStore();
  const reopen = async () => {
    await store.close();
    return store.reopen();
  };
  return Promise.resolve({ store, reopen, dispose: () => store.close() });
}, { reopens: true });

import { StoreFaults } from "../../lib/sim/store_faults.ts";
import { StrictDisk } from "../../lib/sim/strict_disk.ts";
import { StrictKv } from "../../lib/sim/strict_kv.ts";
import { kvContract } from "./kv_contract.ts";

kvContract("Deno KV", () => Deno.openKv(":memory:"));

kvContract("StrictKv", () => {
  const process = { hasCrashed: () => false, crash() {}, onDurable() {}, onBreach() {} };
  return Promise.resolve(new StrictKv(new StrictDisk(), new StoreFaults(null, null), process));
});

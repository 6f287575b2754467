/** A process of its own for `store_*_test.ts`: holds a store, its lock or SQLite's, or writes until killed. */

import { DatabaseSync } from "node:sqlite";
import { lockStore } from "../../lib/platform/files.ts";
import { createTimers } from "../../lib/platform/timers.ts";
import { KvStore } from "../../lib/storage/kv_store.ts";
import { numberedChange } from "./store_changes.ts";

const [mode, path] = Deno.args as [string, string];

switch (mode) {
  case "lock":
    await lockStore(path);
    console.log("ready");
    await untilStdinEnds();
    break;
  case "sqlite": {
    const database = new DatabaseSync(path);
    database.exec("BEGIN EXCLUSIVE");
    console.log("ready");
    await untilStdinEnds();
    database.exec("ROLLBACK");
    database.close();
    console.log("released");
    break;
  }
  case "write": {
    const store = await KvStore.open(path, { timers: createTimers() });
    for (let n = 0;; n++) {
      await store.commit(numberedChange(n));
      console.log(n);
    }
  }
}

async function untilStdinEnds(): Promise<void> {
  for await (const _ of Deno.stdin.readable) {
    // only the end matters
  }
}

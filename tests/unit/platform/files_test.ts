import assert from "node:assert/strict";
import { keyFileOf, lockStore, readKeyFile, writeKeyFile } from "../../../lib/platform/files.ts";

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(`${folder}/x.kv`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function modes(path: string): Record<string, string> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(
    files.map((name) => [name, (Deno.statSync(`${folder}/${name}`).mode! & 0o777).toString(8)]),
  );
}

Deno.test("[T66] a store's files are for their owner alone, those that KV makes too", () =>
  inFolder(async (path) => {
    const lock = await lockStore(path);
    await writeKeyFile(path, Uint8Array.of(1));
    const kv = await Deno.openKv(path);
    await kv.set(["a"], 1);
    assert.deepEqual(modes(path), {
      "x.kv": "600",
      "x.kv-shm": "600",
      "x.kv-wal": "600",
      "x.kv.key": "600",
      "x.kv.lock": "600",
    });
    kv.close();
    lock.release();
  }));

Deno.test("[T69] lockStore() gives a store to one owner at a time", () =>
  inFolder(async (path) => {
    const lock = await lockStore(path);
    await assert.rejects(lockStore(path), {
      code: "store_in_use",
      message: /another process.*store of its own/,
    });
    lock.release();
    lock.release();
    const next = await lockStore(path);
    next.release();
  }));

Deno.test("lockStore() leaves what is in the store", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "kept");
    (await lockStore(path)).release();
    assert.equal(await Deno.readTextFile(path), "kept");
  }));

Deno.test("lockStore() says what is wrong with a path", () =>
  inFolder(async (path) => {
    await assert.rejects(lockStore(`${path}/no/folder.kv`), {
      code: "store_failed",
      message: /create the folder/,
    });
    const folder = path.slice(0, path.lastIndexOf("/"));
    await assert.rejects(lockStore(folder), { code: "store_failed" });
  }));

Deno.test("writeKeyFile() replaces the keys whole, over what a crash left", () =>
  inFolder(async (path) => {
    assert.equal(await readKeyFile(path), null);
    await Deno.writeTextFile(`${keyFileOf(path)}.new`, "half of what a crash left", { mode: 0o644 });
    const long = Uint8Array.from({ length: 5_000 }, (_, i) => i & 255);
    await writeKeyFile(path, long);
    assert.deepEqual(await readKeyFile(path), long);
    await writeKeyFile(path, Uint8Array.of(1, 2));
    assert.deepEqual(await readKeyFile(path), Uint8Array.of(1, 2));
    assert.deepEqual(modes(path), { "x.kv.key": "600" });
  }));

Deno.test("[T66] readKeyFile() refuses keys that others may read, and files too large to be keys", () =>
  inFolder(async (path) => {
    await writeKeyFile(path, Uint8Array.of(1));
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      await Deno.chmod(keyFileOf(path), mode);
      await assert.rejects(readKeyFile(path), { code: "keys_readable", message: /chmod 600/ });
    }
    await Deno.chmod(keyFileOf(path), 0o600);
    await Deno.truncate(keyFileOf(path), 2 ** 21);
    await assert.rejects(readKeyFile(path), { code: "keys_damaged" });
  }));

Deno.test({
  name: "lockStore() names all flags at once when a permission is missing",
  permissions: { read: [Deno.cwd()], write: false },
  fn: async () => {
    await assert.rejects(lockStore("alice.kv"), {
      code: "permission_denied",
      message:
        /--allow-read=alice\.kv,alice\.kv\.lock,alice\.kv\.key,alice\.kv\.key\.new --allow-write=alice\.kv,/,
    });
  },
});

import assert from "node:assert/strict";
import { SeededRandom } from "../../../lib/base/random.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import { openStore } from "../../../lib/peer/defaults.ts";
import { type KeyFile, KeyRing } from "../../../lib/peer/key_ring.ts";
import { identitiesMax } from "../../../lib/peer/limits.ts";
import { createCrypto } from "../../../lib/platform/crypto.ts";
import { writeKeyFile } from "../../../lib/platform/files.ts";
import { silentLog } from "../../../lib/platform/log.ts";
import { decode, encode } from "../../../lib/wire/codec.ts";
import { realTimers } from "../../contract/real_world.ts";

const crypto = createCrypto();

Deno.test("[I01] a new ring holds one identity, the default; it is kept before it is used", async () => {
  const file = new TestFile();
  const ring = await open(file);
  assert.deepEqual(ring.list().map(({ name }) => name), ["default"]);
  assert.equal(file.writes, 1);
  const again = await open(file);
  assert.deepEqual(again.list().map(({ id }) => id), ring.list().map(({ id }) => id));
  assert.equal(file.writes, 1, "opening a ring that is there writes nothing");
});

Deno.test("[I02] identities, their order and groups are kept whole", async () => {
  const file = new TestFile();
  const ring = await open(file);
  const work = await ring.create("work");
  await ring.keepGroup(new Uint8Array(32).fill(7), new Uint8Array(32).fill(8));
  await ring.setDefault(work.id);
  const again = await open(file);
  assert.deepEqual(again.list().map(({ name, id }) => [name, id]), [["work", work.id], [
    "default",
    ring.find("default").id,
  ]]);
  assert.equal(again.find(work.id).name, "work");
  const decoded = decode(file.bytes!);
  assert.ok(decoded.ok);
  assert.deepEqual((decoded.value as unknown[])[2], [[
    new Uint8Array(32).fill(7),
    new Uint8Array(32).fill(8),
  ]]);
});

Deno.test("names are taken once, bounded and found; each failure has its code", async () => {
  const ring = await open(new TestFile());
  await assert.rejects(ring.create("default"), hasCode("identity_exists", /choose another name/));
  await assert.rejects(ring.create(""), RangeError);
  await assert.rejects(ring.create("a\nb"), RangeError);
  await assert.rejects(ring.setDefault("nobody"), hasCode("identity_not_found", /holds "default"/));
  assert.throws(() => ring.find("nobody"), hasCode("identity_not_found", /create it/));
});

Deno.test("a ring holds at most 256 identities", async () => {
  const file = new TestFile();
  const seeds = new SeededRandom(9);
  const identities = Array.from({ length: identitiesMax }, (_, i) => [`n${i}`, seeds.bytes(32)]);
  file.bytes = encode([1, identities as never, []]);
  const ring = await open(file);
  await assert.rejects(ring.create("one more"), hasCode("too_many", /another store/));
});

Deno.test("changes made at once take turns: none is lost, and one name is given once", async () => {
  const file = new TestFile();
  const ring = await open(file);
  file.isSlow = true;
  const key = (byte: number) => new Uint8Array(32).fill(byte);
  const results = await Promise.allSettled([
    ring.create("a"),
    ring.create("b"),
    ring.keepGroup(key(1), key(2)),
    ring.create("a"),
    ring.setDefault("b"),
    ring.keepGroup(key(3), key(4)),
  ]);
  assert.deepEqual(results.map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  assert.equal(file.mostAtOnce, 1);
  assert.deepEqual((await open(file)).list().map(({ name }) => name), ["b", "default", "a"]);
});

Deno.test("what could not be written has not happened, and the next change goes on", async () => {
  const file = new TestFile();
  const ring = await open(file);
  file.failure = new PeerError("store_full", "Cannot write the keys: the disk is full; free some space");
  await assert.rejects(ring.create("a"), hasCode("store_full"));
  await assert.rejects(ring.setDefault("default"), hasCode("store_full"));
  assert.deepEqual(ring.list().map(({ name }) => name), ["default"]);
  file.failure = null;
  await ring.create("a");
  assert.deepEqual((await open(file)).list().map(({ name }) => name), ["default", "a"]);
});

Deno.test("a file that Kith did not write is refused, and left as it is", async () => {
  const seed = new Uint8Array(32);
  const damaged: [string, Uint8Array][] = [
    ["empty", new Uint8Array()],
    ["garbage", Uint8Array.of(0xff, 1, 2)],
    ["another version", encode([2, [["default", seed]], []])],
    ["no identity", encode([1, [], []])],
    ["a part too many", encode([1, [["default", seed]], [], 0])],
    ["a short seed", encode([1, [["default", seed.slice(1)]], []])],
    ["a name that no identity has", encode([1, [["", seed]], []])],
    ["a name twice", encode([1, [["a", seed], ["a", seed.with(0, 1)]], []])],
    ["a group that is none", encode([1, [["default", seed]], [[seed, seed.slice(1)]]])],
    ["an identity that is none", encode([1, [5], []])],
    ["cut short", encode([1, [["default", seed]], []]).slice(0, -1)],
    ["bytes behind", Uint8Array.of(...encode([1, [["default", seed]], []]), 0)],
  ];
  for (const [what, bytes] of damaged) {
    const file = new TestFile();
    file.bytes = bytes;
    await assert.rejects(open(file), hasCode("keys_damaged", /restore it from a backup/), what);
    assert.deepEqual([file.bytes, file.writes], [bytes, 0], what);
  }
});

Deno.test("a passphrase seals the file, of a ring that was plain too; without it nothing opens", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const place = `${folder}/a.kv`;
    const plain = await openKeys(place);
    const id = plain.list()[0]!.id;
    assert.equal((await Deno.readFile(`${place}.key`))[0], 0x83);
    assert.equal((await openKeys(place, "correct horse")).list()[0]!.id, id);
    assert.equal((await Deno.readFile(`${place}.key`))[0], 1, "the file is sealed from then on");
    assert.equal((await Deno.stat(`${place}.key`)).mode! & 0o777, 0o600);
    await assert.rejects(openKeys(place), hasCode("bad_passphrase", /give the passphrase/));
    await assert.rejects(openKeys(place, "wrong"), hasCode("bad_passphrase"));
    assert.equal((await openKeys(place, "correct horse")).list()[0]!.id, id);
    const sealed = await Deno.readFile(`${place}.key`);
    sealed[60]! ^= 1;
    await writeKeyFile(place, sealed);
    await assert.rejects(openKeys(place, "correct horse"), hasCode("keys_damaged", /backup/));
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort(), [
      "a.kv",
      "a.kv.key",
      "a.kv.lock",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function open(file: KeyFile): Promise<KeyRing> {
  return KeyRing.open(crypto, new SeededRandom(1), file);
}

async function openKeys(place: string, passphrase?: string): Promise<KeyRing> {
  const opened = await openStore(place, passphrase, realTimers, silentLog);
  try {
    return await open(opened.keys);
  } finally {
    await opened.release();
  }
}

function hasCode(code: string, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PeerError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** A key file in memory that fails, or takes turns of the event loop, when told to. */
class TestFile implements KeyFile {
  bytes: Uint8Array | null = null;
  writes = 0;
  mostAtOnce = 0;
  isSlow = false;
  failure: PeerError | null = null;
  #under = 0;

  read(): Promise<Uint8Array | null> {
    return Promise.resolve(this.bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#under);
    for (let turns = 0; this.isSlow && turns < 10; turns++) await null;
    this.#under--;
    if (this.failure !== null) throw this.failure;
    this.bytes = bytes;
    this.writes++;
  }
}

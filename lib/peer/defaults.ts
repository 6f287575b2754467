/** The world as this process has it: the one place that puts the real ports together. */

import { addressScope, endpointText } from "../base/address.ts";
import { PeerError } from "../base/errors.ts";
import type { Address, Log, Timers } from "../base/ports.ts";
import { createClock } from "../platform/clock.ts";
import { createCrypto } from "../platform/crypto.ts";
import { lockStore, readKeyFile, writeKeyFile } from "../platform/files.ts";
import { createKem } from "../platform/kem.ts";
import { openWithPassphrase, sealWithPassphrase } from "../platform/key_sealing.ts";
import { silentLog } from "../platform/log.ts";
import { hasPermission } from "../platform/permissions.ts";
import { createRandom } from "../platform/random.ts";
import { createTimers } from "../platform/timers.ts";
import { requireKvFlag } from "../storage/kv_open.ts";
import { KvStore } from "../storage/kv_store.ts";
import { MemoryStore } from "../storage/memory_store.ts";
import { TcpStreams } from "../../transports/tcp.ts";
import { UdpDatagrams } from "../../transports/udp.ts";
import type { KeyFile } from "./key_ring.ts";
import type { OpenedStore, PeerPorts } from "./peer_core.ts";

/** The ports of this process. */
export function createPorts(log: Log | undefined): PeerPorts {
  const timers = createTimers();
  return {
    clock: createClock(),
    timers,
    random: createRandom(),
    crypto: createCrypto(),
    kem: createKem(),
    streams: new TcpStreams(timers),
    datagrams: new UdpDatagrams(),
    log: log ?? silentLog,
  };
}

/** Opens a store: in memory when no place is given, else on Deno KV at a path. */
export async function openStore(
  place: string | undefined,
  passphrase: string | undefined,
  timers: Timers,
  log: Log,
): Promise<OpenedStore> {
  if (place === undefined || place === ":memory:") return memoryStore();
  if (/^https?:/.test(place)) {
    throw new PeerError(
      "not_supported",
      "Cannot open a store on a KV Connect server: this version keeps stores in files only; give a path",
    );
  }
  requireKvFlag(place); // before any file is created
  const lock = await lockStore(place);
  try {
    const store = await KvStore.open(place, { timers, log });
    const release = async (): Promise<void> => {
      await store.close();
      lock.release();
    };
    return { store, keys: keyFileAt(place, passphrase), place, release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A store in memory, with its keys. */
export function memoryStore(): OpenedStore {
  const store = new MemoryStore();
  let kept: Uint8Array | null = null;
  const keys: KeyFile = {
    read: () => Promise.resolve(kept),
    write: (bytes) => {
      kept = bytes;
      return Promise.resolve();
    },
  };
  return { store, keys, place: "memory", release: () => store.close() };
}

/** Whether this process may bind an address without anybody being asked. */
export function mayListen({ host, port }: Address): Promise<boolean> {
  return hasPermission({ name: "net", host: `${host}:${port}` });
}

/** The addresses that others can use for a socket bound here, as endpoints. */
export async function reachableEndpoints(bound: Address): Promise<string[]> {
  const texts = (hosts: readonly string[]): string[] =>
    hosts.map((host) => endpointText({ transport: "tcp", address: { host, port: bound.port } }));
  if (bound.host !== "0.0.0.0" && bound.host !== "::") return texts([bound.host]);
  if (!await hasPermission({ name: "sys", kind: "networkInterfaces" })) return texts(["127.0.0.1"]);
  const hosts = Deno.networkInterfaces()
    .filter(({ family }) => bound.host === "::" || family === "IPv4")
    .map(({ address }) => address)
    .filter((host) => ["global", "private"].includes(addressScope(host)));
  return texts([...hosts, "127.0.0.1"]).slice(0, reachableMax);
}

/** Endpoints that one peer tells of itself: as many as a hello takes. */
const reachableMax = 4;

function keyFileAt(place: string, passphrase: string | undefined): KeyFile {
  return {
    read: async () => {
      const bytes = await readKeyFile(place);
      if (bytes === null) return null;
      if (bytes[0] !== sealedForm) {
        // Whoever gives a passphrase expects the keys to be sealed from now on.
        if (passphrase !== undefined) await writeKeyFile(place, await sealWithPassphrase(bytes, passphrase));
        return bytes;
      }
      if (passphrase !== undefined) return await openWithPassphrase(bytes, passphrase);
      throw new PeerError(
        "bad_passphrase",
        `Cannot open the keys of ${place}: they are sealed; give the passphrase`,
      );
    },
    write: async (bytes) => {
      const sealed = passphrase === undefined ? bytes : await sealWithPassphrase(bytes, passphrase);
      await writeKeyFile(place, sealed);
    },
  };
}

// Sealed keys begin with their form; plain ones with the head of a CBOR array.
const sealedForm = 1;

/**
 * The files beside a store: at `x.kv`, the keys in `x.kv.key` and a lock in `x.kv.lock`.
 *
 * All three are created for the owner alone before Deno KV opens the store: KV itself would leave
 * its file readable to everybody (measured), and its write-ahead log takes the file's mode. The lock
 * is the operating system's on an open file, so a killed process frees it and no clock is asked.
 */

import { dirname } from "node:path";
import { messageOf, PeerError } from "../base/errors.ts";
import { keyFileBytesMax } from "./limits.ts";
import { hasPermission } from "./permissions.ts";

/** Sole ownership of a store on this machine. */
export interface StoreLock {
  /** Gives the store free. May be called again. */
  release(): void;
}

/** The file with the keys of the store at `path`. */
export function keyFileOf(path: string): string {
  return `${path}.key`;
}

/** Takes the store at `path` for this process and creates its files; fails with `store_in_use` if another has it. */
export async function lockStore(path: string): Promise<StoreLock> {
  await requireFiles(path);
  const lock = await openPrivate(`${path}.lock`);
  try {
    if (!await lock.tryLock(true)) {
      const message = `Cannot open the store ${path}: another process has it open. ` +
        "End that process, or give this peer a store of its own";
      throw new PeerError("store_in_use", message);
    }
    (await openPrivate(path)).close();
  } catch (error) {
    lock.close();
    throw error;
  }
  return { release: once(() => lock.close()) };
}

/** The bytes of the key file of the store at `path`, or `null` if there is none. Refuses a file that others may read. */
export async function readKeyFile(path: string): Promise<Uint8Array | null> {
  const name = keyFileOf(path);
  const file = await openExisting(name);
  if (file === null) return null;
  try {
    const { mode, size } = await file.stat();
    if (mode !== null && (mode & 0o077) !== 0) {
      const message = `Cannot use the keys in ${name}: others on this machine may read them. ` +
        `Run "chmod 600 ${name}", and consider the identities in it known to others`;
      throw new PeerError("keys_readable", message);
    }
    if (size > keyFileBytesMax) {
      throw new PeerError(
        "keys_damaged",
        `Cannot use the keys in ${name}: the file is too large to be Kith's`,
      );
    }
    return await readAll(file, size);
  } finally {
    file.close();
  }
}

/** Replaces the key file of the store at `path`: after a crash it is the old one or the new one, whole. */
export async function writeKeyFile(path: string, bytes: Uint8Array): Promise<void> {
  const name = keyFileOf(path);
  const fresh = `${name}.new`;
  try {
    // A left-over from a crash may have another mode; a new file has ours from the start.
    await Deno.remove(fresh).catch(ignoreMissing);
    const file = await Deno.open(fresh, { write: true, createNew: true, mode: ownerOnly });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(fresh, name);
    await syncFolder(dirname(name));
  } catch (error) {
    throw fileError(error, `write the keys to ${name}`);
  }
}

/** Throws `permission_denied`, naming all flags at once, unless the files of a store may be used. */
async function requireFiles(path: string): Promise<void> {
  const files = [path, `${path}.lock`, keyFileOf(path), `${keyFileOf(path)}.new`];
  for (const file of files) {
    const granted = await hasPermission({ name: "read", path: file }) &&
      await hasPermission({ name: "write", path: file });
    if (granted) continue;
    const list = files.join(",");
    const message = `Cannot open the store ${path}: Deno was started without permission for its files. ` +
      `Start it with --allow-read=${list} --allow-write=${list}, or grant the folder that they are in`;
    throw new PeerError("permission_denied", message);
  }
}

async function openPrivate(name: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(name, { read: true, write: true, create: true, mode: ownerOnly });
  } catch (error) {
    throw fileError(error, `open ${name}`);
  }
}

async function openExisting(name: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(name, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(error, `open ${name}`);
  }
}

async function readAll(file: Deno.FsFile, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  for (let count = 1; filled < size && count > 0;) {
    count = await file.read(bytes.subarray(filled)) ?? 0;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Makes a rename durable. Only a folder that may be read can be synced; elsewhere the file system decides. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows" || !await hasPermission({ name: "read", path: folder })) return;
  const handle = await Deno.open(folder, { read: true });
  try {
    await handle.sync();
  } finally {
    handle.close();
  }
}

function fileError(error: unknown, action: string): PeerError {
  const [code, remedy] = error instanceof Deno.errors.NotFound
    ? ["store_failed", "create the folder first"] as const
    : error instanceof Deno.errors.NotCapable
    ? ["permission_denied", "start Deno with --allow-read and --allow-write for that folder"] as const
    : error instanceof Deno.errors.PermissionDenied
    ? ["store_failed", "let the user that runs Deno own the folder and the file"] as const
    : messageOf(error).includes("os error 28")
    ? ["store_full", "free some space and try again"] as const
    : ["store_failed", "check the folder and the disk"] as const;
  return new PeerError(code, `Cannot ${action}: ${messageOf(error)}; ${remedy}`, { cause: error });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

/** Read and write for the owner, nothing for others. */
const ownerOnly = 0o600;

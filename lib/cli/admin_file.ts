/**
 * The file in which a running peer says where its admin API is and with which token, so that other
 * commands with the same store find it. Its owner alone may read it.
 */

import { messageOf, PeerError } from "../base/errors.ts";
import { requirePermission } from "../platform/permissions.ts";
import { adminFileBytesMax } from "./limits.ts";

/** How to reach the admin API of a running peer. */
export interface AdminAccess {
  /** As `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly token: string;
}

/** The file beside a store. */
export function adminFileOf(store: string): string {
  return `${store}.admin`;
}

/** Writes it anew, readable to its owner alone from the first moment on. */
export async function writeAdminFile(path: string, access: AdminAccess): Promise<void> {
  await requirePermission({ name: "write", path }, `write ${path}`);
  const fresh = `${path}.new`;
  try {
    await removeFile(fresh); // a left-over may have another mode; a new file has ours from the start
    await Deno.writeTextFile(fresh, `${JSON.stringify(access)}\n`, { createNew: true, mode: 0o600 });
    await Deno.rename(fresh, path);
  } catch (error) {
    const message = `Cannot write ${path}: ${messageOf(error)}. Choose another place with --admin-file`;
    throw new PeerError("store_failed", message, { cause: error });
  }
}

/** Reads it; `null` if there is none, or if it is not one. */
export async function readAdminFile(path: string): Promise<AdminAccess | null> {
  await requirePermission({ name: "read", path }, `read ${path}`);
  try {
    const { size } = await Deno.stat(path);
    return size > adminFileBytesMax ? null : parseAccess(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    const message = `Cannot read ${path}: ${messageOf(error)}. Run the command as the user who runs the peer`;
    throw new PeerError("store_failed", message, { cause: error });
  }
}

/** Removes it if it still says this; another peer may have written its own since. */
export async function removeAdminFile(path: string, access: AdminAccess): Promise<void> {
  const found = await readAdminFile(path).catch(() => null);
  if (found?.token === access.token) await removeFile(path);
}

function parseAccess(text: string): AdminAccess | null {
  try {
    const { url, token } = JSON.parse(text);
    const isGood = typeof url === "string" && url.startsWith("http://") && URL.canParse(url) &&
      typeof token === "string";
    return isGood ? { url, token } : null;
  } catch {
    return null; // no JSON: not a file of ours
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

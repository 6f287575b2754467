/** Asks whether Deno grants something before the platform would prompt, throw or abort. */

import { PeerError } from "../base/errors.ts";

/** Throws `permission_denied`, naming the flag, unless Deno grants it; `action` completes "Cannot …". */
export async function requirePermission(
  descriptor: Deno.PermissionDescriptor,
  action: string,
): Promise<void> {
  if (await hasPermission(descriptor)) return;
  const flag = permissionFlag(descriptor);
  throw new PeerError(
    "permission_denied",
    `Cannot ${action}: Deno was started without ${flag}; add that flag`,
  );
}

/** Whether Deno grants something; it never prompts. */
export async function hasPermission(descriptor: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(descriptor)).state === "granted";
}

/** The flag that grants something. */
export function permissionFlag(descriptor: Deno.PermissionDescriptor): string {
  const { name, ...scope } = descriptor;
  const only = Object.values(scope).find((value) => value !== undefined); // a path, a host, a variable, …
  return only === undefined ? `--allow-${name}` : `--allow-${name}=${only}`;
}

/** Asks whether Deno lets us use an address, before the platform would prompt, throw or abort. */

import type { Address } from "../lib/base/ports.ts";
import { addressText } from "../lib/base/address.ts";
import { PeerError } from "../lib/base/errors.ts";

/** Throws `permission_denied`, naming the flag, unless Deno lets us use the address. */
export async function requireNet(address: Address, action: string): Promise<void> {
  const host = addressText(address);
  const status = await Deno.permissions.query({ name: "net", host });
  if (status.state === "granted") return;
  throw deniedError(address, action);
}

/** Whether Deno lets us send to an address; it never prompts. */
export function allowsNet(address?: Address): boolean {
  const descriptor: Deno.NetPermissionDescriptor = address === undefined
    ? { name: "net" }
    : { name: "net", host: addressText(address) };
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** The failure that names the flag. */
export function deniedError(address: Address, action: string, cause?: unknown): PeerError {
  const host = addressText(address);
  return new PeerError(
    "permission_denied",
    `Cannot ${action} ${host}: Deno was started without network permission for it. ` +
      `Start it with --allow-net=${host}, or with --allow-net to reach peers anywhere`,
    cause === undefined ? undefined : { cause },
  );
}

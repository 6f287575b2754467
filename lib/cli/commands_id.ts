/** `kith id`: the identities of a store. */

import type { IdentityInfo } from "../peer/surface.ts";
import { type Call, type Command, storeOptions } from "./command.ts";
import { columns } from "./output.ts";
import { type Need, reachPeer } from "./reach.ts";

/** The commands of this file. */
export const idCommands: readonly Command[] = [
  {
    name: "id list",
    args: [],
    options: storeOptions,
    summary: "list the identities of a store, the default first",
    examples: ["id list --store ./alice.kv"],
    run: list,
  },
  {
    name: "id create",
    args: ["NAME"],
    options: storeOptions,
    summary: "create an identity",
    details: "A new store begins with one identity. Its keys lie in FILE.key; " +
      "--passphrase-file seals them.",
    examples: ["id create work --store ./alice.kv"],
    run: create,
  },
  {
    name: "id default",
    args: ["NAME"],
    options: storeOptions,
    summary: "choose the identity that a peer runs as",
    details: "NAME is a name or a peer id. A running peer keeps its own until it is restarted.",
    examples: ["id default work --store ./alice.kv"],
    run: makeDefault,
  },
];

async function list(call: Call): Promise<void> {
  await using peer = await reachPeer(call, { ...local, create: false });
  const { identities } = await peer.client.read("/v1/identities") as { identities: readonly IdentityInfo[] };
  for (const identity of identities) show(call, identity);
}

async function create(call: Call): Promise<void> {
  await using peer = await reachPeer(call, local);
  show(call, await peer.client.post("/v1/identities", { name: call.args[0] }) as IdentityInfo);
}

async function makeDefault(call: Call): Promise<void> {
  await using peer = await reachPeer(call, { ...local, create: false });
  show(call, await peer.client.post("/v1/identities/default", { identity: call.args[0] }) as IdentityInfo);
}

function show({ out }: Call, identity: IdentityInfo): void {
  out.result(identity, columns([[identity.id, identity.name, identity.isDefault ? "(default)" : ""]]));
}

const local: Need = { network: false, create: true };

/** `kith group`: founding, joining, inviting, members. */

import { PeerError } from "../base/errors.ts";
import type { GroupJson } from "../../http_api/views.ts";
import type { MemberInfo } from "../peer/surface.ts";
import type { AdminClient } from "./admin_client.ts";
import { usage } from "./args.ts";
import { type Call, type Command, networkOptions, storeOptions } from "./command.ts";
import type { Options } from "./options.ts";
import { columns, plainText } from "./output.ts";
import { type Need, reachPeer } from "./reach.ts";

/** The commands of this file. */
export const groupCommands: readonly Command[] = [
  {
    name: "group create",
    args: ["NAME"],
    options: storeOptions,
    summary: "found a group; this peer is its creator",
    examples: ['group create "Field notes" --store ./alice.kv'],
    run: create,
  },
  {
    name: "group list",
    args: [],
    options: storeOptions,
    summary: "list the groups of a store and how they are doing",
    examples: ["group list --store ./alice.kv"],
    run: list,
  },
  {
    name: "group invite",
    args: [],
    options: [...storeOptions, "group", "role", "uses", "hours"],
    summary: "make one line of text: whoever has it may join",
    details: "The line names addresses of the running peer, so run one first. " +
      "Pass it on where others cannot read it. It holds 7 days if --hours does not say otherwise.",
    examples: ["group invite --store ./alice.kv", "group invite --store ./alice.kv --uses 5 --hours 24"],
    run: invite,
  },
  {
    name: "group join",
    args: ["INVITATION"],
    options: [...networkOptions, "endpoint", "timeout"],
    summary: "join by an invitation; waits for the first catch-up",
    examples: ["group join INVITATION --store ./bob.kv"],
    run: join,
  },
  {
    name: "group members",
    args: [],
    options: [...storeOptions, "group"],
    summary: "list the members, this peer first",
    examples: ["group members --store ./alice.kv --json"],
    run: members,
  },
  {
    name: "group remove",
    args: ["PEER"],
    options: [...storeOptions, "group"],
    summary: "remove a member; what it wrote stays",
    details: "PEER is a peer id, as 'kith group members' lists it.",
    examples: ["group remove PEER --store ./alice.kv"],
    run: remove,
  },
  {
    name: "group leave",
    args: [],
    options: [...storeOptions, "group"],
    summary: "leave a group for good; what this peer wrote stays",
    examples: ["group leave --store ./bob.kv --group ID"],
    run: leave,
  },
];

/** The group that `--group` names by id or name, or the only one. */
export async function chosenGroup(client: AdminClient, options: Options): Promise<GroupJson> {
  const { groups } = await client.read("/v1/groups") as { readonly groups: readonly GroupJson[] };
  const wanted = options.text("group");
  const found = groups.filter(({ id, name }) => wanted === undefined || id === wanted || name === wanted);
  if (found.length === 1) return found[0]!;
  if (groups.length === 0) {
    throw new PeerError(
      "graph_not_found",
      "This store holds no group: 'kith group create' or 'kith group join' first",
    );
  }
  if (found.length === 0) {
    throw new PeerError(
      "graph_not_found",
      `This store holds no group '${wanted}': 'kith group list' lists them`,
    );
  }
  const choices = found.map(({ id, name }) => `${name} (${id})`).join(", ");
  throw usage(`Which group? Give --group ID: ${choices}`);
}

async function create(call: Call): Promise<void> {
  await using peer = await reachPeer(call, local);
  show(call, await peer.client.post("/v1/groups", { name: call.args[0] }) as GroupJson);
}

async function list(call: Call): Promise<void> {
  await using peer = await reachPeer(call, { ...local, create: false });
  const { groups } = await peer.client.read("/v1/groups") as { readonly groups: readonly GroupJson[] };
  for (const group of groups) show(call, group);
  if (groups.length === 0) call.out.note("No groups yet: 'kith group create NAME' founds one");
}

async function invite(call: Call): Promise<void> {
  const { options, out } = call;
  await using peer = await reachPeer(call, { ...local, create: false });
  const group = await chosenGroup(peer.client, options);
  const hours = options.number("hours");
  const { invitation } = await peer.client.post(`/v1/groups/${group.id}/invitations`, {
    role: options.text("role"),
    uses: options.number("uses"),
    lifeMs: hours === undefined ? undefined : hours * 3_600_000,
  }) as { readonly invitation: string };
  out.result({ group: group.id, invitation }, invitation);
  if (!peer.isRunning) {
    out.note(
      "No peer runs on this store, so the invitation names no address. Start 'kith run' and invite again.",
    );
  }
}

async function join(call: Call): Promise<void> {
  const { options, args, out } = call;
  await using peer = await reachPeer(call, { network: true, create: true });
  out.note("Joining…");
  const seconds = options.number("timeout");
  const endpoints = options.texts("endpoint");
  const group = await peer.client.post("/v1/groups/join", {
    invitation: args[0],
    endpoints: endpoints.length === 0 ? undefined : endpoints,
    timeoutMs: seconds === undefined ? undefined : seconds * 1_000,
  });
  show(call, group as GroupJson);
}

async function members(call: Call): Promise<void> {
  await using peer = await reachPeer(call, { ...local, create: false });
  const group = await chosenGroup(peer.client, call.options);
  const { members } = await peer.client.read(`/v1/groups/${group.id}/members`) as {
    readonly members: readonly MemberInfo[];
  };
  for (const member of members) {
    const marks = [member.self ? "this peer" : "", member.connected && !member.self ? "connected" : ""];
    const text = columns([[
      member.peer,
      member.roles.join(","),
      marks.filter((mark) => mark !== "").join(", "),
    ]]);
    call.out.result(member, text);
  }
}

async function remove(call: Call): Promise<void> {
  const { args, options, out } = call;
  await using peer = await reachPeer(call, { ...local, create: false });
  const group = await chosenGroup(peer.client, options);
  await peer.client.remove(`/v1/groups/${group.id}/members/${encodeURIComponent(args[0]!)}`);
  out.result({ removed: args[0], group: group.id }, `Removed ${args[0]}`);
}

async function leave(call: Call): Promise<void> {
  await using peer = await reachPeer(call, { ...local, create: false });
  const group = await chosenGroup(peer.client, call.options);
  await peer.client.post(`/v1/groups/${group.id}/leave`, {});
  call.out.result({ left: group.id }, `Left ${plainText(group.name)}`);
}

function show({ out }: Call, group: GroupJson): void {
  const { id, name, state, neighbors, records } = group;
  out.result(group, columns([[id, name, state, counted(neighbors, "neighbor"), counted(records, "record")]]));
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const local: Need = { network: false, create: true };

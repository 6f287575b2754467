/** `kith record`: what a group's peers share. */

import { fromUtf8 } from "../base/bytes.ts";
import type { RecordEventJson, RecordJson } from "../../http_api/views.ts";
import { type AdminClient, codedFailure } from "./admin_client.ts";
import { usage } from "./args.ts";
import { type Call, type Command, networkOptions, storeOptions } from "./command.ts";
import { chosenGroup } from "./commands_group.ts";
import { listPageRecords } from "./limits.ts";
import { columns, shownValue } from "./output.ts";
import { type Need, reachPeer } from "./reach.ts";

/** The commands of this file. */
export const recordCommands: readonly Command[] = [
  {
    name: "record add",
    args: ["TYPE", "VALUE"],
    options: [...storeOptions, "group", "as", "hours"],
    summary: "write a record; VALUE may be - for standard input",
    details: "Nobody needs to be connected: the record is stored and spreads when a neighbor " +
      "comes. --hours is its life (default 720: 30 days); bytes come from standard input.",
    examples: [
      'record add note "heron at the north pond" --store ./alice.kv',
      `record add place '{"lat":47,"lon":8}' --as json --store ./alice.kv`,
      "record add photo - --as bytes --store ./alice.kv < heron.jpg",
    ],
    run: add,
  },
  {
    name: "record list",
    args: [],
    options: [...storeOptions, "group", "type"],
    summary: "list the records of a group, oldest first",
    examples: ["record list --store ./alice.kv --type note"],
    run: list,
  },
  {
    name: "record watch",
    args: [],
    options: [...networkOptions, "group", "type"],
    summary: "show what is there, then every change, until Ctrl-C",
    examples: ["record watch --store ./bob.kv --type note --json"],
    run: watch,
  },
  {
    name: "record delete",
    args: ["ID"],
    options: [...storeOptions, "group"],
    summary: "delete a record for good, everywhere",
    examples: ["record delete ID --store ./alice.kv"],
    run: remove,
  },
];

async function add(call: Call): Promise<void> {
  const { args, options } = call;
  const content = await contentOf(call);
  await using peer = await reachPeer(call, local);
  const group = await chosenGroup(peer.client, options);
  const hours = options.number("hours");
  const lifeMs = hours === undefined ? undefined : hours * 3_600_000;
  const record = await peer.client.post(`/v1/groups/${group.id}/records`, {
    type: args[0],
    ...content,
    lifeMs,
  });
  show(call, record as RecordJson);
}

async function list(call: Call): Promise<void> {
  const { options, out } = call;
  await using peer = await reachPeer(call, local);
  const group = await chosenGroup(peer.client, options);
  let count = 0;
  for await (const record of recordsOf(peer.client, group.id, options.text("type"))) {
    show(call, record);
    count++;
  }
  if (count === 0) out.note("No records");
}

/** All records of a group, page by page. */
async function* recordsOf(
  client: AdminClient,
  group: string,
  type: string | undefined,
): AsyncGenerator<RecordJson, void, void> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(listPageRecords) });
    if (type !== undefined) query.set("type", type);
    if (cursor !== null) query.set("cursor", cursor);
    const page = await client.read(`/v1/groups/${group}/records?${query}`) as {
      readonly records: readonly RecordJson[];
      readonly next: string | null;
    };
    yield* page.records;
    cursor = page.next;
  } while (cursor !== null);
}

async function watch(call: Call): Promise<void> {
  const { options, out, io } = call;
  await using peer = await reachPeer(call, { network: true, create: false });
  const group = await chosenGroup(peer.client, options);
  const type = options.text("type");
  const query = type === undefined ? "" : `?${new URLSearchParams({ type })}`;
  out.note(`Watching ${group.name}. Ctrl-C stops it.`);
  try {
    for await (const { event, data } of peer.client.events(`/v1/groups/${group.id}/watch${query}`)) {
      if (event === "problem") throw codedFailure(data);
      const { kind, record } = data as RecordEventJson;
      out.result({ kind, record }, columns([[kind, record.id, record.type, shownValue(record)]]));
    }
  } catch (error) {
    if (!io.signal.aborted) throw error; // Ctrl-C is how a watch ends
  }
}

async function remove(call: Call): Promise<void> {
  const { args, options, out } = call;
  await using peer = await reachPeer(call, local);
  const group = await chosenGroup(peer.client, options);
  await peer.client.remove(`/v1/groups/${group.id}/records/${encodeURIComponent(args[0]!)}`);
  out.result({ deleted: args[0], group: group.id }, `Deleted ${args[0]}`);
}

/** What VALUE means, as the admin API takes it. */
async function contentOf(
  { args, options, io }: Call,
): Promise<{ readonly value: unknown } | { readonly base64: string }> {
  const given = args[1]!;
  const kind = options.text("as") ?? "text";
  const input = given === "-" ? await io.readInput() : null;
  if (kind === "bytes") {
    if (input === null) {
      throw usage("Bytes come from standard input: write - for VALUE, and < FILE at the end");
    }
    return { base64: input.toBase64() };
  }
  const text = input === null ? given : fromUtf8(input);
  if (text === null) throw usage("Standard input is not UTF-8 text: give --as bytes");
  if (kind === "text") return { value: text };
  try {
    return { value: JSON.parse(text) };
  } catch {
    throw usage("VALUE is not JSON. Quote it as a whole, as '{\"count\":2}'");
  }
}

function show({ out }: Call, record: RecordJson): void {
  out.result(record, columns([[record.id, record.type, shownValue(record)]]));
}

const local: Need = { network: false, create: false };

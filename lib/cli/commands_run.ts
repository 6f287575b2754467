/** `kith run`: a peer that runs until it is told to stop. */

import { messageOf, PeerError } from "../base/errors.ts";
import { consoleLog } from "../platform/log.ts";
import type { Peer } from "../peer/peer.ts";
import { type AdminAccess, adminFileOf, removeAdminFile, writeAdminFile } from "./admin_file.ts";
import { usage } from "./args.ts";
import { type Call, type Command, networkOptions } from "./command.ts";
import { stopped } from "./io.ts";
import { columns } from "./output.ts";
import { createToken, peerOptions } from "./reach.ts";

/** The commands of this file. */
export const runCommands: readonly Command[] = [{
  name: "run",
  args: [],
  options: [...networkOptions, "admin", "no-admin", "name", "verbose"],
  summary: "run a peer until Ctrl-C",
  details: "Makes the store if there is none. Without --store everything is in memory. " +
    "Other commands with the same --store find the running peer by the file FILE.admin, " +
    "which holds a token: who can read it rules the peer.",
  examples: [
    "run --store ./alice.kv",
    "run --store ./alice.kv --listen 0.0.0.0:4000 --name 0.field-notes",
    "run --store ./bob.kv --bootstrap 192.0.2.7:4000",
  ],
  run: runPeer,
}];

/** What a run has told and has to take back. */
interface Served {
  readonly url: string;
  readonly file: string;
  close(): Promise<void>;
}

async function runPeer(call: Call): Promise<void> {
  const { options, io } = call;
  if (options.has("admin") && options.has("no-admin")) throw usage("Give --admin or --no-admin, not both");
  const log = consoleLog(options.has("verbose") ? "debug" : "warn");
  const { Peer } = await import("../peer/peer.ts");
  await using peer = await Peer.open(await peerOptions(options, log));
  const served = await serveAdmin(call, peer);
  try {
    await publish(call, peer);
    announce(call, peer, served);
    await stopped(io.signal);
    call.out.note("Closing…");
  } finally {
    await served?.close();
  }
}

/** Serves the admin API, unless there is no file to tell others of it. */
async function serveAdmin({ options, out }: Call, peer: Peer): Promise<Served | null> {
  const store = options.text("store");
  const file = options.text("admin-file") ?? (store === undefined ? null : adminFileOf(store));
  if (options.has("no-admin")) return null;
  if (file === null) {
    if (options.has("admin")) {
      throw usage("Name a store, or the file that shall hold the token: --admin-file FILE");
    }
    return null;
  }
  const { serveAdminApi } = await import("../../http_api/mod.ts");
  const token = createToken();
  const address = options.text("admin") ?? "127.0.0.1:0";
  const log = consoleLog("warn");
  const server = await serveAdminApi(peer, { token, address, log });
  const access: AdminAccess = { url: server.url, token };
  try {
    await writeAdminFile(file, access);
  } catch (error) {
    await server.close();
    throw error;
  }
  const close = async () => {
    await removeAdminFile(file, access).catch((error) =>
      out.note(`Could not remove ${file}: ${messageOf(error)}`)
    );
    await server.close();
  };
  return { url: server.url, file, close };
}

/** A name that cannot be published is said, and the peer runs on; a name that is none ends it. */
async function publish({ options, out, io }: Call, peer: Peer): Promise<void> {
  for (const name of options.texts("name")) {
    try {
      await peer.names.register(name, { signal: io.signal });
    } catch (error) {
      if (!(error instanceof PeerError) || error.code === "invalid_peer_name") throw error;
      out.note(`Could not publish ${name}: ${error.message}`);
    }
  }
}

function announce({ options, out }: Call, peer: Peer, served: Served | null): void {
  const { id, endpoints, nameEndpoints, store, problems } = peer.status();
  const names = options.texts("name");
  const admin = served === null ? null : { url: served.url, file: served.file };
  const rows = [
    ["peer", id],
    ["store", store],
    ["listens", [...endpoints, ...nameEndpoints].join(" ") || "nowhere"],
    ["admin", admin === null ? "none" : `${admin.url} (token in ${admin.file})`],
    ...names.map((name) => ["name", name]),
    ...problems.map((problem) => ["problem", problem]),
  ];
  const text = `${columns(rows)}\nRunning. Ctrl-C stops it.`;
  out.result({ event: "running", id, store, endpoints, nameEndpoints, names, admin, problems }, text);
}

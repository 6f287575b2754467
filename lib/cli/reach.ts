/**
 * Reaches the peer of a store: the one that runs, by the admin API that it tells of in its file; or,
 * where none runs, one that this process opens for as long as the command takes. Commands see the
 * same admin API in both cases.
 */

import { PeerError } from "../base/errors.ts";
import type { Log } from "../base/ports.ts";
import type { PeerOptions } from "../peer/peer.ts";
import { hasPermission, requirePermission } from "../platform/permissions.ts";
import { createRandom } from "../platform/random.ts";
import { createTimers } from "../platform/timers.ts";
import { AdminClient } from "./admin_client.ts";
import { type AdminAccess, adminFileOf, readAdminFile } from "./admin_file.ts";
import { usage } from "./args.ts";
import type { Call } from "./command.ts";
import { greetingMsMax, tokenBytes } from "./limits.ts";
import type { Options } from "./options.ts";

/** A peer within reach. */
export interface Reached extends AsyncDisposable {
  readonly client: AdminClient;
  /** Whether it runs in another process, and goes on after this command. */
  readonly isRunning: boolean;
}

/** What a command needs of the peer. */
export interface Need {
  /** Whether it reaches other peers: then a peer opened for it listens. */
  readonly network: boolean;
  /** Whether it may make a new store. */
  readonly create: boolean;
}

/** Reaches the peer of the store that the options name. */
export async function reachPeer(call: Call, need: Need): Promise<Reached> {
  const { options, io } = call;
  const store = options.text("store");
  const file = options.text("admin-file") ?? (store === undefined ? null : adminFileOf(store));
  if (file === null) throw usage("Which peer? Name its store: --store FILE");
  const access = await readAdminFile(file);
  const running = access === null ? null : await greet(access, file, io.signal);
  if (running !== null) {
    return { client: running, isRunning: true, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (store === undefined) {
    throw new PeerError(
      "connect_failed",
      `No peer runs that wrote ${file}: start it with 'kith run', or name --store`,
    );
  }
  if (!need.create) await requireStore(store);
  return await openPeer(call, need);
}

/** The options of a peer as the command line gives them. */
export async function peerOptions(options: Options, log: Log): Promise<PeerOptions> {
  const passphraseFile = options.text("passphrase-file");
  const given = {
    store: options.text("store"),
    identity: options.text("identity"),
    listen: options.text("listen"),
    passphrase: passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile),
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(known), bootstraps: options.texts("bootstrap"), log };
}

/** A token that nobody guesses. */
export function createToken(): string {
  return createRandom().bytes(tokenBytes).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Says hello to the peer that a file tells of; `null` if nobody is there any more. */
async function greet(access: AdminAccess, file: string, signal: AbortSignal): Promise<AdminClient | null> {
  const host = new URL(access.url).host;
  await requirePermission({ name: "net", host }, `reach the running peer at ${host}`);
  const late = new AbortController();
  const timer = createTimers().set(greetingMsMax, () => late.abort());
  const options = { ...access, send: fetch };
  try {
    await new AdminClient({ ...options, signal: AbortSignal.any([signal, late.signal]) }).read("/v1/status");
  } catch (error) {
    if (signal.aborted || !(error instanceof PeerError)) throw error;
    if (error.code === "bad_token") {
      const message = `The peer at ${access.url} refuses the token in ${file}: the file is of another run. ` +
        "Restart that peer, or remove the file if its peer runs no more";
      throw new PeerError("bad_token", message, { cause: error });
    }
    return null; // nobody, or another program, is there: the file was left over
  } finally {
    timer.cancel();
  }
  return new AdminClient({ ...options, signal });
}

async function openPeer({ options, io, out }: Call, need: Need): Promise<Reached> {
  // Loaded now, so that help and mistyped commands are quick.
  const { Peer } = await import("../peer/peer.ts");
  const { createAdminApi } = await import("../../http_api/mod.ts");
  const log: Log = { ...quiet, warn: (message) => out.note(message), error: (message) => out.note(message) };
  const chosen = await peerOptions(options, log);
  const peer = await Peer.open(need.network ? chosen : { ...chosen, listen: false });
  const token = createToken();
  const api = createAdminApi(peer, { token, log });
  const send = (request: Request) => api.fetch(request);
  return {
    client: new AdminClient({ url: "http://localhost", token, send, signal: io.signal }),
    isRunning: false,
    async [Symbol.asyncDispose]() {
      api.close();
      await peer.close();
    },
  };
}

/** A misspelt path must not become a new, empty store. */
async function requireStore(store: string): Promise<void> {
  if (!await hasPermission({ name: "read", path: store })) return; // opening it names the flags
  try {
    await Deno.stat(store);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return; // opening it says more
    const message = `There is no store at ${store}: check the path, or make one with 'kith group create', ` +
      "'kith group join' or 'kith run'";
    throw new PeerError("store_failed", message, { cause: error });
  }
}

async function readPassphrase(path: string): Promise<string> {
  await requirePermission({ name: "read", path }, `read the passphrase in ${path}`);
  try {
    return (await Deno.readTextFile(path)).replace(/\r?\n$/, "");
  } catch (error) {
    throw new PeerError("bad_passphrase", `Cannot read the passphrase in ${path}: check the path`, {
      cause: error,
    });
  }
}

const quiet: Pick<Log, "debug" | "info"> = {
  debug() {/* one command tells its result alone */},
  info() {/* likewise */},
};

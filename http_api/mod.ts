/**
 * The admin API: HTTP over a running peer, for programs and the command line on the same machine.
 * Off by default, on loopback, behind a token. It is an entry of its own, so that who does not use it
 * downloads nothing for it.
 *
 * @example Serving it
 * ```ts no-run
 * import { Peer } from "@kith/peer";
 * import { serveAdminApi } from "@kith/peer/http-api";
 *
 * await using peer = await Peer.open({ store: "./alice.kv" });
 * const token = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url" });
 * await using server = await serveAdminApi(peer, { token });
 * console.log(server.url); // http://127.0.0.1:41234
 * ```
 *
 * @module
 */

export type { Log, LogDetails, TimerHandle, Timers } from "../lib/base/ports.ts";
export type * from "../lib/peer/surface.ts";
export type {
  AdminCloud,
  AdminNames,
  AdminPeer,
  AdminRegisterOptions,
  AdminRegistration,
  AdminResolved,
  AdminResolveOptions,
} from "./admin_peer.ts";
export { type AdminApi, type AdminApiOptions, createAdminApi } from "./api.ts";
export { type AdminServer, type AdminServerOptions, serveAdminApi } from "./server.ts";

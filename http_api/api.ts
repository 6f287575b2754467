/** The API as a handler: the gate, then the body, then the routes. */

import type { Log, Timers } from "../lib/base/ports.ts";
import { silentLog } from "../lib/platform/log.ts";
import { createTimers } from "../lib/platform/timers.ts";
import type { AdminPeer } from "./admin_peer.ts";
import { createApp } from "./app.ts";
import { takeBody } from "./body.ts";
import { EventStreams } from "./event_stream.ts";
import { Gate } from "./gate.ts";

/** How an admin API is made. */
export interface AdminApiOptions {
  /** Whoever has it may do everything: 22 to 512 letters, digits and `-._~+/=`, from a good generator. */
  readonly token: string;
  /**
   * Exact values of the `Host` header under which the API answers, as `127.0.0.1:4000`. If not given,
   * `localhost`, `127.0.0.1` and `[::1]` with any port.
   */
  readonly hosts?: readonly string[];
  /** Takes the API's own mistakes; silent if not given. */
  readonly log?: Log;
  /** The platform's timers if not given. */
  readonly timers?: Timers;
}

/** An admin API as a handler of requests. */
export interface AdminApi {
  /** Answers a request. */
  fetch(request: Request): Response | Promise<Response>;
  /** Ends all event streams; names it registered stay with the peer until that closes. */
  close(): void;
}

/**
 * Makes the API of a peer as a handler, to be put behind a server of your own. Prefer
 * `serveAdminApi`, whose server also bounds connections and slow senders.
 */
export function createAdminApi(peer: AdminPeer, options: AdminApiOptions): AdminApi {
  const gate = new Gate({ token: options.token, hosts: options.hosts ?? null });
  const streams = new EventStreams(options.timers ?? createTimers());
  const app = createApp({ peer, streams, log: options.log ?? silentLog });
  return {
    fetch: async (request) => harden(await answer(gate, app, request)),
    close: () => streams.close(),
  };
}

/** The gate first, then the body, then the routes. */
async function answer(
  gate: Gate,
  app: (request: Request) => Response | Promise<Response>,
  request: Request,
): Promise<Response> {
  const refusal = gate.judge(request);
  if (refusal !== null) return refusal;
  const taken = await takeBody(request);
  return taken instanceof Response ? taken : await app(taken);
}

/** Whatever is answered is data, and no page may embed, run or keep it. */
function harden(response: Response): Response {
  const headers = response.headers;
  headers.set("x-content-type-options", "nosniff");
  headers.set("cache-control", "no-store");
  headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("referrer-policy", "no-referrer");
  return response;
}

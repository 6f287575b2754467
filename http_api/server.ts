/**
 * Serves an admin API on a port of its own.
 *
 * `Deno.serve` neither closes half-sent requests nor bounds connections, so the server is that of
 * `node:http`, which Deno brings along: it has deadlines for the head and for the whole request, a
 * limit on connections and a strict parser. This file turns its requests into web ones and back.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { addressText, parseAddress } from "../lib/base/address.ts";
import { messageOf, PeerError } from "../lib/base/errors.ts";
import type { Address, Timers } from "../lib/base/ports.ts";
import { createTimers } from "../lib/platform/timers.ts";
import type { AdminPeer } from "./admin_peer.ts";
import { hostsOf, isLoopbackName } from "./gate.ts";
import {
  adminCheckMs,
  adminConnectionsMax,
  adminDrainMsMax,
  adminHeadBytesMax,
  adminHeadMsMax,
  adminIdleMsMax,
  adminRequestMsMax,
} from "./limits.ts";
import { type AdminApi, type AdminApiOptions, createAdminApi } from "./api.ts";

/** How an admin API is served. */
export interface AdminServerOptions extends AdminApiOptions {
  /** Where it listens, as `127.0.0.1:0`, which is the default: loopback, any free port. */
  readonly address?: string;
}

/** A served admin API. */
export interface AdminServer extends AsyncDisposable {
  /** Where it is, as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Stops listening and ends all connections. May be called again. */
  close(): Promise<void>;
}

/**
 * Serves the admin API of a peer. Fails with `invalid_address`, `port_in_use` and `permission_denied`.
 * Beyond loopback the token goes over the network in clear: put TLS in front.
 */
export async function serveAdminApi(peer: AdminPeer, options: AdminServerOptions): Promise<AdminServer> {
  const text = options.address ?? "127.0.0.1:0";
  const wanted = parseAddress(text);
  if (wanted === null) {
    const message =
      `Cannot serve the admin API on '${text}': give a numeric address and a port, as 127.0.0.1:0`;
    throw new PeerError("invalid_address", message);
  }
  await requireNet(wanted);
  const server = createLimitedServer();
  const { host } = wanted;
  const port = await listen(server, wanted);
  const hosts = options.hosts ?? hostsOf(host, port);
  const api = openApi(peer, { ...options, hosts }, server);
  const timers = options.timers ?? createTimers();
  const base = `http://${addressText({ host, port })}`;
  server.on("request", (incoming, outgoing) => void answer(api, base, timers, incoming, outgoing));
  if (!isLoopbackName(host)) options.log?.warn("The admin API listens beyond loopback", { url: base });
  let closing: Promise<void> | null = null;
  const close = () => closing ??= closeServer(server, api);
  return { url: base, close, [Symbol.asyncDispose]: close };
}

function openApi(peer: AdminPeer, options: AdminApiOptions, server: Server): AdminApi {
  try {
    return createAdminApi(peer, options);
  } catch (error) {
    server.close();
    throw error;
  }
}

function createLimitedServer(): Server {
  const server = createServer({
    headersTimeout: adminHeadMsMax,
    requestTimeout: adminRequestMsMax,
    keepAliveTimeout: adminIdleMsMax,
    connectionsCheckingInterval: adminCheckMs,
    maxHeaderSize: adminHeadBytesMax,
  });
  server.maxConnections = adminConnectionsMax;
  return server;
}

/** Asks Deno first: it would prompt at a terminal. */
async function requireNet(address: Address): Promise<void> {
  const host = addressText(address);
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state !== "granted") throw deniedError(host);
}

function deniedError(host: string, cause?: unknown): PeerError {
  const message =
    `Cannot serve the admin API on ${host}: start Deno with --allow-net=${host}, or do without the API`;
  return new PeerError("permission_denied", message, cause === undefined ? undefined : { cause });
}

async function listen(server: Server, address: Address): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(address.port, address.host, () => resolve());
  try {
    await promise;
  } catch (error) {
    throw listenError(error, addressText(address));
  }
  server.removeListener("error", reject);
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : address.port;
}

function listenError(error: unknown, where: string): PeerError {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "EADDRINUSE") {
    const message =
      `Cannot serve the admin API on ${where}: another program listens there. Choose another port, or 0`;
    return new PeerError("port_in_use", message, { cause: error });
  }
  if (code === "EACCES" || error instanceof Deno.errors.NotCapable) return deniedError(where, error);
  const message = `Cannot serve the admin API on ${where}: ${
    messageOf(error)
  }. Choose an address of this machine`;
  return new PeerError("invalid_address", message, { cause: error });
}

async function closeServer(server: Server, api: AdminApi): Promise<void> {
  api.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

/** One request and its answer. Nothing is thrown: a connection that breaks ends its own answer alone. */
async function answer(
  api: AdminApi,
  base: string,
  timers: Timers,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => gone.abort());
  outgoing.on("error", () => gone.abort());
  incoming.on("error", () => gone.abort());
  try {
    const request = createRequest(base, incoming, gone.signal);
    if (request === null) return end(outgoing, 400);
    const response = await api.fetch(request);
    if (!incoming.complete) outgoing.setHeader("connection", "close");
    await send(response, outgoing, timers, gone.signal);
  } catch {
    // The reader left, or the body broke off: nobody is there to be told.
    outgoing.destroy();
  }
}

/** The web request, or `null` for one that only a proxy would take. */
function createRequest(base: string, incoming: IncomingMessage, signal: AbortSignal): Request | null {
  const { method = "GET", url: path = "/", rawHeaders } = incoming;
  const headers = new Headers();
  let hosts = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === "host") hosts++;
    headers.append(name, rawHeaders[i + 1]!);
  }
  // Two hosts, or one in the request line, and two programs on the way might each believe another.
  if (hosts !== 1 || !path.startsWith("/")) return null;
  const url = base + path;
  if (!URL.canParse(url) || unsupported.includes(method)) return null;
  const body = method === "POST" ? { body: bodyOf(incoming) } : {};
  return new Request(url, { method, headers, signal, ...body });
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  // A refused body is left unread, with its connection intact: the answer still has to go out.
  const iterator: AsyncIterator<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function send(
  response: Response,
  outgoing: ServerResponse,
  timers: Timers,
  gone: AbortSignal,
): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void outgoing.end();
  const reader = response.body.getReader();
  const cancel = () => void reader.cancel();
  if (gone.aborted) cancel();
  else gone.addEventListener("abort", cancel, { once: true });
  while (true) {
    const { done, value } = await reader.read();
    if (done || gone.aborted) break;
    if (!outgoing.write(value)) await drained(outgoing, timers, gone);
  }
  outgoing.end();
}

/** Waits until a slow reader has taken what was written; destroys the connection if it takes too long. */
async function drained(outgoing: ServerResponse, timers: Timers, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = timers.set(adminDrainMsMax, () => {
    outgoing.destroy();
    resolve();
  });
  const go = () => resolve();
  outgoing.once("drain", go);
  gone.addEventListener("abort", go, { once: true });
  if (gone.aborted || !outgoing.writableNeedDrain) resolve();
  await promise;
  timer.cancel();
  outgoing.removeListener("drain", go);
  gone.removeEventListener("abort", go);
}

function end(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status, { connection: "close" });
  outgoing.end();
}

/** Methods that a web request cannot have. */
const unsupported: readonly string[] = ["CONNECT", "TRACE", "TRACK"];

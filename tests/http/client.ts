/** Asks an admin API without a socket. */

import { type AdminApi, createAdminApi } from "../../http_api/mod.ts";
import type { Timers } from "../../lib/base/ports.ts";
import { VirtualClock } from "../../lib/sim/virtual_clock.ts";
import { FakePeer } from "./fake_peer.ts";

/** The token of all tests. */
export const token: string = "0123456789abcdefghijklmnopqrstuv";

/** Where the API believes to be. */
export const origin: string = "http://127.0.0.1:4100";

/** An API over a fake peer, and a way to ask it with the token. */
export interface Fixture {
  readonly peer: FakePeer;
  readonly clock: VirtualClock;
  readonly api: AdminApi;
  /** Asks with the token; a body makes it JSON. */
  ask(method: string, path: string, body?: unknown, init?: RequestInit): Promise<Response>;
}

/** Makes one. */
export function createFixture(): Fixture {
  const peer = new FakePeer();
  const clock = new VirtualClock();
  const api = createAdminApi(peer, { token, hosts: ["127.0.0.1:4100"], timers: clock satisfies Timers });
  const ask = async (method: string, path: string, body?: unknown, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    if (body !== undefined) headers.set("content-type", "application/json");
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    return await api.fetch(new Request(origin + path, { ...init, method, headers, ...text }));
  };
  return { peer, clock, api, ask };
}

/** What an answer says, status first. */
export async function said(response: Response): Promise<readonly [status: number, body: unknown]> {
  const text = await response.text();
  return [response.status, text === "" ? null : JSON.parse(text)];
}

/** The code of a problem document, status first. */
export async function problem(response: Response): Promise<readonly [status: number, code: string]> {
  const [status, body] = await said(response);
  return [status, (body as { code: string }).code];
}

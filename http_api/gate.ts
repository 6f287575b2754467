/**
 * The outermost handler: who may ask, before anything looks at a path. What is not let in here
 * reaches no route, however a path is spelt.
 *
 * A page in a browser can reach a loopback port, and by DNS rebinding under a name of its own.
 * So the `Host` must be one of ours exactly, a foreign `Origin` is refused, there is no CORS and no
 * cookie, and every path but the API's description wants the token.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { adminTokenCharsMin } from "./limits.ts";
import { problemResponse } from "./problem.ts";

/** What the gate knows. */
export interface GateOptions {
  readonly token: string;
  /** Exact values of the `Host` header; `null` for the loopback names with any port. */
  readonly hosts: readonly string[] | null;
}

/** The path that needs no token: it says what the API can do and nothing of the peer. */
export const openPath = "/openapi.json";

/** Judges requests by their headers alone. */
export class Gate {
  readonly #tokenHash: Uint8Array;
  readonly #hosts: ReadonlySet<string> | null;

  /** Checks the token's length at once: a short one can be guessed. */
  constructor(options: GateOptions) {
    if (!tokenForm.test(options.token)) {
      throw new RangeError(
        `Cannot guard the admin API: the token must have ${adminTokenCharsMin} or more letters, digits and -._~+/=`,
      );
    }
    this.#tokenHash = sha256(options.token);
    this.#hosts = options.hosts === null ? null : new Set(options.hosts.map((host) => host.toLowerCase()));
  }

  /** The refusal, or `null` if the request may go on. */
  judge(request: Request): Response | null {
    const url = new URL(request.url);
    const host = (request.headers.get("host") ?? url.host).toLowerCase();
    if (!this.#isOurs(host)) {
      return problemResponse(
        "bad_host",
        "This API answers under its own address only: use the URL it was started with",
      );
    }
    if (isForeign(request.headers, host)) {
      return problemResponse("bad_origin", "This API serves programs, and no web page of another origin");
    }
    if (!methods.includes(request.method)) {
      return problemResponse("method_not_allowed", "This API knows GET, POST and DELETE only");
    }
    if (request.method === "GET" && url.pathname === openPath) return null;
    if (!this.#holdsToken(request.headers.get("authorization"))) {
      return problemResponse(
        "bad_token",
        "The admin token is missing or wrong: send 'Authorization: Bearer TOKEN' with the token of the running peer",
      );
    }
    return null;
  }

  #isOurs(host: string): boolean {
    return this.#hosts === null ? loopbackHost.test(host) : this.#hosts.has(host);
  }

  /** Hashes of equal length are compared, so that the time taken says nothing about the token. */
  #holdsToken(authorization: string | null): boolean {
    const given = /^Bearer +([^\s]+)$/i.exec(authorization ?? "")?.[1] ?? "";
    return timingSafeEqual(sha256(given), this.#tokenHash);
  }
}

/** The values of `Host` under which a server at this address may be reached. */
export function hostsOf(hostname: string, port: number): readonly string[] {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const names = isLoopbackName(hostname) ? ["localhost", "127.0.0.1", "[::1]", name] : [name];
  return [...new Set(names)].map((each) => `${each}:${port}`);
}

/** Whether a numeric host leads to this machine alone. */
export function isLoopbackName(hostname: string): boolean {
  return hostname === "::1" || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}

function isForeign(headers: Headers, host: string): boolean {
  const origin = headers.get("origin");
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) return true;
  const site = headers.get("sec-fetch-site");
  return site !== null && site !== "same-origin" && site !== "none";
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

const methods: readonly string[] = ["GET", "POST", "DELETE"];
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/;
const tokenForm = new RegExp(`^[A-Za-z0-9._~+/-]{${adminTokenCharsMin},512}=*$`);

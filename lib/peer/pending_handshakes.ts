/** The accepted streams whose handshake is under way: so many at most, and so many from one host. */

import type { ByteStream } from "../base/ports.ts";
import { addressScope } from "../base/address.ts";
import { pendingHandshakeMsMin, pendingHandshakesMax, pendingHandshakesPerAddressMax } from "./limits.ts";

/** What is under way, and what else may be. Times are monotonic milliseconds. */
export class PendingHandshakes {
  /** The streams, and since when; the oldest first. */
  readonly #since = new Map<ByteStream, number>();
  readonly #countByHost = new Map<string, number>();

  /** Whether one more from this host may begin; the oldest may have to end for it. */
  hasRoom(host: string, monoMs: number): boolean {
    const isHostFull = (this.#countByHost.get(host) ?? 0) >= pendingHandshakesPerAddressMax;
    if (isHostFull && addressScope(host) !== "loopback") return false;
    return this.#since.size < pendingHandshakesMax || this.#makeRoom(monoMs);
  }

  /** A handshake begins. */
  add(stream: ByteStream, monoMs: number): void {
    this.#since.set(stream, monoMs);
    this.#count(stream.remote.host, 1);
  }

  /** A handshake that was added has ended, whatever came of it. */
  delete(stream: ByteStream): void {
    this.#since.delete(stream);
    this.#count(stream.remote.host, -1);
  }

  /** Ends the oldest handshake if it has had its time: a flood of streams that stay silent keeps nobody out. */
  #makeRoom(monoMs: number): boolean {
    const [stream, sinceMs] = this.#since.entries().next().value!;
    if (monoMs - sinceMs < pendingHandshakeMsMin) return false;
    this.#since.delete(stream);
    stream.close();
    return true;
  }

  #count(host: string, by: 1 | -1): void {
    const count = (this.#countByHost.get(host) ?? 0) + by;
    if (count > 0) this.#countByHost.set(host, count);
    else this.#countByHost.delete(host);
  }
}

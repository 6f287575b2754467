/** A resolve in several clouds at the same time, drawn one publisher at a time. */

import { PeerError } from "../base/errors.ts";
import type { PeerName } from "../identity/peer_name.ts";
import type { Resolution } from "../names/cloud.ts";
import { resolveTimeoutMs } from "../names/limits.ts";
import type { CloudDriver } from "./cloud_driver.ts";
import type { ResolveOptions } from "./names_surface.ts";

/** A publisher that a cloud knew. */
export interface CloudFind {
  /** Name of the cloud. */
  readonly cloud: string;
  readonly resolution: Resolution;
}

/** A resolve in several clouds at the same time. */
export class CloudSearch {
  readonly #queue: CloudFind[] = [];
  readonly #ending = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #failures: unknown[] = [];
  #left: number;
  #hasFound = false;
  #wake: () => void = () => {};

  /** Starts at once; {@linkcode CloudSearch.end} is to be called in any case. */
  constructor(clouds: readonly CloudDriver[], name: PeerName, resultsMax: number, options: ResolveOptions) {
    const { authority, classifier } = name;
    const request = { kind: "resolve", authority, classifier, resultsMax } as const;
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#ending.signal])
      : this.#ending.signal;
    this.#left = clouds.length;
    this.#running = Promise.all(clouds.map(async (cloud) => {
      try {
        await cloud.call(request, {
          action: `Resolving "${name.text}"`,
          timeoutMs: options.timeoutMs ?? resolveTimeoutMs,
          signal,
          onFound: (resolution) => this.#onFound(cloud.name, resolution),
        });
      } catch (error) {
        this.#failures.push(error);
      }
      this.#left--;
      this.#wake();
    }));
  }

  /** The next publisher found, or `null` at the end. Fails if nothing was found, or if the caller ended it. */
  async next(): Promise<CloudFind | null> {
    while (this.#queue.length === 0 && this.#left > 0) {
      await new Promise<void>((wake) => this.#wake = wake);
    }
    const found = this.#queue.shift();
    if (found !== undefined) return found;
    const failure = this.#failures.find((error) => codeOf(error) === "aborted") ?? this.#worstFailure();
    if (failure !== undefined) throw failure;
    return null;
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  #onFound(cloud: string, resolution: Resolution): void {
    this.#hasFound = true;
    this.#queue.push({ cloud, resolution });
    this.#wake();
  }

  /** Of several clouds' failures the one that says most: that one knew nothing counts only if none did better. */
  #worstFailure(): unknown {
    if (this.#hasFound) return undefined;
    return this.#failures.find((error) => codeOf(error) !== "no_contacts") ?? this.#failures[0];
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof PeerError ? error.code : null;
}

/**
 * Drives one cloud machine: a datagram socket, one real timer, and calls as promises. Nothing is
 * decided here.
 */

import type {
  Address,
  Clock,
  Crypto,
  Datagrams,
  DatagramSocket,
  Log,
  Random,
  TimerHandle,
  Timers,
} from "../base/ports.ts";
import { addressText } from "../base/address.ts";
import { abortedError, messageOf, PeerError, throwIfAborted } from "../base/errors.ts";
import {
  type CallResult,
  type CloudEffect,
  type CloudInput,
  CloudMachine,
  type CloudRequest,
  type CloudSnapshot,
  type CloudState,
  type Resolution,
} from "../names/cloud.ts";
import type { CloudScope } from "../names/contact.ts";
import type { PeerObserver } from "./observer.ts";
import { bootstrapRetryMsMax, bootstrapRetryMsMin } from "../names/limits.ts";

/** What a cloud asks of the world. */
export interface CloudPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly datagrams: Datagrams;
  readonly log: Log;
  /** Looks into the machine, if somebody wants to. */
  readonly observer?: PeerObserver;
}

/** Which cloud to take part in, and from where. */
export interface CloudOptions {
  /** All who use the same name and find each other are one cloud. */
  readonly name: string;
  readonly scope: CloudScope;
  /** Where to bind the socket; port 0 chooses one. */
  readonly address: Address;
  /** Told of each change of state. */
  readonly onState?: (state: CloudState) => void;
}

/** How a call is waited for. */
export interface CallOptions {
  /** What the caller attempts, as the beginning of a sentence: `Resolving "0.chat"`. */
  readonly action: string;
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each publisher that a resolve finds, as it is found. */
  readonly onFound?: (resolution: Resolution) => void;
}

interface Call {
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: PeerError) => void;
  readonly onFound: ((resolution: Resolution) => void) | undefined;
}

/** One cloud that a peer takes part in. */
export class CloudDriver {
  readonly name: string;
  readonly scope: CloudScope;
  readonly #ports: CloudPorts;
  readonly #machine: CloudMachine;
  readonly #onState: ((state: CloudState) => void) | undefined;
  readonly #calls = new Map<number, Call>();
  #socket: DatagramSocket;
  #receiving: Promise<void>;
  #nextCall = 1;
  #timer: TimerHandle | null = null;
  #timerMs = Infinity;
  #rebindMs: number = bootstrapRetryMsMin;
  #rebindTimer: TimerHandle | null = null;
  #isClosed = false;

  /** Binds the socket; fails as the datagram port does. */
  static async open(ports: CloudPorts, options: CloudOptions): Promise<CloudDriver> {
    return new CloudDriver(ports, options, await ports.datagrams.bind(options.address));
  }

  private constructor(ports: CloudPorts, options: CloudOptions, socket: DatagramSocket) {
    this.name = options.name;
    this.scope = options.scope;
    this.#ports = ports;
    this.#onState = options.onState;
    this.#machine = new CloudMachine({
      name: options.name,
      scope: options.scope,
      secretKey: ports.random.bytes(32),
      crypto: ports.crypto,
      random: ports.random,
    });
    this.#socket = socket;
    this.#receiving = this.#receive(socket);
    this.#input({ kind: "network", isUp: true });
  }

  /** Where the socket is bound. */
  get address(): Address {
    return this.#socket.address;
  }

  /** What the cloud can do at present. */
  get state(): CloudState {
    return this.#machine.state;
  }

  /** Plain data about everything in the cloud machine. */
  snapshot(): CloudSnapshot {
    return this.#machine.snapshot();
  }

  /** Where a name lies, in hex. */
  nameKeyOf(authority: Uint8Array | null, classifier: string | null): string {
    return this.#machine.nameKeyOf(authority, classifier);
  }

  /** Asks something of the cloud. Fails with what the machine says, with `timeout`, `aborted` or `closed`. */
  call(request: CloudRequest, options: CallOptions): Promise<CallResult> {
    const { action, timeoutMs, signal, onFound } = options;
    throwIfAborted(signal, action);
    if (this.#isClosed) throw this.#closedError(action);
    const call = this.#nextCall++;
    return new Promise<CallResult>((settle, fail) => {
      const end = () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#calls.delete(call);
      };
      const giveUp = (error: PeerError) => {
        if (!this.#calls.has(call)) return;
        end();
        this.#input({ kind: "cancel", call });
        fail(error);
      };
      const onAbort = () => giveUp(abortedError(signal!, action));
      const timer = this.#ports.timers.set(timeoutMs, () => giveUp(timeoutError(action, timeoutMs)));
      signal?.addEventListener("abort", onAbort);
      this.#calls.set(call, {
        resolve: (result) => (end(), settle(result)),
        reject: (error) => (end(), fail(error)),
        onFound,
      });
      this.#input({ kind: "call", call, request });
    });
  }

  /** Leaves the cloud. Calls under way fail with `closed`. What is published runs out by itself. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#timer?.cancel();
      this.#rebindTimer?.cancel();
      this.#socket.close();
      for (const call of [...this.#calls.values()]) call.reject(this.#closedError("Waiting for the cloud"));
    }
    await this.#receiving;
  }

  async #receive(socket: DatagramSocket): Promise<void> {
    let failure = "the socket closed";
    try {
      for await (const { bytes, from } of socket) this.#take(bytes, from);
    } catch (error) {
      failure = messageOf(error);
    }
    if (this.#isClosed || socket !== this.#socket) return;
    socket.close(); // it may have failed and still hold its port
    this.#ports.log.warn("A cloud lost its socket and binds it again", { cloud: this.name, failure });
    this.#input({ kind: "network", isUp: false });
    this.#planRebind();
  }

  /** A mistake of ours that a datagram brings out costs that datagram, not the cloud. */
  #take(bytes: Uint8Array, from: Address): void {
    try {
      this.#input({ kind: "datagram", bytes, from });
    } catch (error) {
      const failure = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#ports.log.error("A datagram brought out a mistake in Kith; it was passed over", { failure });
    }
  }

  #planRebind(): void {
    this.#rebindTimer = this.#ports.timers.set(this.#rebindMs, () => {
      this.#receiving = this.#rebind();
    });
    this.#rebindMs = Math.min(2 * this.#rebindMs, bootstrapRetryMsMax);
  }

  async #rebind(): Promise<void> {
    let socket: DatagramSocket;
    try {
      socket = await this.#ports.datagrams.bind(this.#socket.address);
    } catch (error) {
      this.#ports.log.debug("A cloud's socket cannot be bound yet", {
        cloud: this.name,
        failure: messageOf(error),
      });
      if (!this.#isClosed) this.#planRebind();
      return;
    }
    if (this.#isClosed) return socket.close();
    this.#socket = socket;
    this.#rebindMs = bootstrapRetryMsMin;
    this.#input({ kind: "network", isUp: true });
    await this.#receive(socket);
  }

  #input(input: CloudInput): void {
    if (this.#isClosed) return;
    const now = this.#ports.clock.now();
    const effects = this.#machine.handle(input, now);
    this.#ports.observer?.onCloud(this.#machine, input, effects, now);
    for (const effect of effects) this.#carryOut(effect);
    this.#planDeadline();
  }

  #carryOut(effect: CloudEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#socket.send(effect.bytes, effect.to);
      case "settle":
        return this.#calls.get(effect.call)?.resolve(effect.result);
      case "fail":
        return this.#calls.get(effect.call)?.reject(new PeerError(effect.code, effect.message));
      case "emit":
        if (effect.event.kind === "state") this.#onState?.(effect.event.state);
        else this.#calls.get(effect.event.call)?.onFound?.(effect.event.resolution);
    }
  }

  /** Keeps the one timer no later than the machine's next deadline; a timer that comes early does no harm. */
  #planDeadline(): void {
    const dueMs = this.#machine.nextDeadline();
    if (dueMs === null || this.#timerMs <= dueMs || this.#isClosed) return;
    this.#timer?.cancel();
    this.#timerMs = dueMs;
    const delayMs = Math.max(dueMs - this.#ports.clock.now().monoMs, 0);
    this.#timer = this.#ports.timers.set(delayMs, () => {
      this.#timer = null;
      this.#timerMs = Infinity;
      this.#input({ kind: "deadline" });
    });
  }

  #closedError(action: string): PeerError {
    return new PeerError("closed", `${action} ended: this peer has left the cloud "${this.name}"`);
  }
}

/** A cloud's own endpoint as text: `udp://127.0.0.1:4000`. */
export function cloudEndpoint(driver: CloudDriver): string {
  return `udp://${addressText(driver.address)}`;
}

function timeoutError(action: string, timeoutMs: number): PeerError {
  return new PeerError(
    "timeout",
    `${action} did not end within ${timeoutMs} ms; allow more time or try again later`,
  );
}

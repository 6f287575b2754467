/**
 * A link: messages between two peers over one authenticated, encrypted stream.
 *
 * One loop reads, one writes, and one timer watches both: the other end must be heard, its frames must
 * become whole, and what we write must be read. Sending never waits: messages queue up to a bound, and
 * those that wait together leave together in as few frames as they need.
 */

import type { Address, ByteStream, TimerHandle } from "../base/ports.ts";
import { BoundedQueue } from "../base/bounded.ts";
import { hex } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";
import { FrameOpener, FrameSealer } from "../wire/frames.ts";
import { type ByeReason, decodeLinkMessage, encodeLinkMessage, type LinkMessage } from "./link_messages.ts";
import {
  frameMsMax,
  goodbyeMsMax,
  linkQueueBytesMax,
  linkQueueCountMax,
  pingAfterMs,
  readBytesMax,
  rekeyAfterMs,
  silenceMsMax,
  writeBatchBytesMax,
  writeMsMax,
} from "./limits.ts";
import type { LinkPorts } from "./open_link.ts";

/** Why a link ended. */
export type CloseReason =
  /** This end closed it. */
  | "closed"
  /** The other end said goodbye. */
  | "closed_by_peer"
  /** One of the ends keeps another link between the same two peers. */
  | "duplicate"
  /** One of the ends has as many links as it may. */
  | "too_many"
  /** The stream ended or broke without a goodbye. */
  | "broken"
  /** Nothing was heard for too long. */
  | "silent"
  /** A message was begun and did not become whole in time. */
  | "slow_frame"
  /** The other end did not read what we wrote. */
  | "stalled"
  /** The bytes are no frames of this link. */
  | "bad_frame"
  /** A message is none, or came where it may not. */
  | "bad_message"
  /** This end made a mistake while it handled a message; the log has it. */
  | "failed";

/** What a link's user does about what comes. */
export interface LinkHandlers {
  /** A message came; pings, pongs and goodbyes do not come here. */
  message(message: LinkMessage): void;
  /** A message was refused for lack of room and there is room again. */
  writable(): void;
  /** All that was queued has been handed to the stream: the moment to send more of something long. */
  drained?(): void;
}

/** What the handshake left. */
export interface LinkParts {
  readonly stream: ByteStream;
  readonly ports: Pick<LinkPorts, "clock" | "timers" | "crypto" | "log">;
  readonly peer: Uint8Array;
  readonly peerStatic: Uint8Array;
  readonly dialled: boolean;
  readonly handshakeHash: Uint8Array;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** Bytes that arrived behind the handshake. */
  readonly early: Uint8Array;
}

/** A link. Nothing is read before {@linkcode SecureLink.start}. */
export class SecureLink {
  /** The other end's identity. */
  readonly peer: Uint8Array;
  /** The same in hexadecimal text, for maps. */
  readonly peerIdHex: string;
  /** The other end's X25519 key, new each time that peer is opened. */
  readonly peerStatic: Uint8Array;
  /** Names this link; equal at both ends and on no other link. */
  readonly handshakeHash: Uint8Array;
  /** Whether this end dialled. */
  readonly dialled: boolean;
  /** Where the other end is. */
  readonly remote: Address;
  /** When the handshake ended, on the monotonic clock. */
  readonly openedMs: number;
  /** Settles once the link has ended and leaves nothing behind. */
  readonly closed: Promise<CloseReason>;

  readonly #stream: ByteStream;
  readonly #ports: LinkParts["ports"];
  readonly #sealer: FrameSealer;
  readonly #opener: FrameOpener;
  readonly #queue: BoundedQueue<Uint8Array> = new BoundedQueue(
    linkQueueCountMax,
    linkQueueBytesMax,
    (message) => message.length,
  );
  readonly #resolveClosed: (reason: CloseReason) => void;
  #early: Uint8Array;
  #handlers: LinkHandlers | null = null;
  #isReading = false;
  #isWriting = false;
  #wasFull = false;
  #goodbye: ByeReason | null = null;
  #reason: CloseReason | null = null;

  #timer: TimerHandle | null = null;
  #timerMs = Infinity;
  #heardMs: number;
  #pingedMs: number;
  #rekeyedMs: number;
  /** Since when a frame or message is incomplete, a write waits, and by when a goodbye must be out. */
  #frameSinceMs = Infinity;
  #writeSinceMs = Infinity;
  #goodbyeByMs = Infinity;

  /** Takes over the stream. */
  constructor(parts: LinkParts) {
    this.peer = parts.peer;
    this.peerIdHex = hex(parts.peer);
    this.peerStatic = parts.peerStatic;
    this.handshakeHash = parts.handshakeHash;
    this.dialled = parts.dialled;
    this.remote = parts.stream.remote;
    this.#stream = parts.stream;
    this.#ports = parts.ports;
    this.#sealer = new FrameSealer(parts.ports.crypto, parts.sendKey);
    this.#opener = new FrameOpener(parts.ports.crypto, parts.receiveKey);
    this.#early = parts.early;
    this.openedMs =
      this.#heardMs =
      this.#pingedMs =
      this.#rekeyedMs =
        parts.ports.clock.now().monoMs;
    const { promise, resolve } = Promise.withResolvers<CloseReason>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  /** Begins to read and to watch. Called once. */
  start(handlers: LinkHandlers): void {
    if (this.#handlers !== null || this.#reason !== null) return;
    this.#handlers = handlers;
    this.#heardMs = this.#ports.clock.now().monoMs;
    this.#armTimer();
    this.#isReading = true;
    this.#read();
  }

  /** Queues a message; `false` if there is no room now or the link is ending. */
  send(message: LinkMessage): boolean {
    if (!this.isOpen) return false;
    if (!this.#queue.push(encodeLinkMessage(message))) {
      this.#wasFull = true;
      return false;
    }
    this.#wakeWriter();
    return true;
  }

  /** Ends the link politely: what waits and a goodbye still go out if the other end reads them soon. */
  close(reason: ByeReason = "closed"): void {
    if (!this.isOpen) return;
    this.#goodbye = reason;
    this.#goodbyeByMs = this.#ports.clock.now().monoMs + goodbyeMsMax;
    this.#armTimer();
    this.#wakeWriter();
  }

  /** Ends the link at once. */
  abort(reason: CloseReason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#timer?.cancel();
    this.#timer = null;
    this.#stream.close();
    this.#settle();
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#reason === null && this.#goodbye === null;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(readBytesMax);
    const early = this.#early;
    this.#early = nothing;
    if (early.length > 0) this.#onBytes(early);
    while (this.#reason === null) {
      const count = await this.#readSome(buffer);
      if (this.#reason !== null) break;
      if (count === null) this.abort(this.#goodbye ?? "broken");
      else this.#onBytes(buffer.subarray(0, count));
    }
    this.#isReading = false;
    this.#settle();
  }

  async #readSome(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#stream.read(buffer);
    } catch {
      return null; // the stream broke
    }
  }

  #onBytes(bytes: Uint8Array): void {
    const { messages, reject } = this.#opener.push(bytes);
    if (reject !== undefined) {
      this.#ports.log.debug("A link carried no frames", { peer: this.peerIdHex, reason: reject });
      return this.abort("bad_frame");
    }
    const nowMs = this.#ports.clock.now().monoMs;
    this.#heardMs = nowMs;
    if (!this.#opener.midway) this.#frameSinceMs = Infinity;
    else if (messages.length > 0 || this.#frameSinceMs === Infinity) this.#frameSinceMs = nowMs;
    for (const message of messages) {
      if (this.#reason !== null) return;
      this.#onMessage(message);
    }
    this.#armTimer();
  }

  #onMessage(bytes: Uint8Array): void {
    const decoded = decodeLinkMessage(bytes);
    if (!decoded.ok) {
      this.#ports.log.debug("A link carried no message", { peer: this.peerIdHex, reason: decoded.reason });
      return this.abort("bad_message");
    }
    const { message } = decoded;
    switch (message.kind) {
      case "ping":
        // Whatever else waits tells the other end as much, so pings never pile up answers (threat T10).
        if (this.#queue.size === 0) this.send({ kind: "pong" });
        return;
      case "pong":
        return;
      case "bye":
        return this.abort(this.#goodbye ?? (message.reason === "closed" ? "closed_by_peer" : message.reason));
      default:
        if (this.isOpen) this.#hand(message);
    }
  }

  #hand(message: LinkMessage): void {
    try {
      this.#handlers!.message(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A mistake of ours ends this link and no other. */
  #fail(error: unknown): void {
    const stack = error instanceof Error ? error.stack ?? "" : "";
    this.#ports.log.error(`A link failed: ${messageOf(error)}`, { peer: this.peerIdHex, stack });
    this.abort("failed");
  }

  #wakeWriter(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#write();
  }

  async #write(): Promise<void> {
    await null; // what is sent in the same turn leaves in the same frames
    while (this.#reason === null) {
      const batch = this.#takeBatch();
      if (batch.length === 0) break;
      await this.#writeBatch(batch);
      this.#tellWritable();
      this.#tellDrained();
    }
    if (this.#goodbye !== null && this.#reason === null) {
      await this.#writeBatch([encodeLinkMessage({ kind: "bye", reason: this.#goodbye })]);
      // Who reads a goodbye closes the stream. Closing it here could destroy what is still under way.
      if (!this.#isReading) this.abort(this.#goodbye);
    }
    this.#isWriting = false;
    this.#settle();
  }

  #takeBatch(): Uint8Array[] {
    const batch: Uint8Array[] = [];
    for (let bytes = 0; bytes < writeBatchBytesMax;) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      batch.push(message);
      bytes += message.length;
    }
    return batch;
  }

  async #writeBatch(batch: readonly Uint8Array[]): Promise<void> {
    const nowMs = this.#ports.clock.now().monoMs;
    if (nowMs - this.#rekeyedMs >= rekeyAfterMs) {
      this.#sealer.rekey();
      this.#rekeyedMs = nowMs;
    }
    this.#writeSinceMs = nowMs;
    this.#armTimer();
    const frames = this.#sealer.seal(batch);
    try {
      await this.#stream.write(frames);
    } catch {
      this.abort(this.#goodbye ?? "broken");
    }
    this.#writeSinceMs = Infinity;
  }

  #tellWritable(): void {
    if (!this.#wasFull || !this.isOpen || this.#handlers === null) return;
    if (this.#queue.size > linkQueueCountMax / 2 || this.#queue.bytes > linkQueueBytesMax / 2) return;
    this.#wasFull = false;
    try {
      this.#handlers.writable();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tellDrained(): void {
    if (this.#queue.size > 0 || !this.isOpen) return;
    try {
      this.#handlers?.drained?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sets the timer if something is due before it. A timer that comes early finds nothing due and is set again. */
  #armTimer(): void {
    if (this.#reason !== null) return;
    const dueMs = this.#nextDueMs();
    if (this.#timer !== null && this.#timerMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueMs === Infinity) return;
    this.#timerMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.#ports.clock.now().monoMs);
    this.#timer = this.#ports.timers.set(delayMs, () => this.#onTimer());
  }

  #nextDueMs(): number {
    return Math.min(
      this.#handlers === null ? Infinity : this.#pingDueMs(),
      this.#frameSinceMs + frameMsMax,
      this.#writeSinceMs + writeMsMax,
      this.#goodbyeByMs,
    );
  }

  #pingDueMs(): number {
    return Math.max(this.#heardMs, this.#pingedMs) + pingAfterMs;
  }

  /**
   * What is due is judged by the very sums that the timer was set by: a difference may round the other
   * way, and then the timer is set for no time at all, again and again.
   */
  #onTimer(): void {
    this.#timer = null;
    const nowMs = this.#ports.clock.now().monoMs;
    if (nowMs >= this.#goodbyeByMs) return this.abort(this.#goodbye!);
    if (nowMs >= this.#frameSinceMs + frameMsMax) return this.abort("slow_frame");
    if (nowMs >= this.#writeSinceMs + writeMsMax) return this.abort("stalled");
    if (this.#handlers !== null) this.#keepAlive(nowMs);
    this.#armTimer();
  }

  #keepAlive(nowMs: number): void {
    if (nowMs >= this.#heardMs + silenceMsMax) return this.abort("silent");
    if (nowMs < this.#pingDueMs()) return;
    this.#pingedMs = nowMs;
    this.send({ kind: "ping" });
  }

  #settle(): void {
    if (this.#reason !== null && !this.#isReading && !this.#isWriting) this.#resolveClosed(this.#reason);
  }
}

const nothing = new Uint8Array();

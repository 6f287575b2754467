/** Streams inside one process: two bounded pipes, carried by whatever delays or holds them up. */

import { assert } from "../lib/base/assert.ts";
import { PeerError } from "../lib/base/errors.ts";
import type { Address, ByteStream } from "../lib/base/ports.ts";
import { addressText } from "../lib/base/address.ts";
import { memoryStreamBytesMax } from "./limits.ts";
import type { Wire } from "./memory_wire.ts";

/** Both ends of a new stream. */
export interface MemoryStreamPair {
  readonly near: MemoryStream;
  readonly far: MemoryStream;
}

/** Makes a stream between two addresses; `forth` carries from near to far, `back` the other way. */
export function createStreamPair(near: Address, far: Address, forth: Wire, back: Wire): MemoryStreamPair {
  const outward = new Pipe(forth, back);
  const homeward = new Pipe(back, forth);
  return {
    near: new MemoryStream(far, homeward, outward, forth),
    far: new MemoryStream(near, outward, homeward, back),
  };
}

/** One end of a stream in memory. */
export class MemoryStream implements ByteStream {
  /** Where the other end is. */
  readonly remote: Address;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #wire: Wire;
  #isOver = false;
  #onClose: (() => void) | null = null;

  /** An end that reads one pipe and writes the other, which goes along `wire`. */
  constructor(remote: Address, incoming: Pipe, outgoing: Pipe, wire: Wire) {
    this.remote = remote;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#wire = wire;
  }

  /** Reads what has arrived, or waits for something. */
  read(buffer: Uint8Array): Promise<number | null> {
    return this.#incoming.read(buffer);
  }

  /** Writes all bytes; waits while the other end does not read. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  /** Ends both directions; what is under way still arrives. */
  close(): void {
    this.#outgoing.finish();
    this.#incoming.abandon();
    this.#end();
  }

  /** Breaks this end as a crash or a reset does: nothing more is read or written. */
  break(): void {
    const error = new PeerError("closed", `The stream to ${addressText(this.remote)} broke`);
    this.#incoming.breakReader(error);
    this.#outgoing.breakWriter(error);
    if (!this.#isOver) this.#wire.noteBroken();
    this.#end();
  }

  /** Calls back once when this end closes or breaks. */
  whenClosed(callback: () => void): void {
    this.#onClose = callback;
  }

  #end(): void {
    this.#isOver = true;
    this.#onClose?.();
    this.#onClose = null;
  }
}

/** One direction. */
class Pipe {
  readonly #forth: Wire;
  readonly #back: Wire;
  readonly #arrived: Uint8Array[] = [];
  /** Bytes written and not yet read, under way ones included. */
  #unread = 0;
  #lastWrite: Promise<void> = Promise.resolve();
  #writerEnd: PeerError | null = null;
  #readerEnd: "end" | PeerError | null = null;
  #wakeWriter: (() => void) | null = null;
  #wakeReader: (() => void) | null = null;

  constructor(forth: Wire, back: Wire) {
    this.#forth = forth;
    this.#back = back;
  }

  write(bytes: Uint8Array): Promise<void> {
    const before = this.#lastWrite;
    const written = before.then(() => this.#writeAll(bytes));
    // A later write waits for this one however it ends; this one's caller has its failure.
    this.#lastWrite = written.catch(() => {
      /* told to this write's caller */
    });
    return written;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    assert(this.#wakeReader === null, "a stream has one reader at a time");
    while (this.#arrived.length === 0 && this.#readerEnd === null) {
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    if (this.#readerEnd instanceof PeerError) throw this.#readerEnd;
    const chunk = this.#arrived[0];
    if (chunk === undefined) return null;
    const count = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#arrived.shift();
    else this.#arrived[0] = chunk.subarray(count);
    this.#unread -= count;
    this.#wake();
    return count;
  }

  /** The writer closed: the reader sees the end after what is under way. */
  finish(): void {
    if (this.#writerEnd !== null) return;
    this.breakWriter(new PeerError("closed", "The stream was closed before all bytes were written"));
    this.#forth.carry(() => this.#endReader("end"));
  }

  /** The reader closed: nobody reads any more, and the writer learns it. */
  abandon(): void {
    this.#arrived.length = 0;
    if (this.#readerEnd !== null) return; // the writer knows: it has ended itself
    this.#endReader("end");
    this.#back.carry(() => this.breakWriter(new PeerError("closed", "The other end closed the stream")));
  }

  breakReader(error: PeerError): void {
    this.#arrived.length = 0;
    this.#endReader(error);
  }

  breakWriter(error: PeerError): void {
    this.#writerEnd ??= error;
    this.#wake();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    if (this.#writerEnd !== null) throw this.#writerEnd;
    for (let sent = 0; sent < bytes.length;) {
      const room = memoryStreamBytesMax - this.#unread;
      if (room > 0) {
        const chunk = bytes.slice(sent, sent + room);
        sent += chunk.length;
        this.#unread += chunk.length;
        this.#forth.carryChunk(chunk, this.#arrive);
      } else {
        await new Promise<void>((resolve) => this.#wakeWriter = resolve);
        if (this.#writerEnd !== null) throw this.#writerEnd;
      }
    }
  }

  readonly #arrive = (chunk: Uint8Array): boolean => {
    if (this.#readerEnd !== null) return false;
    this.#arrived.push(chunk);
    this.#wake();
    return true;
  };

  #endReader(end: "end" | PeerError): void {
    this.#readerEnd ??= end;
    this.#wake();
  }

  #wake(): void {
    this.#wakeWriter?.();
    this.#wakeReader?.();
    this.#wakeWriter = this.#wakeReader = null;
  }
}

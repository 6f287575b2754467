/** Streams over TCP. Errors that the platform throws leave here as {@linkcode PeerError}s. */

import type { Address, ByteStream, StreamListener, Streams, TimerHandle, Timers } from "../lib/base/ports.ts";
import { addressText, isSendable, observedAddress } from "../lib/base/address.ts";
import { abortedError, messageOf, PeerError, throwIfAborted } from "../lib/base/errors.ts";
import { acceptRetryMs } from "./limits.ts";
import { deniedError, requireNet } from "./permission.ts";

/** Streams over TCP, without Nagle's delay. */
export class TcpStreams implements Streams {
  readonly #timers: Timers;

  /** The timers pause the accept loop when the platform has no file descriptor left. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Accepts streams at an address; port 0 chooses one. */
  async listen(address: Address): Promise<StreamListener> {
    await requireNet(address, "listen on");
    try {
      const listener = Deno.listen({ hostname: address.host, port: address.port, transport: "tcp" });
      return new TcpListener(listener, this.#timers);
    } catch (error) {
      throw listenError(error, address);
    }
  }

  /** Opens a stream; the signal ends the attempt. */
  async connect(address: Address, signal: AbortSignal): Promise<ByteStream> {
    const action = `Connecting to ${addressText(address)}`;
    throwIfAborted(signal, action);
    if (!isSendable(address)) {
      throw new PeerError("connect_failed", `${action} failed: no peer can be at that address`);
    }
    await requireNet(address, "connect to");
    throwIfAborted(signal, action);
    try {
      const options = { hostname: address.host, port: address.port, transport: "tcp", signal } as const;
      const stream = createStream(await Deno.connect(options));
      if (signal.aborted) stream.close();
      throwIfAborted(signal, action);
      return stream;
    } catch (error) {
      if (signal.aborted) throw abortedError(signal, action);
      if (error instanceof Deno.errors.NotCapable) throw deniedError(address, "connect to", error);
      const message = `${action} failed: ${messageOf(error)}. Check that a peer listens there`;
      throw new PeerError("connect_failed", message, { cause: error });
    }
  }
}

/** What the accept loop needs of Deno's listener. */
export interface AcceptsConnections {
  readonly addr: Deno.NetAddr;
  accept(): Promise<Deno.TcpConn>;
  close(): void;
}

/** Accepts TCP streams until closed, whatever the platform throws meanwhile. */
export class TcpListener implements StreamListener {
  /** Where it listens, with the real port. */
  readonly address: Address;
  readonly #listener: AcceptsConnections;
  readonly #timers: Timers;
  #isClosed = false;
  #retry: { readonly timer: TimerHandle; readonly resume: () => void } | null = null;

  /** Takes over a listener of the platform. */
  constructor(listener: AcceptsConnections, timers: Timers) {
    this.#listener = listener;
    this.#timers = timers;
    this.address = observedAddress(listener.addr.hostname, listener.addr.port);
  }

  /** Stops accepting and ends the iteration; accepted streams live on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    this.#retry?.timer.cancel();
    this.#retry?.resume();
  }

  /** The streams as they are accepted. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ByteStream, void, void> {
    while (!this.#isClosed) {
      const stream = await this.#accept();
      if (stream !== null) yield stream;
    }
  }

  async #accept(): Promise<ByteStream | null> {
    try {
      return createStream(await this.#listener.accept());
    } catch {
      // Closed by us, or a stream that broke before it was accepted, or no file descriptor left:
      // none of these may end a listener that is open.
      if (!this.#isClosed) await this.#pause();
      return null;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const resume = () => {
        this.#retry = null;
        resolve();
      };
      this.#retry = { timer: this.#timers.set(acceptRetryMs, resume), resume };
    });
  }
}

/** A TCP connection as a stream. */
class TcpStream implements ByteStream {
  readonly remote: Address;
  readonly #connection: Deno.TcpConn;
  #isClosed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    const { hostname, port } = connection.remoteAddr;
    this.remote = observedAddress(hostname, port);
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.#isClosed) return null;
    try {
      return await this.#connection.read(buffer);
    } catch (error) {
      if (this.#isClosed) return null; // our own close ended the read
      throw error;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      if (this.#isClosed) {
        throw new PeerError("closed", "The stream was closed before all bytes were written");
      }
      sent += await this.#connection.write(sent === 0 ? bytes : bytes.subarray(sent));
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }
}

/** A stream on a fresh connection; small messages leave at once. */
function createStream(connection: Deno.TcpConn): ByteStream {
  const stream = new TcpStream(connection);
  try {
    connection.setNoDelay(true);
  } catch {
    // The other end is gone already: the first read says so.
  }
  return stream;
}

function listenError(error: unknown, address: Address): PeerError {
  const where = addressText(address);
  if (error instanceof Deno.errors.AddrInUse) {
    const message = `Cannot listen on ${where}: another program does. Choose another port, or 0 for any`;
    return new PeerError("port_in_use", message, { cause: error });
  }
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return deniedError(address, "listen on", error);
  }
  const message = `Cannot listen on ${where}: ${messageOf(error)}. Choose an address of this machine`;
  return new PeerError("invalid_address", message, { cause: error });
}

/**
 * The ports of one start of a peer. When it crashes nothing of them ever settles or calls back again: the
 * process that waited is gone. Whatever code of it is still to run asks in vain.
 */

import type {
  Address,
  ByteStream,
  Datagram,
  Datagrams,
  DatagramSocket,
  RecordStore,
  StoreChange,
  StoreEntry,
  StoreKey,
  StreamListener,
  Streams,
  TimerHandle,
  Timers,
} from "../base/ports.ts";
import type { KeyFile } from "../peer/key_ring.ts";

/** One start of a peer, from its opening to its crash. */
export class Incarnation {
  readonly #timers = new Set<TimerHandle>();
  #isOver = false;

  /** Ends it: what it waits for stays open for ever. */
  end(): void {
    this.#isOver = true;
    this.#timers.clear();
  }

  /** Whether it crashed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A promise that settles as `promise` does, as long as this incarnation lives. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#isOver ? undefined : resolve(value),
        (error) => this.#isOver ? undefined : reject(error),
      );
    });
  }

  /** Timers that fall silent. */
  timers(timers: Timers): Timers {
    return {
      set: (delayMs, callback): TimerHandle => {
        if (this.#isOver) return { cancel: () => {} };
        const timer = timers.set(delayMs, () => {
          this.#timers.delete(handle);
          if (!this.#isOver) callback();
        });
        const handle: TimerHandle = {
          cancel: () => {
            this.#timers.delete(handle);
            timer.cancel();
          },
        };
        this.#timers.add(handle);
        return handle;
      },
    };
  }

  /** How many timers of its own are set: others may use the machine's clock as well. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Streams of which nothing comes any more. */
  streams(streams: Streams): Streams {
    return {
      listen: async (address: Address): Promise<StreamListener> => {
        const listener = await this.guard(streams.listen(address));
        return {
          address: listener.address,
          close: () => listener.close(),
          [Symbol.asyncIterator]: () => this.#iterator(listener, (stream) => this.#stream(stream)),
        };
      },
      connect: async (address, signal) => this.#stream(await this.guard(streams.connect(address, signal))),
    };
  }

  /** Datagrams that neither leave nor come any more. */
  datagrams(datagrams: Datagrams): Datagrams {
    return {
      bind: async (address: Address): Promise<DatagramSocket> => {
        const socket = await this.guard(datagrams.bind(address));
        return {
          address: socket.address,
          send: (bytes, to) => this.#isOver ? undefined : socket.send(bytes, to),
          close: () => socket.close(),
          [Symbol.asyncIterator]: () => this.#iterator<Datagram, Datagram>(socket, (datagram) => datagram),
        };
      },
    };
  }

  /** A store that does not answer any more. */
  store(store: RecordStore): RecordStore {
    const guardedList = (prefix: StoreKey): AsyncIterable<StoreEntry> => ({
      [Symbol.asyncIterator]: () =>
        this.#iterator<StoreEntry, StoreEntry>(store.list(prefix), (entry) => entry),
    });
    return {
      commit: (change: StoreChange) => this.guard(this.#isOver ? never() : store.commit(change)),
      list: guardedList,
      read: (key) => this.guard(this.#isOver ? never() : store.read(key)),
      readBody: (hash) => this.guard(this.#isOver ? never() : store.readBody(hash)),
      close: () => this.guard(this.#isOver ? never() : store.close()),
      get damaged() {
        return store.damaged ?? 0;
      },
    };
  }

  /** Keys that are read and written no more. */
  keys(keys: KeyFile): KeyFile {
    return {
      read: () => this.guard(this.#isOver ? never() : keys.read()),
      write: (bytes) => this.guard(this.#isOver ? never() : keys.write(bytes)),
    };
  }

  #stream(stream: ByteStream): ByteStream {
    return {
      remote: stream.remote,
      read: (buffer) => this.guard(stream.read(buffer)),
      write: (bytes) => this.guard(this.#isOver ? never() : stream.write(bytes)),
      close: () => this.#isOver ? undefined : stream.close(),
    };
  }

  #iterator<T, U>(source: AsyncIterable<T>, map: (value: T) => U): AsyncIterator<U> {
    const inner = source[Symbol.asyncIterator]();
    return {
      next: async () => {
        const step = await this.guard(inner.next());
        return step.done === true
          ? { done: true, value: undefined }
          : { done: false, value: map(step.value) };
      },
      return: async () => {
        if (inner.return !== undefined) await this.guard(inner.return());
        return { done: true, value: undefined };
      },
    };
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

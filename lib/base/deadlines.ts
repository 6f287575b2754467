/**
 * The one deadline table of a machine: what is due when, by a key of the machine's own making.
 *
 * A machine sets and clears deadlines here and tells its driver only the earliest one, so a single
 * real timer serves it and no timer can be stale. Earliest first by a binary heap in which replaced
 * and cleared entries are skipped when they surface.
 */

interface Entry<K> {
  readonly key: K;
  readonly atMs: number;
  readonly order: number;
}

/** Deadlines by key, in monotonic milliseconds. */
export class DeadlineTable<K> {
  readonly #current = new Map<K, Entry<K>>();
  #heap: Entry<K>[] = [];
  #order = 0;

  /** Sets or moves the deadline of `key`. */
  set(key: K, atMs: number): void {
    const entry = { key, atMs, order: this.#order++ };
    this.#current.set(key, entry);
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#rebuild();
  }

  /** Removes the deadline of `key`, if there is one. */
  clear(key: K): void {
    this.#current.delete(key);
  }

  /** Removes and returns the keys that are due at `nowMs`, earliest first. */
  takeDue(nowMs: number): K[] {
    const due: K[] = [];
    for (let first = this.#first(); first !== null && first.atMs <= nowMs; first = this.#first()) {
      this.#pop();
      this.#current.delete(first.key);
      due.push(first.key);
    }
    return due;
  }

  /** The earliest deadline, or `null` if there is none. */
  next(): number | null {
    return this.#first()?.atMs ?? null;
  }

  /** The deadline of `key`, or `null`. */
  at(key: K): number | null {
    return this.#current.get(key)?.atMs ?? null;
  }

  /** How many deadlines stand. */
  get size(): number {
    return this.#current.size;
  }

  #first(): Entry<K> | null {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.key) === top) return top;
      this.#pop();
    }
    return null;
  }

  #rebuild(): void {
    this.#heap = [...this.#current.values()].sort((a, b) => before(a, b) ? -1 : 1);
  }

  #up(index: number): void {
    const heap = this.#heap;
    for (let child = index; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child]!, heap[parent]!)) return;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, heap[parent]!)) return;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      parent = child;
    }
  }
}

function before<K>(a: Entry<K>, b: Entry<K>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

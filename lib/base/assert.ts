/**
 * Assertions on our own mistakes. They stay on in production and are never used on remote input:
 * what a peer sends is judged and refused, not asserted.
 */

/** A broken promise inside Kith itself: a bug, never the fault of a caller or a peer. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws {@linkcode AssertionFailure} unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`Reached a branch that no value leads to: ${String(value)}`);
}

/**
 * Shuts the real world out while there is a simulation: real time, real timers and real chance throw, so that
 * nothing can make two runs of one seed differ. Names and reasons are in the errors.
 */

import { assert } from "../base/assert.ts";

let depth = 0;
let restore: (() => void) | null = null;

/**
 * Forbids real time and chance in this thread until the function returned is called. Calls nest.
 * WebCrypto is forbidden as well: it answers in an order of its own (reliability §0.9).
 */
export function shutOutRealWorld(): () => void {
  if (depth++ === 0) restore = shut();
  let isOpen = false;
  return () => {
    assert(!isOpen, "the real world is let in once");
    isOpen = true;
    if (--depth === 0) restore?.();
  };
}

function shut(): () => void {
  const undo = [
    ...["setTimeout", "setInterval", "setImmediate"].map((name) =>
      replace(globalThis, name, refuse(name, timersHint))
    ),
    replace(globalThis, "Date", shutDate()),
    replace(Temporal, "Now", refusing("Temporal.Now", clockHint)),
    replace(globalThis.performance, "now", refuse("performance.now", clockHint)),
    replace(Math, "random", refuse("Math.random", randomHint)),
    replace(AbortSignal, "timeout", refuse("AbortSignal.timeout", timersHint)),
    ...["getRandomValues", "randomUUID"].map((name) =>
      replace(globalThis.crypto, name, refuse(`crypto.${name}`, randomHint))
    ),
    replace(globalThis.crypto, "subtle", refusing("crypto.subtle", cryptoHint)),
  ];
  return () => undo.forEach((put) => put());
}

/** `Date` without its clock: values that are given are read and written as ever. */
function shutDate(): DateConstructor {
  const now = refuse("Date.now", clockHint);
  return new Proxy(Date, {
    construct: (real, args, target) => {
      if (args.length === 0) refuse("new Date()", clockHint)();
      return Reflect.construct(real, args, target);
    },
    apply: () => refuse("Date()", clockHint)(),
    get: (real, name) => name === "now" ? now : Reflect.get(real, name),
  });
}

/** An object any use of which is refused. */
function refusing(name: string, hint: string): object {
  return new Proxy({}, { get: (_, member) => refuse(`${name}.${String(member)}`, hint)() });
}

/** Puts a value in a property's place; returns what puts the old one back. */
function replace(owner: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, own);
  };
}

function refuse(name: string, hint: string): () => never {
  return () => {
    throw new Error(
      `Cannot use ${name} before the simulation is closed: a seed would not repeat the run. ${hint}`,
    );
  };
}

const clockHint = "Ask the simulation's clock";
const timersHint = "Set timers on the simulation's clock";
const randomHint = "Draw from the simulation's random";
const cryptoHint = "Give what needs it a stand-in";

import assert from "node:assert/strict";
import { shutOutRealWorld } from "../../../lib/sim/real_world.ts";

/** Every way to real time and chance, and what its refusal has to name. */
const doors: readonly (readonly [name: string, open: () => unknown])[] = [
  ["Date.now", () => Date.now()],
  ["new Date()", () => Reflect.construct(Date, [])],
  ["Date()", () => Reflect.apply(Date, undefined, [])],
  ["performance.now", () => performance.now()],
  ["Math.random", () => Math.random()],
  ["setTimeout", () => clearTimeout(setTimeout(() => {}, 0))],
  ["setInterval", () => clearInterval(setInterval(() => {}, 1_000))],
  ["setImmediate", () => clearImmediate(setImmediate(() => {}))],
  ["Temporal.Now.instant", () => Temporal.Now.instant()],
  ["AbortSignal.timeout", () => Reflect.apply(Reflect.get(AbortSignal, "timeout"), AbortSignal, [0])],
  ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(4))],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["crypto.subtle.digest", () => crypto.subtle.digest],
];

for (const [name, open] of doors) {
  Deno.test(`${name} throws while the real world is shut out, and is as before afterwards`, () => {
    const letIn = shutOutRealWorld();
    try {
      assert.throws(
        open,
        (error: Error) => error.message.includes(`Cannot use ${name} before the simulation is closed`),
      );
    } finally {
      letIn();
    }
    if (name !== "AbortSignal.timeout") assert.doesNotThrow(open); // its timer would outlive the test
  });
}

Deno.test("every property is as it was afterwards: descriptor, identity, and none that was not there", () => {
  const before = descriptors();
  shutOutRealWorld()();
  assert.deepEqual(descriptors(), before);
  assert.equal(Object.hasOwn(performance, "now"), before.get("performance now") !== undefined);
});

Deno.test("dates that are given a value read and write as ever while the real world is shut out", () => {
  const letIn = shutOutRealWorld();
  try {
    assert.equal(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
    assert.equal(new Date("2030-01-01T00:00:00Z").getTime(), Date.UTC(2030, 0, 1));
    assert.equal(Date.parse("1970-01-01T00:00:01Z"), 1_000);
    assert.ok(new Date(5) instanceof Date);
    class Own extends Date {}
    assert.ok(new Own(5) instanceof Own);
  } finally {
    letIn();
  }
});

Deno.test("shutting out nests: the last to let in opens, and nobody lets in twice", () => {
  const outer = shutOutRealWorld();
  const inner = shutOutRealWorld();
  inner();
  assert.throws(() => Math.random(), /Cannot use Math.random/);
  assert.throws(inner, /let in once/);
  assert.throws(() => Math.random(), /Cannot use Math.random/, "a second call opens nothing");
  outer();
  assert.doesNotThrow(() => Math.random());
});

function descriptors(): Map<string, PropertyDescriptor | undefined> {
  const owners = { globalThis, performance, Math, AbortSignal, crypto };
  const names: readonly (readonly [keyof typeof owners, string])[] = [
    ["globalThis", "setTimeout"],
    ["globalThis", "setInterval"],
    ["globalThis", "Date"],
    ["performance", "now"],
    ["Math", "random"],
    ["AbortSignal", "timeout"],
    ["crypto", "getRandomValues"],
    ["crypto", "randomUUID"],
    ["crypto", "subtle"],
  ];
  return new Map(
    names.map(([owner, name]) => [`${owner} ${name}`, Object.getOwnPropertyDescriptor(owners[owner], name)]),
  );
}

import assert from "node:assert/strict";
import plugin from "./lint_plugin.ts";

/** What the plugin says about a source at a path: the rule's name and the text it points at. */
function faults(path: string, source: string): readonly string[] {
  return Deno.lint.runPlugin(plugin, path, source)
    .map(({ id, range }) => `${id}: ${source.slice(range[0], range[1])}`);
}

function rules(path: string, source: string): readonly string[] {
  return Deno.lint.runPlugin(plugin, path, source).map(({ id }) => id);
}

Deno.test("layers: imports that go down are allowed", () => {
  const allowed: readonly (readonly [path: string, specifier: string])[] = [
    ["lib/base/a.ts", "./b.ts"],
    ["lib/wire/codec.ts", "cborg"],
    ["lib/wire/a.ts", "../base/bytes.ts"],
    ["lib/identity/a.ts", "../wire/codec.ts"],
    ["lib/names/a.ts", "../identity/keys.ts"],
    ["lib/graph/a.ts", "../records/item.ts"],
    ["lib/groups/a.ts", "../graph/replica.ts"],
    ["lib/groups/a.ts", "../records/item.ts"],
    ["lib/platform/crypto.ts", "node:crypto"],
    ["lib/storage/kv_store.ts", "../identity/peer_id.ts"],
    ["transports/tcp.ts", "../lib/base/ports.ts"],
    ["lib/peer/defaults.ts", "../../transports/tcp.ts"],
    ["lib/peer/telemetry.ts", "@opentelemetry/api"],
    ["mod.ts", "./lib/peer/peer.ts"],
    ["lib/sim/mod.ts", "../peer/peer.ts"],
    ["http_api/mod.ts", "@hono/hono/bearer-auth"],
    ["http_api/app.ts", "../lib/peer/peer.ts"],
    ["http_api/schemas.ts", "zod"],
    ["lib/cli/mod.ts", "../../http_api/mod.ts"],
    ["lib/cli/demo.ts", "@kith/peer"],
    ["tests/unit/a_test.ts", "../../lib/groups/rank.ts"],
    ["tests/unit/a_test.ts", "fast-check"],
    ["bench/run.ts", "../lib/sim/mod.ts"],
  ];
  for (const [path, specifier] of allowed) {
    assert.deepEqual(rules(path, `import { x } from "${specifier}";`), [], `${path} → ${specifier}`);
  }
});

Deno.test("layers: imports that go up or sideways are refused", () => {
  const refused: readonly (readonly [path: string, specifier: string])[] = [
    ["lib/base/a.ts", "../wire/codec.ts"],
    ["lib/base/a.ts", "node:crypto"],
    ["lib/wire/a.ts", "../identity/keys.ts"],
    ["lib/wire/frames.ts", "cborg"],
    ["lib/names/a.ts", "../records/item.ts"],
    ["lib/records/a.ts", "../graph/replica.ts"],
    ["lib/graph/a.ts", "../groups/rank.ts"],
    ["lib/graph/a.ts", "../names/cloud.ts"],
    ["lib/identity/a.ts", "../platform/crypto.ts"],
    ["lib/storage/a.ts", "../platform/files.ts"],
    ["transports/tcp.ts", "../lib/graph/replica.ts"],
    ["transports/tcp.ts", "../lib/peer/links.ts"],
    ["lib/peer/peer.ts", "../sim/mod.ts"],
    ["lib/peer/peer.ts", "../../mod.ts"],
    ["lib/peer/peer.ts", "@opentelemetry/api"],
    ["lib/peer/peer.ts", "left-pad"],
    ["lib/sim/mod.ts", "../../http_api/mod.ts"],
    ["http_api/mod.ts", "../lib/sim/mod.ts"],
    ["mod.ts", "./http_api/mod.ts"],
    ["mod.ts", "@kith/peer/cli"],
    ["lib/cli/mod.ts", "zod"],
    ["lib/cli/mod.ts", "../../tests/contract/real_world.ts"],
    ["lib/peer/peer.ts", "../../elsewhere/a.ts"],
  ];
  for (const [path, specifier] of refused) {
    assert.deepEqual(
      rules(path, `import { x } from "${specifier}";`),
      ["kith/layers"],
      `${path} → ${specifier}`,
    );
  }
});

Deno.test("layers: every form of import is seen", () => {
  const forms = [
    `import type { x } from "../sim/mod.ts";`,
    `export * from "../sim/mod.ts";`,
    `export { x } from "../sim/mod.ts";`,
    `const x = import("../sim/mod.ts");`,
    `type X = import("../sim/mod.ts").X;`,
  ];
  for (const form of forms) assert.deepEqual(rules("lib/peer/a.ts", form), ["kith/layers"], form);
});

Deno.test("banned-calls: clock, timers and chance are refused outside lib/platform", () => {
  const banned = [
    `Date.now()`,
    `Date["now"]()`,
    `globalThis.Date.now()`,
    `new Date()`,
    `Date()`,
    `performance.now()`,
    `Math.random()`,
    `[1].map(Math.random)`,
    `setTimeout(() => {}, 5)`,
    `globalThis.setInterval(() => {}, 5)`,
    `const later = setTimeout`,
    `crypto.getRandomValues(bytes)`,
    `globalThis.crypto.randomUUID()`,
    `Temporal.Now.instant()`,
  ];
  for (const path of ["lib/storage/a.ts", "transports/a.ts", "lib/cli/a.ts", "tests/unit/a_test.ts"]) {
    for (const source of banned) {
      assert.deepEqual(new Set(rules(path, source)), new Set(["kith/banned-calls"]), `${path}: ${source}`);
    }
  }
  for (const source of banned) {
    assert.deepEqual(rules("lib/platform/clock.ts", source), [], source);
    assert.deepEqual(rules("bench/run.ts", source), [], source);
    assert.deepEqual(rules("tests/contract/real_world.ts", source), [], source);
  }
});

Deno.test("banned-calls: imported timers are refused under any name", () => {
  const sources = [
    `import { setTimeout as later } from "node:timers";`,
    `import { scheduler } from "node:timers/promises";`,
    `const later = timers[setTimeout];`,
  ];
  for (const source of sources) {
    assert.ok(rules("tests/unit/a_test.ts", source).includes("kith/banned-calls"));
  }
  assert.deepEqual(rules("lib/sim/a.ts", `import { setImmediate } from "node:timers";`), []);
});

Deno.test("banned-calls: properties that merely share the name are let through", () => {
  const sources = [
    `timers.setTimeout(5)`,
    `new Date(5)`,
    `const x = { setTimeout: 1 }`,
    `class A { performance() {} }`,
    `interface A { setInterval: number; performance(): void }`,
    `crypto.sha256(bytes)`,
    `clock.now()`,
  ];
  for (const source of sources) assert.deepEqual(rules("lib/peer/a.ts", source), [], source);
});

Deno.test("abort-timeout: is refused everywhere", () => {
  for (const path of ["lib/platform/a.ts", "bench/run.ts", "tests/contract/real_world.ts", "lib/base/a.ts"]) {
    assert.deepEqual(
      faults(path, `AbortSignal.timeout(5)`),
      ["kith/abort-timeout: AbortSignal.timeout"],
      path,
    );
  }
});

Deno.test("console: is for programs alone", () => {
  const source = `console.log("x")`;
  for (const path of ["lib/cli/a.ts", "lib/platform/log.ts", "bench/run.ts", "tests/run.ts"]) {
    assert.deepEqual(rules(path, source), [], path);
  }
  for (const path of ["lib/base/a.ts", "lib/platform/clock.ts", "http_api/app.ts"]) {
    assert.deepEqual(rules(path, source), ["kith/console"], path);
  }
});

Deno.test("deno: is refused in pure layers, the runtime and mod.ts", () => {
  const sources = [`Deno.connect()`, `let a: Deno.Conn`, `const { openKv } = Deno`, `globalThis.Deno`];
  for (const source of sources) {
    for (const path of ["lib/base/a.ts", "lib/groups/a.ts", "lib/peer/peer.ts", "mod.ts"]) {
      assert.deepEqual(faults(path, source), ["kith/deno: Deno"], `${path}: ${source}`);
    }
    for (const path of ["lib/peer/defaults.ts", "transports/tcp.ts", "lib/cli/a.ts", "tests/a_test.ts"]) {
      assert.deepEqual(rules(path, source), [], `${path}: ${source}`);
    }
  }
  assert.deepEqual(rules("lib/base/a.ts", `"Deno is named here"; // and Deno here`), []);
});

Deno.test("pure: layers 0 to 2 do not wait", () => {
  const sources = [
    `async function f() {}`,
    `const f = async () => {};`,
    `const f = { async g() {} };`,
    `class A { async m() {} }`,
    `await x;`,
    `for await (const x of y) x;`,
    `let p: Promise<void>;`,
    `Promise.resolve(1);`,
  ];
  for (const source of sources) {
    assert.deepEqual(rules("lib/records/a.ts", source), ["kith/pure"], source);
    assert.deepEqual(rules("lib/peer/a.ts", source), [], source);
  }
  assert.deepEqual(rules("lib/base/ports.ts", `interface A { b(): Promise<void> }`), []);
});

Deno.test("function-length: 70 lines are allowed, 71 are not", () => {
  const body = (lines: number) => `function f() {\n${"  'ä';\n".repeat(lines - 2)}}`;
  assert.deepEqual(rules("lib/peer/a.ts", body(70)), []);
  assert.deepEqual(rules("lib/peer/a.ts", body(71)), ["kith/function-length"]);
  assert.deepEqual(rules("lib/peer/a.ts", `class A {\n  m() {${"\n".repeat(70)}}\n}`), [
    "kith/function-length",
  ]);
  assert.deepEqual(rules("lib/peer/a.ts", `const f = () => {${"\n".repeat(70)}};`), ["kith/function-length"]);
  assert.deepEqual(rules("tests/unit/a_test.ts", body(200)), []);
  assert.deepEqual(rules("bench/run.ts", body(200)), []);
});

Deno.test("swallowed-error: an empty handler needs a reason", () => {
  assert.deepEqual(rules("lib/peer/a.ts", `try { f(); } catch {}`), ["kith/swallowed-error"]);
  assert.deepEqual(rules("lib/peer/a.ts", `try { f(); } catch (error) { }`), ["kith/swallowed-error"]);
  assert.deepEqual(rules("lib/peer/a.ts", `f().catch(() => {});`), ["kith/swallowed-error"]);
  assert.deepEqual(rules("lib/peer/a.ts", `f().catch(function () {});`), ["kith/swallowed-error"]);
  assert.deepEqual(rules("lib/peer/a.ts", `try { f(); } catch { /* it was closed already */ }`), []);
  assert.deepEqual(rules("lib/peer/a.ts", `try { f(); } catch { g(); }`), []);
  assert.deepEqual(rules("lib/peer/a.ts", `f().catch((error) => log(error));`), []);
});

Deno.test("unfinished: marks are refused in comments alone", () => {
  const word = ["TO", "DO"].join("");
  assert.deepEqual(rules("lib/peer/a.ts", `// ${word}: later\nf();`), ["kith/unfinished"]);
  assert.deepEqual(rules("tests/a_test.ts", `/** ${["FIX", "ME"].join("")} */\nf();`), ["kith/unfinished"]);
  assert.deepEqual(rules("lib/peer/a.ts", `f("${word}");`), []);
});

Deno.test("switched-off: tests run, or are skipped on a condition", () => {
  const refused = [
    `Deno.test.only("x", f);`,
    `Deno.test.ignore("x", f);`,
    `Deno.test({ name: "x", only: true, fn });`,
    `Deno.test({ name: "x", ignore: true, fn });`,
  ];
  for (const source of refused) {
    assert.deepEqual(rules("tests/a_test.ts", source), ["kith/switched-off"], source);
  }
  assert.deepEqual(rules("tests/a_test.ts", `Deno.test({ ignore: Deno.build.os === "windows", fn });`), []);
});

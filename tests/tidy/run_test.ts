import assert from "node:assert/strict";
import { outcomeOf, parseRequest, selectTests, wantsExamples } from "../run.ts";

const files = [
  "tests/unit/wire/codec_test.ts",
  "tests/unit/wire/helpers.ts",
  "tests/sim/slow_seeds_test.ts",
  "tests/sim/graph_test.ts",
];

Deno.test("selectTests() takes every test but the slow ones", () => {
  const expected = ["tests/sim/graph_test.ts", "tests/unit/wire/codec_test.ts"];
  assert.deepEqual(selectTests(files, parseRequest([])), expected);
  assert.deepEqual(selectTests(files, parseRequest(["--slow"])), ["tests/sim/slow_seeds_test.ts"]);
  assert.deepEqual(selectTests(files, parseRequest(["wire", "--filter=N01"])), [expected[1]]);
  assert.deepEqual(selectTests(files, parseRequest(["nothing"])), []);
});

Deno.test("parseRequest() keeps flags for deno test apart from words", () => {
  const request = parseRequest(["--slow", "unit", "--", "--filter=G01"]);
  assert.deepEqual(request, { slow: true, words: ["unit"], flags: ["--filter=G01"] });
});

Deno.test("wantsExamples() is true for a whole run and when asked", () => {
  assert.equal(wantsExamples(parseRequest([])), true);
  assert.equal(wantsExamples(parseRequest(["docs"])), true);
  assert.equal(wantsExamples(parseRequest(["unit"])), false);
  assert.equal(wantsExamples(parseRequest(["--slow"])), false);
});

Deno.test("outcomeOf() reads the closing line of deno test", () => {
  assert.deepEqual(outcomeOf("ok | 7 passed | 0 failed (328ms)\n", 0), { passed: 7, failed: 0 });
  assert.deepEqual(outcomeOf("ok | 1 passed (2 steps) | 0 failed | 3 ignored (1s)\n", 0), {
    passed: 1,
    failed: 0,
  });
  assert.deepEqual(outcomeOf("FAILED | 2 passed | 3 failed (1 step) (1s)\n", 1), { passed: 2, failed: 3 });
});

Deno.test("outcomeOf() does not believe what a test prints before the closing line", () => {
  const output = "ok | 90 passed | 0 failed\nFAILED | 1 passed | 2 failed (1s)\n";
  assert.deepEqual(outcomeOf(output, 1), { passed: 1, failed: 2 });
});

Deno.test("outcomeOf() counts a run that died as a failure", () => {
  assert.deepEqual(outcomeOf("error: Module not found\n", 1), { passed: 0, failed: 1 });
  assert.deepEqual(outcomeOf("ok | 7 passed | 0 failed (328ms)\n", 1), { passed: 7, failed: 1 });
});

Deno.test("sanitizers: a leaked timer and a leaked socket fail a test", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = { test: JSON.parse(await Deno.readTextFile("deno.json")).test };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${folder}/leak_test.ts`, leaks);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--no-lock", "--allow-net=127.0.0.1"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    assert.deepEqual(outcomeOf(new TextDecoder().decode(stdout), code), { passed: 1, failed: 2 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const leaks = `
Deno.test("tidy", () => {});
Deno.test("timer", () => void setTimeout(() => {}, 60_000));
Deno.test("socket", () => void Deno.listen({ hostname: "127.0.0.1", port: 0 }));
`;

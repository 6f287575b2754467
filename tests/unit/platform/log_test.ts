import assert from "node:assert/strict";
import { mock } from "node:test";
import { logLineCharsMax } from "../../../lib/platform/limits.ts";
import { consoleLog, logLine, silentLog } from "../../../lib/platform/log.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";

Deno.test("consoleLog() writes its level and graver ones to standard error", () => {
  const write = mock.method(console, "error", () => {});
  try {
    const log = consoleLog("warn", new VirtualClock());
    for (const level of ["debug", "info", "warn", "error"] as const) log[level](`a ${level}`, { port: 4000 });
    silentLog.error("nobody hears it");
    assert.deepEqual(write.mock.calls.map((call) => call.arguments), [
      ["2030-01-01T00:00:00.000Z warn a warn port=4000"],
      ["2030-01-01T00:00:00.000Z error a error port=4000"],
    ]);
  } finally {
    write.mock.restore();
  }
});

Deno.test("logLine() stays one bounded line whatever a peer put into it", () => {
  const line = logLine(0, "info", "from\nafar\u001b[31m\u2028\u202e", { text: "a\r\nb", none: null });
  assert.equal(
    line,
    '1970-01-01T00:00:00.000Z info from\ufffdafar\ufffd[31m\ufffd\ufffd text="a\\r\\nb" none=null',
  );
  assert.equal(logLine(0, "info", "x".repeat(10_000)).length, logLineCharsMax);
});

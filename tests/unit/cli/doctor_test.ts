/** What the doctor finds. */

import assert from "node:assert/strict";
import { clockFinding, denoFinding, type Finding } from "../../../lib/cli/doctor.ts";
import { VirtualClock } from "../../../lib/sim/virtual_clock.ts";
import { kithJson } from "./recorded_io.ts";

Deno.test("a Deno that is too old is wrong", () => {
  for (const old of ["1.46.3", "2.8.9", "2.9.5"]) assert.equal(denoFinding(old).result, "wrong", old);
  for (const good of ["2.9.6", "2.9.10", "2.10.0", "3.0.0", "2.9.6+abc"]) {
    assert.equal(denoFinding(good).result, "ok", good);
  }
});

Deno.test("a clock before Kith's time is wrong", () => {
  assert.equal(clockFinding(new VirtualClock({ wallMs: 0 })).result, "wrong");
  assert.equal(clockFinding(new VirtualClock({ wallMs: Date.UTC(2030, 0, 1) })).result, "ok");
});

Deno.test({
  name: "[X13] every lack has its remedy: here all permissions are missing",
  permissions: "none",
  async fn() {
    const findings = await kithJson(["doctor", "--store", "./x.kv"]) as readonly Finding[];
    const wrong = findings.filter(({ result }) => result === "wrong");
    assert.deepEqual(wrong.map(({ check }) => check), [
      "network",
      "read",
      "write",
      "tcp port",
      "udp port",
      "store",
    ]);
    for (const { message } of wrong) assert.match(message, /--allow-(net|read|write)/, message);
  },
});

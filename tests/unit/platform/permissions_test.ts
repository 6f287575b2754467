import assert from "node:assert/strict";
import { hasPermission, permissionFlag, requirePermission } from "../../../lib/platform/permissions.ts";

Deno.test("permissionFlag() names the flag with its scope", () => {
  const flags = ([
    { name: "net" },
    { name: "net", host: "127.0.0.1:4000" },
    { name: "read", path: "/data/x.kv" },
    { name: "sys", kind: "networkInterfaces" },
    { name: "env", variable: "NO_COLOR" },
  ] as const).map(permissionFlag);
  assert.deepEqual(flags, [
    "--allow-net",
    "--allow-net=127.0.0.1:4000",
    "--allow-read=/data/x.kv",
    "--allow-sys=networkInterfaces",
    "--allow-env=NO_COLOR",
  ]);
});

Deno.test({
  name: "requirePermission() passes what is granted and names the flag of what is not",
  permissions: { net: ["127.0.0.1"] },
  fn: async () => {
    await requirePermission({ name: "net", host: "127.0.0.1:4000" }, "listen");
    assert.equal(await hasPermission({ name: "net" }), false);
    await assert.rejects(requirePermission({ name: "read", path: "/data" }, "read the folder"), {
      code: "permission_denied",
      message: "Cannot read the folder: Deno was started without --allow-read=/data; add that flag",
    });
  },
});

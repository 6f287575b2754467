/** Command lines that are understood, and those that are not. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRequest } from "../../../lib/cli/args.ts";
import { commands } from "../../../lib/cli/commands.ts";
import { PeerError } from "../../../lib/base/errors.ts";
import { kith } from "./recorded_io.ts";

Deno.test("options may stand anywhere, and after -- nothing is one", () => {
  const lines = [
    ["--store", "a.kv", "record", "add", "note", "heron", "--json"],
    ["record", "--json", "add", "--store=a.kv", "note", "heron"],
    ["record", "add", "note", "--store", "a.kv", "--json", "--", "heron"],
  ];
  for (const line of lines) {
    const { command, args, options } = parseRequest(line, commands);
    assert.equal(command?.name, "record add");
    assert.deepEqual(args, ["note", "heron"]);
    assert.deepEqual([options.text("store"), options.has("json")], ["a.kv", true]);
  }
  assert.deepEqual(parseRequest(["record", "add", "note", "--", "--json"], commands).args, [
    "note",
    "--json",
  ]);
  assert.deepEqual(parseRequest(["record", "add", "note", "-"], commands).args, ["note", "-"]);
});

Deno.test("options that may be repeated keep their order", () => {
  const { options } = parseRequest(["run", "--bootstrap", "a:1", "--name=x", "--bootstrap", "b:2"], commands);
  assert.deepEqual(options.texts("bootstrap"), ["a:1", "b:2"]);
  assert.deepEqual(options.texts("name"), ["x"]);
  assert.deepEqual(options.texts("endpoint"), []);
});

const misunderstood: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["rnu"], /no command 'rnu'; did you mean 'run'\?.*kith help/],
  [["frobnicate"], /no command 'frobnicate'\. 'kith help' lists/],
  [["group"], /'group' needs a second word\. There are 'group create'/],
  [["group", "lst"], /no command 'group lst'; did you mean 'group list'\?/],
  [["group", "create"], /NAME is missing\. Write: kith group create NAME/],
  [["group", "create", "Field", "notes"], /'notes' is too much \(quote text with spaces\)/],
  [["group", "list", "--stor", "a.kv"], /no option '--stor'; did you mean '--store'\?/],
  [["record", "add", "note", "-5"], /Text that begins with a dash comes after --/],
  [["group", "list", "--store"], /--store needs a value: --store FILE/],
  [["group", "list", "--store="], /--store needs a value/],
  [["group", "list", "--store", "--json"], /--store needs a value; if it is '--json', write --store=--json/],
  [["group", "list", "--store", "a", "--store", "b"], /--store was given twice/],
  [["group", "list", "--json=yes"], /--json takes no value/],
  [["group", "list", "--uses", "2"], /'group list' takes no --uses\. See 'kith help group list'/],
  [["group", "invite", "--uses", "0"], /--uses must be a whole number from 1, not '0'/],
  [["group", "invite", "--uses", "1e3"], /--uses must be a whole number/],
  [["group", "invite", "--role", "founder"], /--role can be 'member', 'admin', not 'founder'/],
  [["group", "list"], /Name its store: --store FILE/],
  [["help", "group", "list", "me"], /'me' is too much/],
  [["run", "--admin", "127.0.0.1:0"], /--admin-file FILE/],
  [["run", "--admin", "127.0.0.1:0", "--no-admin"], /not both/],
  [["doctor", "--listen", "localhost"], /numeric address/],
];

Deno.test("what is not understood is said in one line with what to write, and the exit code is 2", async () => {
  for (const [args, message] of misunderstood) {
    const { code, out, err } = await kith(args.includes("--json=yes") ? args : [...args]);
    const said = [...out, ...err];
    assert.equal(code, 2, args.join(" "));
    assert.equal(said.length, 1, args.join(" "));
    assert.match(said[0]!, message);
  }
});

Deno.test("no command at all shows the help, and the exit code is 2", async () => {
  const { code, out } = await kith([]);
  assert.equal(code, 2);
  assert.match(out[0]!, /^Kith/);
});

Deno.test("with --json a failure is an object on standard output", async () => {
  const { code, out, err } = await kith(["group", "lst", "--json"]);
  assert.deepEqual([code, err.length, out.length], [2, 0, 1]);
  const { error } = JSON.parse(out[0]!);
  assert.equal(error.code, "bad_usage");
  assert.match(error.message, /did you mean/);
});

Deno.test("no command line makes the parser throw anything but bad_usage", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "run",
      "group",
      "list",
      "add",
      "--store",
      "--",
      "-",
      "--json",
      "--uses",
      "--no-admin",
      "-h",
      "-x",
    ),
    fc.constantFrom("--__proto__", "--constructor=1", "--=", "=", "", "--store=", "---", "--no-json"),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (line) => {
      try {
        parseRequest(line, commands);
      } catch (error) {
        assert.ok(error instanceof PeerError && error.code === "bad_usage", String(error));
      }
    }),
    { seed: 20260302, numRuns: 5_000 },
  );
});

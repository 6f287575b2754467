/** The help. */

import assert from "node:assert/strict";
import { parseRequest } from "../../../lib/cli/args.ts";
import { commands, helpText } from "../../../lib/cli/commands.ts";
import { optionSpecs } from "../../../lib/cli/options.ts";
import { kith } from "./recorded_io.ts";

Deno.test("every help fits 80 columns and says how to write the command", () => {
  const texts = [helpText([]), helpText(["group"]), ...commands.map(({ name }) => helpText(name.split(" ")))];
  for (const text of texts) {
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  }
  for (const command of commands) {
    assert.ok(helpText([]).includes(command.name));
    const text = helpText(command.name.split(" "));
    for (const example of command.examples) assert.ok(text.includes(`kith ${example}`));
  }
});

Deno.test("every example is understood, and every option belongs to a command", () => {
  for (const { name, examples } of commands) {
    assert.ok(examples.length > 0, name);
    for (const example of examples) {
      const words = [...example.matchAll(/"([^"]*)"|'([^']*)'|([^\s<]+)(?=\s|$)/g)].map(([, a, b, c]) =>
        a ?? b ?? c!
      );
      const line = example.includes("<") ? words.slice(0, -1) : words;
      assert.equal(parseRequest(line, commands).command?.name, name, example);
    }
  }
  const used = new Set(commands.flatMap(({ options }) => options));
  for (const name of Object.keys(optionSpecs)) {
    assert.ok((used as ReadonlySet<string>).has(name) || name === "json" || name === "help", name);
  }
});

Deno.test("help is shown by the command help, by --help and by -h", async () => {
  const wanted = helpText(["group", "invite"]).split("\n");
  for (
    const args of [["help", "group", "invite"], ["group", "invite", "--help"], ["-h", "group", "invite"]]
  ) {
    assert.deepEqual(await kith(args), { code: 0, out: wanted, err: [] });
  }
  assert.deepEqual((await kith(["--help"])).code, 0);
  assert.deepEqual((await kith(["help", "nothing"])).code, 2);
});

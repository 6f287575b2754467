/** What hand-written documents refer to must be there. */
import assert from "node:assert/strict";
import { listFiles } from "./sources.ts";

async function documents(): Promise<readonly string[]> {
  const generated = ["docs/LIMITS.md", "docs/PARITY.md"];
  const docs = await listFiles("docs", (path) => path.endsWith(".md") && !generated.includes(path));
  const top = await Array.fromAsync(Deno.readDir("."), (entry) => entry.name);
  return [...top.filter((name) => name.endsWith(".md")), ...docs];
}

Deno.test("documents name only files and folders that exist", async () => {
  const missing: string[] = [];
  for (const document of await documents()) {
    const text = await Deno.readTextFile(document);
    for (
      const [, path = ""] of text.matchAll(/`((?:lib|transports|http_api|tests|bench|docs|\.ci)\/[\w./]*)`/g)
    ) {
      if (!await exists(path)) missing.push(`${document}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("documents link only to documents that exist", async () => {
  const missing: string[] = [];
  for (const document of await documents()) {
    const text = await Deno.readTextFile(document);
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      const path = new URL(target, `file:///${document}`).pathname.slice(1);
      if (!await exists(path)) missing.push(`${document}: ${target}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every package has a line of reason in docs/ARCHITECTURE.md", async () => {
  const text = await Deno.readTextFile("docs/ARCHITECTURE.md");
  const { imports } = JSON.parse(await Deno.readTextFile("deno.json")) as { imports: Record<string, string> };
  const packages = Object.values(imports)
    .map((target) => /^npm:(@?[^@]+)@/.exec(target)?.[1])
    .filter((name) => name !== undefined);
  assert.ok(packages.length > 0);
  assert.deepEqual(packages.filter((name) => !text.includes(`\`${name}\``)), []);
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

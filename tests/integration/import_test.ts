/** What an import of Kith brings along: few packages, nothing native, nothing of the admin API. */

import assert from "node:assert/strict";
import { listFiles } from "../tidy/sources.ts";

/** The part of `deno info --json` that is read here. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly kind: string;
    readonly specifier: string;
    readonly npmPackage?: string;
    readonly dependencies?: readonly { readonly specifier: string; readonly isDynamic?: boolean }[];
  }[];
  /** Every package of the lock file, in the graph or not. */
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  /** Where it lies in Deno's cache. */
  readonly localPath: string;
}

/** The aim is six packages; a package more is a decision, and this number is where it shows. */
const packagesMax = 6;

const entries: readonly string[] = ["mod.ts", "lib/sim/mod.ts"];
const notBehindThem: readonly string[] = ["hono", "@hono/zod-openapi", "zod", "fast-check"];

for (const entry of entries) {
  Deno.test(`${entry} brings at most ${packagesMax} packages, and none of the admin API`, async () => {
    const graph = await graphOf(entry);
    const names = packagesBehind(graph).map(({ name }) => name);
    assert.ok(names.length <= packagesMax, names.join());
    assert.deepEqual(names.filter((name) => notBehindThem.includes(name)), []);
  });

  Deno.test(`${entry} brings no native file`, async () => {
    const isNative = (path: string) => /\.(?:node|so|dylib|dll|wasm)$/.test(path);
    for (const { localPath } of packagesBehind(await graphOf(entry))) {
      assert.ok((await listFiles(localPath, () => true)).length > 0, localPath);
      assert.deepEqual(await listFiles(localPath, isNative), []);
    }
  });

  Deno.test(`${entry} imports its own files alone, and none of them late`, async () => {
    const { modules } = await graphOf(entry);
    const foreign = modules.filter(({ kind, specifier }) => kind === "esm" && !specifier.startsWith("file:"));
    assert.deepEqual(foreign.map(({ specifier }) => specifier), []);
    const dynamic = modules.flatMap(({ dependencies = [] }) => dependencies.filter((one) => one.isDynamic));
    assert.deepEqual(dynamic.map(({ specifier }) => specifier), []);
    const others = modules.filter(({ specifier }) => /\/(?:http_api|lib\/cli|tests|bench)\//.test(specifier));
    assert.deepEqual(others.map(({ specifier }) => specifier), []);
  });

  Deno.test(`${entry} runs from a fresh cache that holds its packages alone`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "kith-import-" });
    try {
      const packages = packagesBehind(await graphOf(entry));
      for (const { localPath } of packages) await copyPackage(localPath, folder);
      // As in a program that uses Kith: its configuration names none of our other packages.
      const imports = Object.fromEntries(
        packages.map(({ name, version }) => [name, `npm:${name}@${version}`]),
      );
      await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports, unstable: ["kv", "net"] }));
      const source = `console.log(Object.keys(await import("${
        import.meta.resolve(`../../${entry}`)
      }")).join())`;
      const args = ["eval", "--cached-only", "--no-lock", `--config=${folder}/deno.json`, source];
      assert.match(await deno(args, { DENO_DIR: folder }), /\bPeerError\b/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("what stands behind an entry is found: the admin API has more packages, and Hono among them", async () => {
  const names = packagesBehind(await graphOf("http_api/mod.ts")).map(({ name }) => name);
  assert.ok(names.length > packagesMax && names.includes("hono") && names.includes("zod"), names.join());
  assert.ok(packagesBehind(await graphOf("mod.ts")).some(({ name }) => name === "cborg"));
});

const graphs = new Map<string, Promise<ModuleGraph>>();

function graphOf(entry: string): Promise<ModuleGraph> {
  const known = graphs.get(entry) ?? deno(["info", "--json", entry]).then(JSON.parse);
  graphs.set(entry, known);
  return known;
}

/** The packages that the modules of a graph import, and those that these depend on. */
function packagesBehind({ modules, npmPackages }: ModuleGraph): readonly NpmPackage[] {
  const found = new Set<string>();
  const visit = (id: string): void => {
    if (found.has(id)) return;
    found.add(id);
    npmPackages[id]!.dependencies.forEach(visit);
  };
  for (const { npmPackage } of modules) if (npmPackage !== undefined) visit(npmPackage);
  return [...found].map((id) => npmPackages[id]!);
}

/** Copies a package into another cache, with what the cache knows about its versions. */
async function copyPackage(localPath: string, cache: string): Promise<void> {
  const inCache = localPath.slice(localPath.lastIndexOf("/npm/"));
  for (const path of await listFiles(localPath, () => true)) {
    await copyFile(path, `${cache}${inCache}${path.slice(localPath.length)}`);
  }
  const [versions, copied] = [`${localPath}/../registry.json`, `${cache}${inCache}/../registry.json`];
  await copyFile(versions, copied);
}

async function copyFile(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(from, to);
}

async function deno(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    stdin: "null",
    env: { NO_COLOR: "1", ...env },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

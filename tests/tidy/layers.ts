/**
 * The layers of the code: who may import whom, which package has its place where, and which files
 * are pure. Data and pure functions; `lint_plugin.ts` turns them into lint rules.
 */

/** One layer: a folder, or `mod.ts`. */
export type Layer =
  | "base"
  | "wire"
  | "identity"
  | "names"
  | "records"
  | "graph"
  | "groups"
  | "platform"
  | "storage"
  | "transports"
  | "peer"
  | "mod"
  | "sim"
  | "http_api"
  | "cli"
  | "tests"
  | "bench";

const folders: readonly (readonly [prefix: string, layer: Layer])[] = [
  ["lib/base/", "base"],
  ["lib/wire/", "wire"],
  ["lib/identity/", "identity"],
  ["lib/names/", "names"],
  ["lib/records/", "records"],
  ["lib/graph/", "graph"],
  ["lib/groups/", "groups"],
  ["lib/platform/", "platform"],
  ["lib/storage/", "storage"],
  ["transports/", "transports"],
  ["lib/peer/", "peer"],
  ["mod.ts", "mod"],
  ["lib/sim/", "sim"],
  ["http_api/", "http_api"],
  ["lib/cli/", "cli"],
  ["tests/", "tests"],
  ["bench/", "bench"],
];

const pure: readonly Layer[] = ["base", "wire", "identity", "names", "records", "graph", "groups"];
const adapters: readonly Layer[] = ["platform", "storage", "transports"];
const ground: readonly Layer[] = ["base", "wire", "identity"];
const belowPeer: readonly Layer[] = [...pure, ...adapters];
const product: readonly Layer[] = [...belowPeer, "peer", "mod", "sim", "http_api", "cli"];

/** What each layer may import besides itself. */
const reach: Readonly<Record<Layer, readonly Layer[]>> = {
  base: [],
  wire: ["base"],
  identity: ["base", "wire"],
  names: ground,
  records: ground,
  graph: [...ground, "records"],
  groups: [...ground, "records", "graph"],
  platform: ground,
  storage: ground,
  transports: ground,
  peer: belowPeer,
  mod: [...belowPeer, "peer"],
  sim: [...belowPeer, "peer"],
  "http_api": [...belowPeer, "peer", "mod"],
  cli: product,
  tests: [...product, "bench"],
  bench: [...product, "tests"],
};

/** Packages and the one place of the product that may import each. Tests and benchmarks are free. */
const places: readonly (readonly [package_: string, prefix: string])[] = [
  ["cborg", "lib/wire/codec.ts"],
  ["@hono/hono", "http_api/"],
  ["@hono/zod-openapi", "http_api/"],
  ["zod", "http_api/"],
  ["@opentelemetry/api", "lib/peer/telemetry.ts"],
];

/** Our own entry points by the names under which they are published. */
const entryPoints: ReadonlyMap<string, string> = new Map([
  ["@kith/peer", "mod.ts"],
  ["@kith/peer/http-api", "http_api/mod.ts"],
  ["@kith/peer/testing", "lib/sim/mod.ts"],
  ["@kith/peer/cli", "lib/cli/mod.ts"],
]);

/** The layer of a file, by its path from the root of the checkout; `null` outside all of them. */
export function layerOf(path: string): Layer | null {
  return folders.find(([prefix]) => path.startsWith(prefix))?.[1] ?? null;
}

/** Whether the file stands in layers 0 to 2: no clock, chance, timer, `async`, `Deno` or package. */
export function isPure(path: string): boolean {
  const layer = layerOf(path);
  return layer !== null && pure.includes(layer);
}

/** Whether the file belongs to tests or benchmarks. */
export function isTrial(path: string): boolean {
  return path.startsWith("tests/") || path.startsWith("bench/");
}

/** Why the file may not import that specifier, or `null` if it may. */
export function importFault(path: string, specifier: string): string | null {
  const layer = layerOf(path);
  if (layer === null) return null;
  const target = targetOf(path, specifier);
  return target === null ? packageFault(path, specifier) : layerFault(layer, target);
}

function layerFault(layer: Layer, target: string): string | null {
  const other = layerOf(target);
  if (other === null) return `'${target}' stands in no layer`;
  if (other === layer || reach[layer].includes(other)) return null;
  return `Layer '${layer}' may not import layer '${other}'`;
}

function packageFault(path: string, specifier: string): string | null {
  if (isTrial(path)) return null;
  if (specifier.startsWith("node:")) {
    return isPure(path) ? `A pure layer may not import '${specifier}': ask a port for it` : null;
  }
  const place = places.find(([name]) => specifier === name || specifier.startsWith(`${name}/`));
  if (place === undefined) return `Package '${specifier}' has no place in tests/tidy/layers.ts`;
  return path.startsWith(place[1]) ? null : `Package '${place[0]}' has its place in '${place[1]}' alone`;
}

/** The file behind a specifier from the root of the checkout; `null` for packages. */
function targetOf(path: string, specifier: string): string | null {
  const entry = entryPoints.get(specifier);
  if (entry !== undefined) return entry;
  if (!specifier.startsWith(".")) return null;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

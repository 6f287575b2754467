/**
 * Runs the benchmarks.
 *
 * ```text
 * deno task bench                    all
 * deno task bench codec store        those whose name begins with one of the words
 * deno task bench --json flood       the table goes to stderr, one JSON object to the last line of stdout
 * deno task bench:smoke              each once, with tiny input: shows that they still run
 * ```
 */

import {
  type Bench,
  fullScale,
  jsonReport,
  type Result,
  type Scale,
  smokeScale,
  tableReport,
} from "./measure.ts";
import { codecBench } from "./micro/codec_bench.ts";
import { handshakeBench } from "./micro/handshake_bench.ts";
import { signatureBench } from "./micro/signature_bench.ts";
import { storeBench } from "./micro/store_bench.ts";
import { firstRecordBench } from "./protocol/first_record_bench.ts";
import { floodBench } from "./protocol/flood_bench.ts";
import { replicationBench } from "./protocol/replication_bench.ts";
import { resolveBench } from "./protocol/resolve_bench.ts";
import { crowdBench } from "./sim/crowd_bench.ts";
import { scaleBench } from "./sim/scale_bench.ts";

/** All benchmarks, the cheap ones first. */
export const benches: readonly Bench[] = [
  codecBench,
  signatureBench,
  handshakeBench,
  storeBench,
  scaleBench,
  crowdBench,
  resolveBench,
  replicationBench,
  floodBench,
  firstRecordBench,
];

/** What the command line asks for. */
export interface Request {
  readonly scale: Scale;
  readonly json: boolean;
  readonly benches: readonly Bench[];
}

/** Reads the command line; a text that says what is wrong with it. */
export function parseRequest(args: readonly string[]): Request | string {
  const flags = args.filter((arg) => arg.startsWith("-") && arg !== "--");
  const unknownFlag = flags.find((flag) => flag !== "--json" && flag !== "--smoke");
  if (unknownFlag !== undefined) return `There is no option "${unknownFlag}": there are --json and --smoke`;
  const words = args.filter((arg) => !arg.startsWith("-"));
  const unknown = words.find((word) => !benches.some(({ name }) => name.startsWith(word)));
  if (unknown !== undefined) {
    return `There is no benchmark "${unknown}": there are ${benches.map(({ name }) => name).join(", ")}`;
  }
  return {
    scale: flags.includes("--smoke") ? smokeScale : fullScale,
    json: flags.includes("--json"),
    benches: benches.filter(({ name }) => words.length === 0 || words.some((word) => name.startsWith(word))),
  };
}

async function main(): Promise<number> {
  const request = parseRequest(Deno.args);
  if (typeof request === "string") {
    console.error(request);
    return 2;
  }
  const results: Result[] = [];
  for (const bench of request.benches) {
    console.error(`${bench.name} …`);
    results.push(...await bench.run(request.scale));
  }
  console.error(`\n${tableReport(results)}`);
  if (request.json) console.log(jsonReport(results));
  return 0;
}

if (import.meta.main) Deno.exit(await main());

/** Writes the generated documents; `--parity` writes `docs/PARITY.md` alone and sums it up. */
import { limitsDoc } from "./limits_doc.ts";
import { parityDoc } from "./parity_doc.ts";
import { protocolDoc } from "./protocol_doc.ts";
import { simulationDoc } from "./simulation_doc.ts";

/** A document and what should stand in it. */
export interface GeneratedDoc {
  readonly path: string;
  readonly text: string;
}

/** All generated documents as they should be now. */
export async function generatedDocs(): Promise<readonly GeneratedDoc[]> {
  return [
    { path: "docs/LIMITS.md", text: await limitsDoc() },
    { path: "docs/PARITY.md", text: (await parityDoc()).text },
    { path: "docs/PROTOCOL.md", text: await protocolDoc() },
    { path: "docs/SIMULATION.md", text: await simulationDoc() },
  ];
}

if (import.meta.main) {
  const { text, summary } = await parityDoc();
  const all = Deno.args.includes("--parity") ? [{ path: "docs/PARITY.md", text }] : await generatedDocs();
  for (const { path, text } of all) await Deno.writeTextFile(path, text);
  console.log(summary);
}

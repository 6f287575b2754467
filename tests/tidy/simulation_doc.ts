/** Writes the tables of `docs/SIMULATION.md`, each between its two markers, from the code. */
import { invariants } from "../../lib/sim/invariants.ts";
import { faults } from "../../lib/sim/storm.ts";
import { replaceTable } from "./protocol_doc.ts";

/** The text of `docs/SIMULATION.md` with its tables as the code has them now. */
export async function simulationDoc(): Promise<string> {
  const text = await Deno.readTextFile("docs/SIMULATION.md");
  const rows = invariants.map(({ id, claim, heldBy }) => [id, claim, heldBy]);
  const withFaults = replaceTable(text, "faults", table(["fault", "what it does"], Object.entries(faults)));
  return replaceTable(withFaults, "invariants", table(["", "what holds", "held by"], rows));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}

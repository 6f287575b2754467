/** Writes `docs/PARITY.md` from the rows and from the names of the tests that bear their ids. */
import { parityAreas, type ParityRow } from "./parity_rows.ts";
import { cell, listFiles } from "./sources.ts";

/** A test whose name bears ids of rows. */
export interface ProvingTest {
  readonly ids: readonly string[];
  readonly name: string;
  readonly file: string;
}

/** The text of `docs/PARITY.md` and one line that sums it up. */
export async function parityDoc(): Promise<{ readonly text: string; readonly summary: string }> {
  const tests = await provingTests();
  const rows = parityAreas.flatMap((area) => area.rows);
  const proven = rows.filter((row) => testsOf(row, tests).length > 0).length;
  const absent = rows.filter((row) => testsOf(row, tests).length === 0 && row.absent !== undefined).length;
  const open = rows.length - proven - absent;
  const summary =
    `${rows.length} rows: ${proven} have tests, ${open} not yet, ${absent} are left out on purpose`;
  const sections = parityAreas.map(({ title, rows }) => {
    const lines = rows.map((row) => rowText(row, testsOf(row, tests)));
    return `## ${title}\n\n| row | from | what a test shows | tests |\n| --- | --- | --- | --- |\n${
      lines.join("\n")
    }\n`;
  });
  return { text: `${head}\n${summary}.\n\n${sections.join("\n")}`, summary };
}

const head = `# Parity

What the Windows Peer-to-Peer Infrastructure could do (_kept_) and what its users missed (_mended_), row by row, with the
tests whose names bear the row. Written by \`deno task parity\`; rows stand in \`tests/tidy/parity_rows.ts\`. A row with a test
is proven as far as that test goes: read it.
`;

/** All tests that bear ids of rows. Throws if a test bears an id that is no row. */
export async function provingTests(): Promise<readonly ProvingTest[]> {
  const files = await listFiles("tests", (path) => path.endsWith(".ts") && !path.startsWith("tests/tidy/"));
  const tests: ProvingTest[] = [];
  for (const file of files) {
    for (const name of bracketedNames(await Deno.readTextFile(file))) {
      tests.push({ ids: idsOf(name), name, file });
    }
  }
  const known = new Set(parityAreas.flatMap((area) => area.rows.map((row) => row.id)));
  const stray = tests.find((test) => !test.ids.every((id) => known.has(id)));
  if (stray !== undefined) {
    throw new Error(`'${stray.name}' in ${stray.file} names a row that does not exist`);
  }
  return tests;
}

/** The texts in quotes of a source that bear ids in brackets, each once; comments do not count. */
export function bracketedNames(source: string): readonly string[] {
  const names = new Set<string>();
  for (const line of source.split("\n")) {
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue;
    for (const [, , text = ""] of line.matchAll(/(["'`])((?:\\.|(?!\1).)*)\1/g)) {
      if (idsOf(text).length > 0) names.add(text);
    }
  }
  return [...names];
}

/** The ids in the brackets of a name: `[N01]`, `[N01][N02]` or `[N01, N02]`. */
export function idsOf(name: string): readonly string[] {
  const ids = String.raw`[NDGRISCX]\d\d`;
  const brackets = name.matchAll(new RegExp(String.raw`\[(${ids}(?:,? ${ids})*)\]`, "g"));
  return [...brackets].flatMap(([, inside = ""]) => inside.split(/,? /));
}

function testsOf(row: ParityRow, tests: readonly ProvingTest[]): readonly ProvingTest[] {
  return tests.filter((test) => test.ids.includes(row.id));
}

function rowText({ id, origin, claim, absent }: ParityRow, tests: readonly ProvingTest[]): string {
  const proofs = tests.map(({ name, file }) => `${cell(name)} (\`${file.slice("tests/".length)}\`)`);
  const proof = proofs.length > 0 ? proofs.join("<br>") : absent ?? "not yet";
  return `| ${id} | ${origin} | ${cell(claim)} | ${proof} |`;
}

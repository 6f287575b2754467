/** Reads constants with their comments out of source text, and lists files: what generators share. */

/** A constant or an entry of one: its name, its value as written, and its comment on one line. */
export interface Documented {
  readonly name: string;
  readonly value: string;
  readonly comment: string;
}

const comment = String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*`;

/** The exported constants of a file, in order. Throws if one has no comment. */
export function documentedConstants(source: string): readonly Documented[] {
  const documented = new RegExp(String.raw`${comment}export const (\w+)(?::[^=]+)? =\s*([^;]+);`, "g");
  const found = [...source.matchAll(documented)].map(documentedOf);
  const count = [...source.matchAll(/^export const /gm)].length;
  if (found.length !== count) throw new Error(`${count - found.length} constants have no doc comment`);
  return found;
}

/** The entries of `export const name = { … } as const`, in order. Throws if one has no comment. */
export function documentedEntries(source: string, name: string): readonly Documented[] {
  const body = new RegExp(String.raw`export const ${name} = \{\n([\s\S]*?)\n\} as const`).exec(source)?.[1];
  if (body === undefined) throw new Error(`There is no constant object '${name}'`);
  const documented = new RegExp(String.raw`${comment}(\w+):\s*([^\n]+?),?(?:\n|$)`, "g");
  const found = [...body.matchAll(documented)].map(documentedOf);
  const count = [...body.matchAll(/^ {2}\w+:/gm)].length;
  if (found.length !== count) throw new Error(`${count - found.length} of '${name}' have no doc comment`);
  return found;
}

/** All files below a folder whose path passes, in order; none if there is no such folder. */
export async function listFiles(
  folder: string,
  passes: (path: string) => boolean,
): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await listFiles(path, passes));
    else if (passes(path)) files.push(path);
  }
  return files.toSorted();
}

/** Text for a cell of a Markdown table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function documentedOf(match: RegExpExecArray): Documented {
  const [, text = "", name = "", value = ""] = match;
  const plain = text.replaceAll(/\n\s*\* ?/g, " ").replaceAll(/\{@linkcode ([^}|]*)(?:\|[^}]*)?\}/g, "`$1`");
  return { name, value: value.trim(), comment: plain.trim() };
}

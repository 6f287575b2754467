/** Writes the tables of `docs/PROTOCOL.md`, each between its two markers, from the code. */
import { cell, documentedEntries } from "./sources.ts";

/** A table of a constant whose entries have comments. */
interface CommentTable {
  readonly name: string;
  readonly file: string;
  readonly constant: string;
  readonly columns: readonly [name: string, value: string, meaning: string];
}

/** A table of numbered messages; their fields are described here, and none may be missing. */
interface MessageTable {
  readonly name: string;
  readonly file: string;
  readonly constant: string;
  /** By the name of the message. */
  readonly fields: Readonly<Record<string, string>>;
}

const commentTables: readonly CommentTable[] = [
  {
    name: "purposes",
    file: "lib/wire/purposes.ts",
    constant: "Purpose",
    columns: ["purpose", "on the wire", "what is signed"],
  },
  {
    name: "item-kinds",
    file: "lib/records/item.ts",
    constant: "ItemKind",
    columns: ["item", "kind", "what it says"],
  },
  {
    name: "graph-messages",
    file: "lib/graph/messages.ts",
    constant: "GraphMessageType",
    columns: ["message", "kind", "what it says"],
  },
  {
    name: "roles",
    file: "lib/groups/roles.ts",
    constant: "RoleBit",
    columns: ["role", "bit", "what it allows"],
  },
];

const messageTables: readonly MessageTable[] = [
  {
    name: "link-messages",
    file: "lib/peer/link_messages.ts",
    constant: "Kind",
    fields: {
      hello: "version, endpoints where the sender accepts links, its wall clock, its program as text",
      ping: "",
      pong: "",
      open: "channel number, tag (16 bytes)",
      answer: "channel number, 0 ok, 1 unknown or 2 refused",
      close: "channel number",
      data: "channel number, bytes",
      bye: "reason: 0 closed, 1 duplicate, 2 too many",
    },
  },
  {
    name: "datagrams",
    file: "lib/names/datagram.ts",
    constant: "PacketType",
    fields: {
      hello: "sender's contact key (32), nonce (16), zeros up to 96 bytes in all",
      key: "the answer to a hello: its nonce (16), contact key (32), token (16)",
      token: "the answer to a request without a good token: its nonce (12), token (16)",
      request: "sender's contact key (32), token (16), nonce (12), ciphertext",
      response: "the same as a request; its token is for the receiver's next one",
    },
  },
  {
    name: "cloud-messages",
    file: "lib/names/messages.ts",
    constant: "Type",
    fields: {
      ping: "",
      find: "target, offset of the registrations wanted or `null`",
      store: "registration",
      inquire: "name key, part: 0 the registration, others the payload",
      pong: "",
      found:
        "hints (contact key and addresses), registrations with the address they came from, how many are held",
      stored: "0 kept, 1 older, 2 full, 3 too far, 4 refused",
      answer: "registration or `null`, bytes of the payload or `null`",
    },
  },
];

/** The text of `docs/PROTOCOL.md` with its tables as the code has them now. */
export async function protocolDoc(): Promise<string> {
  let text = await Deno.readTextFile("docs/PROTOCOL.md");
  for (const table of commentTables) text = replaceTable(text, table.name, await commentTable(table));
  for (const table of messageTables) text = replaceTable(text, table.name, await messageTable(table));
  return replaceTable(text, "error-codes", await errorTable());
}

/** Puts a table between its markers. Throws unless both stand there once. */
export function replaceTable(text: string, name: string, table: string): string {
  const [before, rest, ...more] = text.split(`<!-- generated:${name} -->\n`);
  const end = rest?.indexOf("<!-- end -->") ?? -1;
  if (before === undefined || rest === undefined || more.length > 0 || end < 0) {
    throw new Error(`The document has no place for the table '${name}'`);
  }
  const guarded = `<!-- deno-fmt-ignore-start -->\n${table}<!-- deno-fmt-ignore-end -->\n`;
  return `${before}<!-- generated:${name} -->\n${guarded}${rest.slice(end)}`;
}

async function messageTable({ file, constant, fields }: MessageTable): Promise<string> {
  const numbers = numberedEntries(await Deno.readTextFile(file), constant);
  const missing = numbers.filter(([name]) => fields[name] === undefined).map(([name]) => name);
  if (missing.length > 0) {
    throw new Error(`${file} has messages without a description: ${missing.join(", ")}`);
  }
  const rows = numbers.map(([name, number]) => [number, name, cell(fields[name] ?? "")] as const);
  return markdownTable(["kind", "message", "fields after it"], rows);
}

/** Names and numbers of `const name = { … } as const`, in order of the numbers. */
export function numberedEntries(source: string, name: string): readonly (readonly [string, string])[] {
  const body = new RegExp(String.raw`const ${name} = \{([^}]*)\} as const`).exec(source)?.[1];
  if (body === undefined) throw new Error(`There is no constant object '${name}'`);
  return [...body.matchAll(/(\w+):\s*(\d+)/g)]
    .map(([, entry = "", number = ""]) => [entry, number] as const)
    .toSorted((a, b) => Number(a[1]) - Number(b[1]));
}

async function commentTable({ file, constant, columns }: CommentTable): Promise<string> {
  const entries = documentedEntries(await Deno.readTextFile(file), constant);
  const rows = entries.map(({ name, value, comment }) =>
    [`\`${name}\``, value.replaceAll('"', "`"), cell(comment)] as const
  );
  return markdownTable(columns, rows);
}

async function errorTable(): Promise<string> {
  const source = await Deno.readTextFile("lib/base/errors.ts");
  const body = /export const errorCodes = \{\n([\s\S]*?)\n\} as const/.exec(source)?.[1] ?? "";
  const rows = [...body.matchAll(/^ {2}(\w+):\s*"([^"]*)"/gm)]
    .map(([, code = "", meaning = ""]) => [`\`${code}\``, cell(meaning)] as const);
  return markdownTable(["code", "meaning"], rows);
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("");
}

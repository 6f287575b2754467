/** The options of all commands, each with one meaning wherever it is taken. */

/** What an option takes and does. */
export interface OptionSpec {
  /** What its value is called in the help; `null` for a switch. */
  readonly value: string | null;
  /** Whether it may be given several times. */
  readonly isMany?: boolean;
  /** A whole number of at least this. */
  readonly min?: number;
  readonly choices?: readonly string[];
  readonly text: string;
}

/** The name of an option. */
export type OptionName =
  | "store"
  | "admin-file"
  | "json"
  | "help"
  | "passphrase-file"
  | "identity"
  | "listen"
  | "bootstrap"
  | "admin"
  | "no-admin"
  | "name"
  | "verbose"
  | "group"
  | "role"
  | "uses"
  | "hours"
  | "endpoint"
  | "timeout"
  | "type"
  | "as"
  | "max"
  | "comment"
  | "payload"
  | "keep";

/** All of them. */
export const optionSpecs: Readonly<Record<OptionName, OptionSpec>> = {
  store: { value: "FILE", text: "the store of the peer, as ./alice.kv" },
  "admin-file": { value: "FILE", text: "where a running peer says how to reach it (default: FILE.admin)" },
  json: { value: null, text: "print one JSON object a line" },
  help: { value: null, text: "show the help of the command" },
  "passphrase-file": { value: "FILE", text: "file with the passphrase that seals the keys" },
  identity: { value: "NAME", text: "name or peer id of the identity to run as" },
  listen: { value: "HOST:PORT", text: "where to accept peers (default 127.0.0.1:0: any port)" },
  bootstrap: { value: "HOST:PORT", isMany: true, text: "a peer to ask for names first; may be repeated" },
  admin: { value: "HOST:PORT", text: "where the admin API listens (default 127.0.0.1:0)" },
  "no-admin": { value: null, text: "no admin API: other commands cannot reach this peer" },
  name: { value: "NAME", isMany: true, text: "a peer name to publish while running; may be repeated" },
  verbose: { value: null, text: "say more about what is going on" },
  group: { value: "ID", text: "id or name of the group (default: the only one)" },
  role: {
    value: "ROLE",
    choices: ["member", "admin"],
    text: "what the joiner becomes: member (default) or admin",
  },
  uses: { value: "N", min: 1, text: "how many may join by it (default 1)" },
  hours: { value: "N", min: 1, text: "how long it holds, in hours" },
  endpoint: { value: "HOST:PORT", isMany: true, text: "an address to try or to publish; may be repeated" },
  timeout: { value: "SECONDS", min: 1, text: "how long to wait (default 30)" },
  type: { value: "TYPE", text: "only records of this type" },
  as: {
    value: "KIND",
    choices: ["text", "json", "bytes"],
    text: "what VALUE is: text (default), json or bytes",
  },
  max: { value: "N", min: 1, text: "how many publishers are enough" },
  comment: { value: "TEXT", text: "a remark for whoever resolves the name" },
  payload: { value: "TEXT", text: "text that resolvers fetch from this peer" },
  keep: { value: null, text: "let the peers run on until Ctrl-C" },
};

/** The options that were given. */
export class Options {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** Takes values that fit their specs; a switch that is on has one value, whatever it says. */
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** The names of what was given. */
  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** Whether a switch is on. */
  has(name: OptionName): boolean {
    return this.#values.has(name);
  }

  /** The value, or `undefined`. */
  text(name: OptionName): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** All values of an option that may be repeated. */
  texts(name: OptionName): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value as a number, or `undefined`. */
  number(name: OptionName): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }
}

/** What the demo asks of its peers: one JSON line on stdin for each request, one on stdout for each answer. */

/** A record to write. Values that are not text travel as base 64. */
export interface DemoRecord {
  readonly type: string;
  readonly value: string | { readonly base64: string };
  readonly attributes?: { readonly [name: string]: number };
  readonly lifeMs?: number;
}

/** What a peer tells of itself when it is open. */
export interface DemoPeerInfo {
  /** Peer id. */
  readonly id: string;
  /** Where it accepts links, as `tcp://127.0.0.1:4000`. */
  readonly endpoint: string;
  /** Where it answers name queries, as `127.0.0.1:4000`. */
  readonly nameAddress: string;
  /** Groups that its store holds. */
  readonly groups: number;
}

/** How a peer's group is doing. */
export interface DemoGroupInfo {
  readonly id: string;
  readonly state: string;
  /** Peer ids of the members. */
  readonly members: readonly string[];
  /** Peer ids and addresses of the linked nodes. */
  readonly nodes: readonly { readonly peer: string; readonly address: string; readonly dialled: boolean }[];
}

/** The file as a peer rebuilt it from its records. */
export interface DemoDigest {
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A resolved name. */
export interface DemoResolved {
  readonly publisher: string;
  readonly endpoints: readonly string[];
  readonly verified: boolean;
}

/** Every command: what goes in and what comes out. */
export interface DemoCommands {
  /** Opens the peer on its store. */
  open: { input: { store: string; bootstraps: readonly string[] }; output: DemoPeerInfo };
  register: { input: { name: string }; output: { publisher: string } };
  resolve: { input: { name: string }; output: DemoResolved };
  /** Founds the group. */
  create: { input: { name: string }; output: DemoGroupInfo };
  invite: { input: { uses: number }; output: { invitation: string } };
  join: { input: { invitation: string; endpoints: readonly string[] }; output: DemoGroupInfo };
  /** Tries to take part in a graph by its id alone. */
  openGraph: { input: { id: string; endpoints: readonly string[] }; output: { id: string } };
  /** What such a graph shows. */
  peek: { input: Record<string, never>; output: { records: number; items: number } };
  /** Writes records, all at once; answers when each is durable. */
  add: { input: { records: readonly DemoRecord[] }; output: { ids: readonly string[] } };
  delete: { input: { id: string }; output: Record<string, never> };
  /** Answers when the group shows so many records of a type, or more. */
  awaitCount: { input: { type: string; count: number }; output: Record<string, never> };
  /** Answers when the group has ever shown the record to this peer. */
  awaitSeen: { input: { id: string }; output: Record<string, never> };
  /** Answers when the group does not show the record. */
  awaitGone: { input: { id: string }; output: Record<string, never> };
  /** Answers when the group has so many members. */
  awaitMembers: { input: { count: number }; output: DemoGroupInfo };
  /** Answers when this peer knows that it was removed, and nobody is linked to it any more. */
  awaitCutOff: { input: Record<string, never>; output: DemoGroupInfo };
  /** Which of these records of a type can be read here, by id or in a list. */
  readable: { input: { type: string; ids: readonly string[] }; output: { ids: readonly string[] } };
  digest: { input: { type: string }; output: DemoDigest };
  group: { input: Record<string, never>; output: DemoGroupInfo };
  remove: { input: { peer: string }; output: DemoGroupInfo };
  /** Serves the admin API. */
  admin: { input: { token: string }; output: { url: string } };
  /** Parts with the others and lets go of the store. */
  close: { input: Record<string, never>; output: Record<string, never> };
}

/** A command's name. */
export type DemoCommand = keyof DemoCommands;

/** A line on a peer's stdin. */
export interface DemoRequest {
  readonly id: number;
  readonly command: DemoCommand;
  readonly input: DemoCommands[DemoCommand]["input"];
}

/** A line on a peer's stdout. */
export type DemoAnswer =
  | { readonly id: number; readonly output: DemoCommands[DemoCommand]["output"] }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

/** The lines of a byte stream, without their ends. */
export async function* textLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  for await (const bytes of stream) {
    const [head, ...lines] = decoder.decode(bytes, { stream: true }).split("\n");
    parts.push(head!);
    for (const line of lines) {
      yield parts.join("");
      parts = [line];
    }
  }
}

/**
 * Kith: serverless name resolution, multipoint graphs, a replicated record database, peer identities
 * and secure groups, in one import.
 *
 * @example Two peers share a record
 * ```ts
 * import { Peer } from "@kith/peer";
 *
 * await using alice = await Peer.open();
 * const group = await alice.groups.create("Field notes");
 * const invitation = await group.invite();
 * await group.records.add("note", "heron at the north pond");
 *
 * await using bob = await Peer.open();
 * const notes = (await bob.groups.join(invitation)).records;
 * for await (const { record } of notes.watch("note")) {
 *   console.log(record.value); // heron at the north pond
 *   break;
 * }
 * ```
 *
 * @module
 */

export { type ErrorCode, errorCodes, PeerError } from "./lib/base/errors.ts";
export type { Log, LogDetails } from "./lib/base/ports.ts";
export { Peer, type PeerOptions } from "./lib/peer/peer.ts";
export { version } from "./lib/peer/version.ts";
export type * from "./lib/peer/surface.ts";
export type {
  BootstrapOptions,
  CloudInfo,
  Names,
  RegisterOptions,
  Registration,
  RegistrationContent,
  Resolved,
  ResolveOptions,
  UpdateOptions as RegistrationUpdateOptions,
} from "./lib/peer/names_surface.ts";

if (import.meta.main) {
  // Computed, so that importers of this module download nothing of the command line.
  const commandLine = ["./lib/cli", "mod.ts"].join("/");
  import(import.meta.resolve(commandLine)).then(({ run }) => run());
}

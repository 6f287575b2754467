/** The abstract items that the reference model reads, and the state that it gives. */

/** Role bits of a credential or invitation. Bits without a permission here only make a member. */
export const CREATOR = 1;
export const ADMIN = 2;
export const INVITER = 4;
export const MEMBER = 8;
export const READER = 16;

/** What a data item repeats of its record: "every item of the record repeats these fields". */
export interface RecordFields {
  readonly record: string;
  readonly type: string;
  readonly creator: string;
  readonly created: number;
  readonly until: number;
}
export interface Version extends RecordFields {
  readonly kind: "version";
  readonly version: number;
  readonly expires: number;
  readonly prev: readonly string[];
}
export interface Delete extends RecordFields {
  readonly kind: "delete";
}
export interface Extension extends RecordFields {
  readonly kind: "extension";
  readonly expires: number;
}
export type DataBody = Version | Delete | Extension;
export type AuthorityBody =
  | { readonly kind: "founding"; readonly creator: string; readonly depthMax: number }
  | {
    readonly kind: "credential";
    readonly subject: string;
    readonly roles: number;
    readonly notBefore: number | null;
    readonly notAfter: number | null;
  }
  | {
    readonly kind: "invitation";
    readonly bearer: string;
    readonly joinersMax: number;
    readonly roles: number;
    readonly expires: number;
  }
  | {
    readonly kind: "admission";
    readonly invitation: string;
    readonly bearer: string;
    readonly joiner: string;
  }
  | {
    readonly kind: "removal";
    readonly subject: string;
    readonly list: string;
    readonly closes: readonly string[];
  }
  | { readonly kind: "leave"; readonly list: string };

/** A signed item. Hashes, lineages and writers are lower-case hex; times are milliseconds. */
export interface Signed {
  readonly hash: string;
  readonly author: string;
  readonly writer: string;
  readonly seq: number;
  readonly at: number;
  readonly credential: string | null;
  readonly body: DataBody | AuthorityBody;
}
/** One part of a list of hashes: "content-addressed, unsigned, accepted from anyone". */
export interface List {
  readonly hash: string;
  readonly body: { readonly kind: "list"; readonly hashes: readonly string[]; readonly next: string | null };
}
export type ModelItem = Signed | List;

/** Each known item is in exactly one of `inSet`, `shelf` and `aside`. All arrays are sorted. */
export interface ModelState {
  readonly inSet: string[];
  readonly shelf: string[];
  readonly aside: string[];
  readonly members: { lineage: string; roles: number }[];
  readonly records: { record: string; winner: string; version: number; expires: number }[];
}

/** Limits of the command line. `docs/LIMITS.md` is generated from these comments. */

/** Characters of a value that a list for people shows. */
export const shownCharsMax: number = 400;

/** Columns of the help: the usual width of a terminal. */
export const helpColumns: number = 80;

/** How long a running peer may take to say that it is there, before its file counts as left over. */
export const greetingMsMax: number = 5_000;

/** Bytes of random token for the admin API of one run. */
export const tokenBytes: number = 32;

/** Letters that an unknown word may be away from the one suggested. */
export const suggestionEditsMax: number = 2;

/** Records asked for at once while listing. */
export const listPageRecords: number = 1_000;

/** Bytes of the file in which a running peer says where its admin API is. */
export const adminFileBytesMax: number = 4_096;

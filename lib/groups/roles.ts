/** Roles of a group and what each may do (the permission table of docs/PROTOCOL.md, "Roles"). */

/** Role bits, as credentials and invitations carry them. */
export const RoleBit = {
  /** Holds what the group key gives; only the founding gives it. */
  creator: 1,
  /** Invites, removes, changes others' records. */
  admin: 2,
  /** Reserved: invites members. */
  inviter: 4,
  /** Writes records of its own. */
  member: 8,
  /** Reserved: reads only. */
  reader: 16,
} as const;

/** A role by its name. */
export type Role = "creator" | "admin" | "member";

/** What a member may be allowed to do. */
export type Permission = "writeOwn" | "writeOthers" | "invite" | "remove" | "leave" | "witness";

const permissions: Readonly<Record<Permission, number>> = {
  writeOwn: RoleBit.creator | RoleBit.admin | RoleBit.member,
  writeOthers: RoleBit.creator | RoleBit.admin,
  invite: RoleBit.creator | RoleBit.admin,
  remove: RoleBit.creator | RoleBit.admin,
  leave: 0xffff,
  witness: 0xffff,
};

/** Whether any of the roles allows it. */
export function isAllowed(roles: number, permission: Permission): boolean {
  return (roles & permissions[permission]) !== 0;
}

/** Whether a holder of `roles` may give `given`: nobody gives `creator`, and nobody gives nothing. */
export function mayGive(roles: number, given: number): boolean {
  return isAllowed(roles, "invite") && given !== 0 && (given & RoleBit.creator) === 0;
}

/** The bits of role names. */
export function rolesOf(names: readonly Role[]): number {
  return names.reduce((bits, name) => bits | RoleBit[name], 0);
}

/** The names of role bits, highest first; bits without a name in this version are left out. */
export function roleNames(bits: number): Role[] {
  return (["creator", "admin", "member"] as const).filter((name) => (bits & RoleBit[name]) !== 0);
}

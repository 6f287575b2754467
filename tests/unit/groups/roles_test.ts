import assert from "node:assert/strict";
import {
  isAllowed,
  mayGive,
  type Permission,
  RoleBit,
  roleNames,
  rolesOf,
} from "../../../lib/groups/roles.ts";

Deno.test("[S14] isAllowed() is the table of permissions", () => {
  const permissions: Permission[] = ["writeOwn", "writeOthers", "invite", "remove", "leave", "witness"];
  const table = Object.fromEntries(
    Object.entries(RoleBit).map(([role, bit]) => [role, permissions.filter((each) => isAllowed(bit, each))]),
  );
  assert.deepEqual(table, {
    creator: permissions,
    admin: permissions,
    inviter: ["leave", "witness"],
    member: ["writeOwn", "leave", "witness"],
    reader: ["leave", "witness"],
  });
});

Deno.test("[S14] isAllowed() takes any of several roles", () => {
  assert.equal(isAllowed(RoleBit.reader | RoleBit.member, "writeOwn"), true);
  assert.equal(isAllowed(RoleBit.reader | RoleBit.inviter, "writeOwn"), false);
  assert.equal(isAllowed(0, "leave"), false);
});

Deno.test("[S06] mayGive() lets creator and admins give any role but the creator's", () => {
  const givers = [RoleBit.creator, RoleBit.admin, RoleBit.inviter, RoleBit.member, RoleBit.reader];
  assert.deepEqual(givers.map((roles) => mayGive(roles, RoleBit.admin)), [true, true, false, false, false]);
  assert.deepEqual(givers.map((roles) => mayGive(roles, RoleBit.creator)), [
    false,
    false,
    false,
    false,
    false,
  ]);
  assert.equal(mayGive(RoleBit.creator, RoleBit.creator | RoleBit.member), false);
  assert.equal(mayGive(RoleBit.creator, 0), false);
});

Deno.test("rolesOf() and roleNames() translate, leaving out what has no name here", () => {
  assert.equal(rolesOf(["admin", "member"]), 10);
  assert.equal(rolesOf([]), 0);
  assert.deepEqual(roleNames(0xffff), ["creator", "admin", "member"]);
  assert.deepEqual(roleNames(RoleBit.member), ["member"]);
  assert.deepEqual(roleNames(RoleBit.inviter | RoleBit.reader), []);
});

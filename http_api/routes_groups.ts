/** Routes of groups: founding, joining, leaving, members, invitations. */

import type { MemberInfo } from "../lib/peer/surface.ts";
import { invitationTextCharsMax, nameCharsMax } from "./limits.ts";
import { createRoute, defined, groupOf, jsonAnswer, jsonBody, type RouteContext, z } from "./routing.ts";
import {
  durationSchema,
  endpointSchema,
  groupIdSchema,
  groupSchema,
  instantSchema,
  memberSchema,
  peerIdSchema,
  problems,
  waitSchema,
} from "./schemas.ts";
import { type GroupJson, groupJson } from "./views.ts";

/** Adds them. */
export function addGroupRoutes(context: RouteContext): void {
  addMakingRoutes(context);
  addOneGroupRoutes(context);
  addMemberRoutes(context);
}

function addMakingRoutes({ app, peer }: RouteContext): void {
  const list = createRoute({
    method: "get",
    path: "/v1/groups",
    summary: "The groups of the store",
    responses: { 200: jsonAnswer("The groups", groupsSchema), ...problems },
  });
  app.openapi(list, (c) => c.json({ groups: peer.groups.list().map(groupJson) }, 200));

  const create = createRoute({
    method: "post",
    path: "/v1/groups",
    summary: "Founds a group; this peer is its creator",
    request: jsonBody(createSchema),
    responses: { 201: jsonAnswer("The new group", groupSchema), ...problems },
  });
  app.openapi(create, async (c) => {
    const group = await peer.groups.create(c.req.valid("json").name);
    return c.json(groupJson(group), 201);
  });

  const join = createRoute({
    method: "post",
    path: "/v1/groups/join",
    summary: "Joins by the text of an invitation; answers after the first catch-up",
    request: jsonBody(joinSchema),
    responses: { 200: jsonAnswer("The group", groupSchema), ...problems },
  });
  app.openapi(join, async (c) => {
    const { invitation, ...options } = c.req.valid("json");
    const group = await peer.groups.join(invitation, { ...defined(options), signal: c.req.raw.signal });
    return c.json(groupJson(group), 200);
  });
}

function addOneGroupRoutes({ app, peer }: RouteContext): void {
  const show = createRoute({
    method: "get",
    path: "/v1/groups/{id}",
    summary: "One group",
    request: { params: groupPath },
    responses: { 200: jsonAnswer("The group", groupSchema), ...problems },
  });
  app.openapi(show, (c) => c.json(groupJson(groupOf(peer, c.req.valid("param").id)), 200));

  const leave = createRoute({
    method: "post",
    path: "/v1/groups/{id}/leave",
    summary: "Leaves for good; what this peer wrote stays",
    request: { params: groupPath, ...jsonBody(emptySchema) },
    responses: { 204: { description: "Left" }, ...problems },
  });
  app.openapi(leave, async (c) => {
    await groupOf(peer, c.req.valid("param").id).leave();
    return c.body(null, 204);
  });

  const invite = createRoute({
    method: "post",
    path: "/v1/groups/{id}/invitations",
    summary: "Makes one line of text: whoever has it may join",
    request: { params: groupPath, ...jsonBody(inviteSchema) },
    responses: {
      201: jsonAnswer("The invitation: keep it as secret as the group", invitedSchema),
      ...problems,
    },
  });
  app.openapi(invite, async (c) => {
    const group = groupOf(peer, c.req.valid("param").id);
    const invitation = await group.invite(defined(c.req.valid("json")));
    return c.json({ invitation }, 201);
  });
}

function addMemberRoutes({ app, peer }: RouteContext): void {
  const list = createRoute({
    method: "get",
    path: "/v1/groups/{id}/members",
    summary: "The members, this peer first",
    request: { params: groupPath },
    responses: { 200: jsonAnswer("The members", membersSchema), ...problems },
  });
  app.openapi(list, (c) => c.json({ members: groupOf(peer, c.req.valid("param").id).members.list() }, 200));

  const remove = createRoute({
    method: "delete",
    path: "/v1/groups/{id}/members/{peer}",
    summary: "Removes a member; what it wrote stays, unless `undoSince` says otherwise",
    request: { params: memberPath, query: removeQuery },
    responses: { 204: { description: "Removed" }, ...problems },
  });
  app.openapi(remove, async (c) => {
    const { id, peer: member } = c.req.valid("param");
    const { undoSince } = c.req.valid("query");
    const options = undoSince === undefined ? {} : { undoSince: new Date(undoSince) };
    await groupOf(peer, id).members.remove(member, options);
    return c.body(null, 204);
  });
}

const groupPath = z.object({ id: groupIdSchema });
const memberPath = z.object({ id: groupIdSchema, peer: peerIdSchema });
const removeQuery = z.object({ undoSince: instantSchema.optional() });
const emptySchema = z.strictObject({});
const createSchema = z.strictObject({ name: z.string().min(1).max(nameCharsMax) });
const joinSchema = z.strictObject({
  invitation: z.string().min(1).max(invitationTextCharsMax),
  endpoints: z.array(endpointSchema).max(10).optional(),
  timeoutMs: waitSchema.optional(),
});
const inviteSchema = z.strictObject({
  role: z.enum(["member", "admin"]).optional(),
  uses: z.int().min(1).optional(),
  lifeMs: durationSchema.optional(),
});

const groupsSchema: z.ZodType<{ readonly groups: readonly GroupJson[] }> = z.object({
  groups: z.array(groupSchema),
});
const membersSchema: z.ZodType<{ readonly members: readonly MemberInfo[] }> = z.object({
  members: z.array(memberSchema),
});
const invitedSchema: z.ZodType<{ readonly invitation: string }> = z.object({ invitation: z.string() });

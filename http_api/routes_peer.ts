/** Routes of the peer itself: status, clouds, identities. */

import type { IdentityInfo } from "../lib/peer/surface.ts";
import type { AdminCloud } from "./admin_peer.ts";
import { nameCharsMax } from "./limits.ts";
import { createRoute, jsonAnswer, jsonBody, type RouteContext, z } from "./routing.ts";
import { cloudSchema, identitySchema, problems, statusSchema } from "./schemas.ts";

/** Adds them. */
export function addPeerRoutes(context: RouteContext): void {
  addStatusRoutes(context);
  addIdentityRoutes(context);
}

function addStatusRoutes({ app, peer }: RouteContext): void {
  const status = createRoute({
    method: "get",
    path: "/v1/status",
    summary: "How the peer is doing, in words too",
    responses: { 200: jsonAnswer("The peer's status", statusSchema), ...problems },
  });
  app.openapi(status, (c) => c.json(peer.status(), 200));

  const clouds = createRoute({
    method: "get",
    path: "/v1/clouds",
    summary: "The clouds in which the peer publishes and resolves names",
    responses: { 200: jsonAnswer("The clouds", cloudsSchema), ...problems },
  });
  app.openapi(clouds, (c) => c.json({ clouds: peer.names.clouds().map(cloudJson) }, 200));
}

function addIdentityRoutes({ app, peer }: RouteContext): void {
  const list = createRoute({
    method: "get",
    path: "/v1/identities",
    summary: "The identities of the store, the default first",
    responses: { 200: jsonAnswer("The identities", identitiesSchema), ...problems },
  });
  app.openapi(list, (c) => c.json({ identities: peer.identities.list() }, 200));

  const create = createRoute({
    method: "post",
    path: "/v1/identities",
    summary: "Creates an identity",
    request: jsonBody(createSchema),
    responses: { 201: jsonAnswer("The new identity", identitySchema), ...problems },
  });
  app.openapi(create, async (c) => c.json(await peer.identities.create(c.req.valid("json").name), 201));

  const makeDefault = createRoute({
    method: "post",
    path: "/v1/identities/default",
    summary: "Makes an identity the one that a peer runs as when it is told no other",
    request: jsonBody(defaultSchema),
    responses: { 200: jsonAnswer("The identity", identitySchema), ...problems },
  });
  app.openapi(makeDefault, async (c) => {
    const { identity } = c.req.valid("json");
    await peer.identities.setDefault(identity);
    return c.json(peer.identities.get(identity), 200);
  });
}

/** What the schema names, and no more of what a peer may know of its clouds. */
function cloudJson(cloud: AdminCloud): AdminCloud {
  const { name, scope, state, endpoint, contacts, sizeEstimate, registrations, held } = cloud;
  return { name, scope, state, endpoint, contacts, sizeEstimate, registrations, held };
}

const cloudsSchema: z.ZodType<{ readonly clouds: readonly AdminCloud[] }> = z.object({
  clouds: z.array(cloudSchema),
});
const identitiesSchema: z.ZodType<{ readonly identities: readonly IdentityInfo[] }> = z.object({
  identities: z.array(identitySchema),
});
const createSchema = z.strictObject({ name: z.string().min(1).max(nameCharsMax) });
const defaultSchema = z.strictObject({
  identity: z.string().min(1).openapi({ description: "Name or peer id" }),
});

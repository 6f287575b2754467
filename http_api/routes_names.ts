/** Routes of names: resolving, and names that the running peer keeps registered. */

import { PeerError } from "../lib/base/errors.ts";
import { resolveResultsMax } from "../lib/names/limits.ts";
import type { AdminRegistration } from "./admin_peer.ts";
import { keptNamesMax, nameCharsMax } from "./limits.ts";
import { createRoute, defined, jsonAnswer, jsonBody, type RouteContext, z } from "./routing.ts";
import {
  base64Schema,
  endpointSchema,
  instantSchema,
  peerIdSchema,
  problems,
  waitSchema,
} from "./schemas.ts";
import { type ResolvedJson, resolvedJson } from "./views.ts";

/** Adds them. */
export function addNameRoutes(context: RouteContext): void {
  addResolveRoute(context);
  addKeepingRoutes(context, new Map());
}

function addResolveRoute({ app, peer }: RouteContext): void {
  const resolve = createRoute({
    method: "post",
    path: "/v1/resolve",
    summary: "Who has published a name",
    request: jsonBody(resolveSchema),
    responses: { 200: jsonAnswer("The publishers found", resolvedListSchema), ...problems },
  });
  app.openapi(resolve, async (c) => {
    const { name, ...options } = c.req.valid("json");
    const found = await peer.names.resolve(name, { ...defined(options), signal: c.req.raw.signal });
    return c.json({ resolved: found.map(resolvedJson) }, 200);
  });
}

/** What `kept` holds, by name and cloud; `null` while a registration is under way. */
type Kept = Map<string, { readonly name: KeptName; readonly registration: AdminRegistration | null }>;

function addKeepingRoutes({ app, peer }: RouteContext, kept: Kept): void {
  const list = createRoute({
    method: "get",
    path: "/v1/names",
    summary: "The names that were registered through this API",
    responses: { 200: jsonAnswer("The names", keptListSchema), ...problems },
  });
  app.openapi(list, (c) => c.json({ names: [...kept.values()].map(({ name }) => name) }, 200));

  const register = createRoute({
    method: "post",
    path: "/v1/names",
    summary: "Registers a name; the running peer keeps it published until it closes",
    request: jsonBody(registerSchema),
    responses: { 201: jsonAnswer("The name", keptSchema), ...problems },
  });
  app.openapi(register, async (c) => {
    const { name, cloud, base64, payload, ...options } = c.req.valid("json");
    const keptName = { name, cloud: cloud ?? null };
    const registration = await keep(kept, keptName, () =>
      peer.names.register(name, {
        ...defined({
          ...options,
          cloud,
          payload: base64 === undefined ? payload : Uint8Array.fromBase64(base64),
        }),
        signal: c.req.raw.signal,
      }));
    kept.set(keyOf(keptName), { name: keptName, registration });
    return c.json(keptName, 201);
  });

  const unregister = createRoute({
    method: "delete",
    path: "/v1/names/{name}",
    summary: "Publishes a name no more that was registered through this API",
    request: { params: z.object({ name: nameSchema }), query: z.object({ cloud: cloudSchema.optional() }) },
    responses: { 204: { description: "Not published any more" }, ...problems },
  });
  app.openapi(unregister, async (c) => {
    const key = keyOf({ name: c.req.valid("param").name, cloud: c.req.valid("query").cloud ?? null });
    const registration = kept.get(key)?.registration ?? null;
    if (registration === null) {
      throw new PeerError("name_not_found", "That name was not registered through this API: list its names");
    }
    await registration.unregister();
    kept.delete(key);
    return c.body(null, 204);
  });
}

/** Registers with a place reserved, so that requests at the same time keep to the limit and to one each. */
async function keep(
  kept: Kept,
  name: KeptName,
  register: () => Promise<AdminRegistration>,
): Promise<AdminRegistration> {
  const key = keyOf(name);
  if (kept.has(key)) {
    const message = `This API keeps '${name.name}' registered already: unregister it first`;
    throw new PeerError("already_registered", message);
  }
  if (kept.size >= keptNamesMax) {
    throw new PeerError("too_many", `This API keeps ${keptNamesMax} names at most: unregister one first`);
  }
  kept.set(key, { name, registration: null });
  try {
    return await register();
  } catch (error) {
    kept.delete(key);
    throw error;
  }
}

interface KeptName {
  readonly name: string;
  readonly cloud: string | null;
}

function keyOf({ name, cloud }: KeptName): string {
  return JSON.stringify([name, cloud]);
}

const nameSchema = z.string().min(1).max(nameCharsMax).openapi({ example: "0.printer" });
const cloudSchema = z.string().min(1).max(nameCharsMax);
const resolveSchema = z.strictObject({
  name: nameSchema,
  cloud: cloudSchema.optional(),
  max: z.int().min(1).max(resolveResultsMax).optional(),
  timeoutMs: waitSchema.optional(),
});
const registerSchema = z.strictObject({
  name: nameSchema,
  cloud: cloudSchema.optional(),
  endpoints: z.array(endpointSchema).max(10).optional(),
  comment: z.string().max(nameCharsMax).optional(),
  payload: z.string().optional().openapi({
    description: "Text that the publisher keeps, 4,096 bytes at most",
  }),
  base64: base64Schema.optional().openapi({ description: "Bytes, instead of `payload`" }),
}).refine((body) => body.payload === undefined || body.base64 === undefined, "Give 'payload' or 'base64'");

const keptSchema: z.ZodType<KeptName> = z.object({ name: z.string(), cloud: z.string().nullable() }).openapi(
  "KeptName",
);
const keptListSchema: z.ZodType<{ readonly names: readonly KeptName[] }> = z.object({
  names: z.array(keptSchema),
});
const resolvedListSchema: z.ZodType<{ readonly resolved: readonly ResolvedJson[] }> = z.object({
  resolved: z.array(
    z.object({
      cloud: z.string(),
      publisher: peerIdSchema,
      endpoints: z.array(z.string()),
      comment: z.string(),
      payload: z.string().nullable(),
      base64: base64Schema.optional(),
      verified: z.boolean(),
      expires: instantSchema,
    }).openapi("Resolved"),
  ),
});

/** What all routes share: their context, and the parts of their descriptions. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { PeerError } from "../lib/base/errors.ts";
import type { Group } from "../lib/peer/surface.ts";
import type { AdminPeer } from "./admin_peer.ts";
import type { EventStreams } from "./event_stream.ts";

/** What routes work with. */
export interface RouteContext {
  readonly app: OpenAPIHono;
  readonly peer: AdminPeer;
  readonly streams: EventStreams;
}

/** A schema in a description of a body or an answer. A type and no interface, for the library wants an index. */
export type JsonContent<T> = { readonly "application/json": { readonly schema: z.ZodType<T> } };

/** A body that a route takes. */
export function jsonBody<T>(
  schema: z.ZodType<T>,
): { readonly body: { readonly required: true; readonly content: JsonContent<T> } } {
  return { body: { required: true, content: { "application/json": { schema } } } };
}

/** An answer that a route gives. */
export function jsonAnswer<T>(
  description: string,
  schema: z.ZodType<T>,
): { readonly description: string; readonly content: JsonContent<T> } {
  return { description, content: { "application/json": { schema } } };
}

/** The group of a request's path. */
export function groupOf(peer: AdminPeer, id: string): Group {
  const group = peer.groups.get(id);
  if (group !== null) return group;
  throw new PeerError(
    "graph_not_found",
    `This peer holds no group '${id}': list its groups, or join it first`,
  );
}

/** The object without the members that are `undefined`, which optional members of options may not be. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const pairs = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(pairs) as { [K in keyof T]: Exclude<T[K], undefined> };
}

export { createRoute, z };

/** Routes that stream what happens, as server-sent events. */

import type { GraphEvent, Group, RecordEvent } from "../lib/peer/surface.ts";
import { type ServerEvent, withGaps } from "./event_stream.ts";
import { createRoute, groupOf, type RouteContext, z } from "./routing.ts";
import { groupIdSchema, problems } from "./schemas.ts";
import { graphEventJson, recordEventJson } from "./views.ts";

/** Adds them. */
export function addEventRoutes({ app, peer, streams }: RouteContext): void {
  const events = createRoute({
    method: "get",
    path: "/v1/groups/{id}/events",
    summary: "What happens in the group from now on; a `gap` tells how many events a slow reader missed",
    request: { params: groupPath },
    responses: { 200: streamAnswer, ...problems },
  });
  app.openapi(events, (c) => {
    const group = groupOf(peer, c.req.valid("param").id);
    return streams.respond((signal) => withGaps(groupEvents(group, signal)), c.req.raw.signal);
  });

  const watch = createRoute({
    method: "get",
    path: "/v1/groups/{id}/watch",
    summary: "The records that are there, as `added`, then every change of them",
    request: { params: groupPath, query: z.object({ type: z.string().min(1).max(256).optional() }) },
    responses: { 200: streamAnswer, ...problems },
  });
  app.openapi(watch, (c) => {
    const group = groupOf(peer, c.req.valid("param").id);
    const { type } = c.req.valid("query");
    // No queue of our own: a watch has one, and repeats the records to a reader that fell behind.
    return streams.respond((signal) => recordEvents(group, type, signal), c.req.raw.signal);
  });
}

async function* groupEvents(group: Group, signal: AbortSignal): AsyncGenerator<ServerEvent, void, void> {
  for await (const event of group.events({ signal })) yield serverEvent(event);
}

async function* recordEvents(
  group: Group,
  type: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, void> {
  for await (const event of group.records.watch(type, { signal })) yield recordServerEvent(event);
}

function serverEvent(event: GraphEvent): ServerEvent {
  return { event: event.kind, data: graphEventJson(event) };
}

function recordServerEvent(event: RecordEvent): ServerEvent {
  return { event: event.kind, data: recordEventJson(event) };
}

const groupPath = z.object({ id: groupIdSchema });
const streamAnswer = {
  description: "Server-sent events; `data` is one line of JSON with a `kind`",
  content: { "text/event-stream": { schema: z.string() } },
} as const;

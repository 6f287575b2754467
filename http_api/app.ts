/** Builds the Hono app from the routes. No type of Hono leaves this folder. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { messageOf } from "../lib/base/errors.ts";
import type { Log } from "../lib/base/ports.ts";
import type { AdminPeer } from "./admin_peer.ts";
import type { EventStreams } from "./event_stream.ts";
import { openPath } from "./gate.ts";
import { faultsToldMax } from "./limits.ts";
import { type Fault, problemOf, problemResponse } from "./problem.ts";
import { addEventRoutes } from "./routes_events.ts";
import { addGroupRoutes } from "./routes_groups.ts";
import { addNameRoutes } from "./routes_names.ts";
import { addPeerRoutes } from "./routes_peer.ts";
import { addRecordRoutes } from "./routes_records.ts";

/** What the app is made of. */
export interface AppParts {
  readonly peer: AdminPeer;
  readonly streams: EventStreams;
  readonly log: Log;
}

/** The app as one function. */
export function createApp(parts: AppParts): (request: Request) => Response | Promise<Response> {
  const { peer, streams, log } = parts;
  const app = new OpenAPIHono({
    defaultHook: (result) => result.success ? undefined : faultResponse(result.target, result.error.issues),
  });
  const context = { app, peer, streams };
  addPeerRoutes(context);
  addGroupRoutes(context);
  addRecordRoutes(context);
  addEventRoutes(context);
  addNameRoutes(context);
  addDescription(app);
  app.notFound(() => problemResponse("not_found", `There is nothing at this path: see ${openPath}`));
  app.onError((error) => {
    const problem = problemOf(error);
    if (problem !== null) return problem;
    log.error("The admin API failed by a mistake of its own", { error: messageOf(error) });
    return problemResponse("internal", "The admin API failed by a mistake of its own: the log says more");
  });
  return (request) => app.fetch(request);
}

function addDescription(app: OpenAPIHono): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  let text: string | null = null; // made once, when somebody asks
  app.get(openPath, (c) => {
    text ??= JSON.stringify(app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "Kith admin API", version: "1", description: "Administers one running peer." },
      security: [{ token: [] }],
    }));
    return c.body(text, 200, { "content-type": "application/json" });
  });
}

/** Says which places of a request are wrong, without repeating what was sent. */
function faultResponse(
  target: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): Response {
  const faults = issues.slice(0, faultsToldMax).map(({ path, message }): Fault => ({
    path: [places[target] ?? target, ...path.map(String)].join("."),
    message,
  }));
  const detail = faults.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return problemResponse("bad_request", `The request is not what the operation takes: ${detail}`, faults);
}

const places: Readonly<Record<string, string>> = { json: "body", param: "path" };

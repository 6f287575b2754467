/** Routes of a group's records. */

import { PeerError } from "../lib/base/errors.ts";
import type { RecordView } from "../lib/peer/surface.ts";
import { pageRecordsDefault, pageRecordsMax } from "./limits.ts";
import { createRoute, defined, groupOf, jsonAnswer, jsonBody, type RouteContext, z } from "./routing.ts";
import {
  attributesSchema,
  base64Schema,
  durationSchema,
  groupIdSchema,
  instantSchema,
  peerIdSchema,
  problems,
  recordIdSchema,
  recordSchema,
} from "./schemas.ts";
import { attributesOf, type RecordJson, recordJson, valueOf } from "./views.ts";

/** Adds them. */
export function addRecordRoutes(context: RouteContext): void {
  addListRoute(context);
  addWritingRoutes(context);
  addOneRecordRoutes(context);
}

/** The part of a list that begins after a cursor, with the cursor of what follows it. */
export function pageOf(
  records: readonly RecordView[],
  limit: number,
  cursor: string | undefined,
): { readonly records: readonly RecordView[]; readonly next: string | null } {
  const after = cursor ?? "";
  const ordered = records.map((record) => ({ record, key: cursorOf(record) }))
    .filter(({ key }) => key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = ordered.slice(0, limit);
  const next = ordered.length > page.length ? page.at(-1)?.key ?? null : null;
  return { records: page.map(({ record }) => record), next };
}

function addListRoute({ app, peer }: RouteContext): void {
  const list = createRoute({
    method: "get",
    path: "/v1/groups/{id}/records",
    summary: "The records, oldest first, page by page",
    request: { params: groupPath, query: listQuery },
    responses: { 200: jsonAnswer("One page", pageSchema), ...problems },
  });
  app.openapi(list, async (c) => {
    const { limit, cursor, ...which } = c.req.valid("query");
    const all = await groupOf(peer, c.req.valid("param").id).records.list(defined(which));
    const page = pageOf(all, limit ?? pageRecordsDefault, cursor);
    return c.json({ records: page.records.map(recordJson), next: page.next }, 200);
  });
}

function addWritingRoutes({ app, peer }: RouteContext): void {
  const add = createRoute({
    method: "post",
    path: "/v1/groups/{id}/records",
    summary: "Writes a record: JSON or text in `value`, or bytes in `base64`",
    request: { params: groupPath, ...jsonBody(addSchema) },
    responses: { 201: jsonAnswer("The record", recordSchema), ...problems },
  });
  app.openapi(add, async (c) => {
    const { type, attributes, lifeMs, expires, until, ...value } = c.req.valid("json");
    const options = defined({
      attributes: attributes && attributesOf(attributes),
      lifeMs,
      expires: dateOf(expires),
      until: dateOf(until),
    });
    const group = groupOf(peer, c.req.valid("param").id);
    return c.json(recordJson(await group.records.add(type, valueOf(value), options)), 201);
  });

  const update = createRoute({
    method: "post",
    path: "/v1/groups/{id}/records/{record}",
    summary: "Writes the next version of a record",
    request: { params: recordPath, ...jsonBody(updateSchema) },
    responses: { 200: jsonAnswer("The record", recordSchema), ...problems },
  });
  app.openapi(update, async (c) => {
    const { id, record } = c.req.valid("param");
    const { attributes, expires, ...value } = c.req.valid("json");
    const options = defined({ attributes: attributes && attributesOf(attributes), expires: dateOf(expires) });
    return c.json(recordJson(await groupOf(peer, id).records.update(record, valueOf(value), options)), 200);
  });
}

function addOneRecordRoutes({ app, peer }: RouteContext): void {
  const show = createRoute({
    method: "get",
    path: "/v1/groups/{id}/records/{record}",
    summary: "One record",
    request: { params: recordPath },
    responses: { 200: jsonAnswer("The record", recordSchema), ...problems },
  });
  app.openapi(show, async (c) => {
    const { id, record } = c.req.valid("param");
    const found = await groupOf(peer, id).records.get(record);
    if (found !== null) return c.json(recordJson(found), 200);
    throw new PeerError("record_not_found", `The group shows no record '${record}': list its records`);
  });

  const remove = createRoute({
    method: "delete",
    path: "/v1/groups/{id}/records/{record}",
    summary: "Deletes a record for good, everywhere",
    request: { params: recordPath },
    responses: { 204: { description: "Deleted" }, ...problems },
  });
  app.openapi(remove, async (c) => {
    const { id, record } = c.req.valid("param");
    await groupOf(peer, id).records.delete(record);
    return c.body(null, 204);
  });
}

/** Sorts as (created, id). Milliseconds since 1970 have 13 digits until the year 2286; 15 are room enough. */
function cursorOf(record: RecordView): string {
  return `${String(record.created.getTime()).padStart(15, "0")}-${record.id}`;
}

function dateOf(instant: string | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant);
}

const groupPath = z.object({ id: groupIdSchema });
const recordPath = z.object({ id: groupIdSchema, record: recordIdSchema });
const typeSchema = z.string().min(1).max(256);
const listQuery = z.object({
  type: typeSchema.optional(),
  creator: peerIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(pageRecordsMax).optional(),
  cursor: z.string().regex(/^[0-9]{15}-[0-9a-f]{32}$/).optional().openapi({
    description: "`next` of the page before",
  }),
});

const valueShape = {
  value: z.unknown().optional().openapi({ description: "Text or any other JSON value" }),
  base64: base64Schema.optional().openapi({ description: "Bytes, instead of `value`" }),
  attributes: attributesSchema.optional(),
  expires: instantSchema.optional(),
};
const updateSchema = z.strictObject(valueShape).refine(hasOneValue, "Give either 'value' or 'base64'");
const addSchema = z.strictObject({
  type: typeSchema,
  ...valueShape,
  lifeMs: durationSchema.optional(),
  until: instantSchema.optional(),
}).refine(hasOneValue, "Give either 'value' or 'base64'");

function hasOneValue(body: { readonly value?: unknown; readonly base64?: string | undefined }): boolean {
  return (body.value === undefined) !== (body.base64 === undefined);
}

const pageSchema: z.ZodType<{ readonly records: readonly RecordJson[]; readonly next: string | null }> = z
  .object({ records: z.array(recordSchema), next: z.string().nullable() });

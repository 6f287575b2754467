/** The shapes of requests and answers; the API's description is made from them. */

import type {
  CloudStatus,
  GraphStatus,
  IdentityInfo,
  MemberInfo,
  NodeInfo,
  PeerStatus,
} from "../lib/peer/surface.ts";
import type { AdminCloud } from "./admin_peer.ts";
import { adminWaitMsMax } from "./limits.ts";
import type { Problem } from "./problem.ts";
import { z } from "./routing.ts";
import { type AttributeJson, type GroupJson, isBase64, type RecordJson } from "./views.ts";

/** A problem document. */
export const problemSchema: z.ZodType<Pick<Problem, "title" | "status" | "detail" | "code">> = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string() as z.ZodType<Problem["code"]>,
  faults: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

/** What any route may answer instead: a problem document. */
export const problems: ProblemAnswers = {
  default: {
    description: "What went wrong",
    content: { "application/problem+json": { schema: problemSchema } },
  },
};

/** The type of {@linkcode problems}. */
export type ProblemAnswers = {
  readonly default: {
    readonly description: string;
    readonly content: { readonly "application/problem+json": { readonly schema: z.ZodType } };
  };
};

/** Bytes as base 64 with padding. */
export const base64Schema: z.ZodType<string> = z.string().refine(isBase64, "Not base 64 with padding")
  .openapi({ format: "byte" });

/** A moment: ISO 8601 with a zone. */
export const instantSchema: z.ZodType<string> = z.iso.datetime({ offset: true });

/** A peer id. */
export const peerIdSchema: z.ZodType<string> = z.string().regex(/^[a-z2-7]{56}$/).openapi({
  description: "Peer id: 56 characters of lower-case base 32",
});

/** A group id. */
export const groupIdSchema: z.ZodType<string> = z.string().regex(/^[a-z2-7]{52}$/).openapi({
  description: "Group id: 52 characters of lower-case base 32",
});

/** A record id. */
export const recordIdSchema: z.ZodType<string> = z.string().regex(/^[0-9a-f]{32}$/).openapi({
  description: "Record id: 32 characters of lower-case hexadecimal text",
});

/** How long to wait. */
export const waitSchema: z.ZodType<number> = z.int().min(1).max(adminWaitMsMax).openapi({
  description: "How long to wait, in milliseconds",
});

/** A duration. */
export const durationSchema: z.ZodType<number> = z.int().min(1).openapi({
  description: "A duration in milliseconds",
});

/** An address with how it is reached. */
export const endpointSchema: z.ZodType<string> = z.string().min(1).max(80).openapi({
  example: "tcp://127.0.0.1:4000",
});

/** Attributes of a record. */
export const attributesSchema: z.ZodType<Readonly<Record<string, AttributeJson>>> = z.record(
  z.string(),
  z.union([z.string(), z.int(), z.boolean(), z.strictObject({ base64: base64Schema })]),
);

/** A record. */
export const recordSchema: z.ZodType<RecordJson> = z.object({
  id: recordIdSchema,
  type: z.string(),
  value: z.unknown().optional().openapi({
    description: "Text or any other JSON value; absent with `base64`",
  }),
  base64: base64Schema.optional(),
  attributes: attributesSchema,
  creator: peerIdSchema,
  author: peerIdSchema,
  version: z.int().min(1),
  created: instantSchema,
  modified: instantSchema,
  expires: instantSchema,
  until: instantSchema,
}).openapi("Record");

/** An identity. */
export const identitySchema: z.ZodType<IdentityInfo> = z.object({
  id: peerIdSchema,
  name: z.string(),
  isDefault: z.boolean(),
  peerName: z.string(),
}).openapi("Identity");

/** A member of a group. */
export const memberSchema: z.ZodType<MemberInfo> = z.object({
  peer: peerIdSchema,
  roles: z.array(z.enum(["creator", "admin", "member"])),
  self: z.boolean(),
  connected: z.boolean(),
}).openapi("Member");

/** A linked node. */
export const nodeSchema: z.ZodType<NodeInfo> = z.object({
  peer: peerIdSchema,
  address: z.string(),
  dialled: z.boolean(),
  synchronised: z.boolean(),
}).openapi("Node");

const graphStatusShape = {
  id: groupIdSchema,
  state: z.enum(["alone", "joining", "synchronising", "synchronised", "removed", "closed"]),
  neighbors: z.int(),
  records: z.int(),
  items: z.int(),
  explanation: z.string(),
};

/** How a graph or group is doing. */
export const graphStatusSchema: z.ZodType<GraphStatus> = z.object(graphStatusShape).openapi("GraphStatus");

/** A group. */
export const groupSchema: z.ZodType<GroupJson> = z.object({
  name: z.string(),
  ...graphStatusShape,
  nodes: z.array(nodeSchema),
}).openapi("Group");

/** How a cloud is doing. */
export const cloudStatusSchema: z.ZodType<CloudStatus> = z.object({
  name: z.string(),
  state: z.string(),
  contacts: z.int(),
  registrations: z.int(),
}).openapi("CloudStatus");

/** A cloud that the peer takes part in. */
export const cloudSchema: z.ZodType<AdminCloud> = z.object({
  name: z.string(),
  scope: z.string(),
  state: z.string(),
  endpoint: z.string(),
  contacts: z.int(),
  sizeEstimate: z.number(),
  registrations: z.int(),
  held: z.int(),
}).openapi("Cloud");

/** How the peer is doing. */
export const statusSchema: z.ZodType<PeerStatus> = z.object({
  id: peerIdSchema,
  version: z.string(),
  endpoints: z.array(z.string()),
  nameEndpoints: z.array(z.string()),
  store: z.string(),
  links: z.int(),
  graphs: z.array(graphStatusSchema),
  groups: z.array(graphStatusSchema),
  clouds: z.array(cloudStatusSchema),
  problems: z.array(z.string()),
}).openapi("Status");

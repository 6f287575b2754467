/** `kith name`: publishing and resolving names. */

import type { ResolvedJson } from "../../http_api/views.ts";
import { type Call, type Command, networkOptions } from "./command.ts";
import { stopped } from "./io.ts";
import { columns, shownValue } from "./output.ts";
import { reachPeer } from "./reach.ts";

/** The commands of this file. */
export const nameCommands: readonly Command[] = [
  {
    name: "name register",
    args: ["NAME"],
    options: [...networkOptions, "comment", "payload", "endpoint"],
    summary: "publish a name",
    details: "NAME is 0.ANYTHING, which anybody may publish, or PEERID.ANYTHING, which only that " +
      "identity may. A running peer keeps it published; else this command does, until Ctrl-C.",
    examples: ["name register 0.field-notes --store ./alice.kv --comment hall"],
    run: register,
  },
  {
    name: "name resolve",
    args: ["NAME"],
    options: [...networkOptions, "max", "timeout"],
    summary: "find out who has published a name",
    examples: ["name resolve 0.field-notes --store ./bob.kv"],
    run: resolve,
  },
];

async function register(call: Call): Promise<void> {
  const { args, options, out, io } = call;
  await using peer = await reachPeer(call, { network: true, create: true });
  const endpoints = options.texts("endpoint");
  const name = await peer.client.post("/v1/names", {
    name: args[0],
    comment: options.text("comment"),
    payload: options.text("payload"),
    endpoints: endpoints.length === 0 ? undefined : endpoints,
  });
  out.result({ registered: name }, `Registered ${args[0]}`);
  if (peer.isRunning) return;
  out.note("No peer runs on this store: the name stands until Ctrl-C.");
  await stopped(io.signal);
}

async function resolve(call: Call): Promise<void> {
  const { args, options, out } = call;
  await using peer = await reachPeer(call, { network: true, create: true });
  const seconds = options.number("timeout");
  const { resolved } = await peer.client.post("/v1/resolve", {
    name: args[0],
    max: options.number("max"),
    timeoutMs: seconds === undefined ? undefined : seconds * 1_000,
  }) as { readonly resolved: readonly ResolvedJson[] };
  for (const each of resolved) out.result(each, shown(each));
}

function shown(resolved: ResolvedJson): string {
  const { publisher, endpoints, comment, payload, base64, verified } = resolved;
  const content = base64 === undefined ? { value: payload ?? "" } : { base64 };
  const doubt = verified ? "" : "(not confirmed by its publisher)";
  return columns([[publisher, endpoints.join(" ") || "no endpoint", comment, shownValue(content), doubt]]);
}

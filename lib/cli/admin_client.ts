/** Speaks to an admin API, of a running peer over HTTP or of one that this process opened itself. */

import { type ErrorCode, errorCodes, messageOf, PeerError } from "../base/errors.ts";

/** Sends a request. `fetch` is one; so is the handler of an admin API in this process. */
export type Send = (request: Request) => Promise<Response> | Response;

/** An event of a stream. */
export interface StreamedEvent {
  readonly event: string;
  readonly data: unknown;
}

/** How an admin API is asked. */
export interface AdminClientOptions {
  readonly url: string;
  readonly token: string;
  readonly send: Send;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
}

/** Asks one admin API. */
export class AdminClient {
  readonly #options: AdminClientOptions;

  /** Asks at a URL with a token. */
  constructor(options: AdminClientOptions) {
    this.#options = options;
  }

  /** Reads something. */
  async read(path: string): Promise<unknown> {
    return await this.#ask("GET", path);
  }

  /** Does something. */
  async post(path: string, body: object): Promise<unknown> {
    return await this.#ask("POST", path, body);
  }

  /** Removes something. */
  async remove(path: string): Promise<void> {
    await this.#ask("DELETE", path);
  }

  /** The events of a stream, until it ends or the caller breaks off. */
  async *events(path: string): AsyncGenerator<StreamedEvent, void, void> {
    const response = await this.#send("GET", path);
    if (!response.ok || response.body === null) throw await failureOf(response);
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event !== null) yield event;
      }
    }
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#send(method, path, body);
    if (!response.ok) throw await failureOf(response);
    const text = await response.text();
    return text === "" ? null : JSON.parse(text);
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const { url, token, send, signal } = this.#options;
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    if (body !== undefined) headers["content-type"] = "application/json";
    try {
      return await send(new Request(url + path, { method, headers, signal, ...content }));
    } catch (error) {
      if (signal.aborted) throw new PeerError("aborted", "The command was ended", { cause: error });
      const message = `Cannot reach the running peer at ${url}: ${messageOf(error)}`;
      throw new PeerError("connect_failed", message, { cause: error });
    }
  }
}

/** The failure that a `problem` event tells of, or a problem document. */
export function codedFailure(problem: unknown): PeerError {
  const { code, detail } = (problem ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  return new PeerError(
    codeOf(code),
    typeof detail === "string" ? detail : "The admin API failed without a reason",
  );
}

/** What a problem document says, as the failure that it was over there. */
async function failureOf(response: Response): Promise<PeerError> {
  return codedFailure(await response.json().catch(() => null));
}

function codeOf(code: unknown): ErrorCode {
  if (typeof code === "string" && Object.hasOwn(errorCodes, code)) return code as ErrorCode;
  return code === "bad_request" ? "bad_usage" : "connect_failed";
}

function parseEvent(block: string): StreamedEvent | null {
  const lines = block.split("\n").filter((line) => !line.startsWith(":"));
  const event = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
  return event === undefined || data === undefined ? null : { event, data: JSON.parse(data) };
}

/** Bodies of requests: JSON only, counted as they are read, of bounded depth. */

import { fromUtf8 } from "../lib/base/bytes.ts";
import { adminBodyBytesMax, adminJsonDepthMax } from "./limits.ts";
import { problemResponse } from "./problem.ts";

/** The request with its body read and judged, or the refusal. */
export async function takeBody(request: Request): Promise<Request | Response> {
  if (request.method !== "POST") return request;
  if (!isJson(request.headers.get("content-type"))) {
    return problemResponse("not_json", "Send the body as JSON, with 'Content-Type: application/json'");
  }
  const bytes = await readBounded(request.body);
  if (bytes === null) {
    return problemResponse("body_too_large", `The body may have ${adminBodyBytesMax} bytes at most`);
  }
  const fault = faultOf(bytes);
  if (fault !== null) return problemResponse("bad_request", fault);
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: bytes });
}

/** Reads a body whatever its length header says; `null` if it is too long. */
async function readBounded(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer> | null> {
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > adminBodyBytesMax) return null; // leaving the loop cancels the body
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function faultOf(bytes: Uint8Array): string | null {
  const text = fromUtf8(bytes);
  if (text === null) return "The body is not UTF-8";
  if (depthOf(text) > adminJsonDepthMax) return `The body is nested deeper than ${adminJsonDepthMax} levels`;
  try {
    JSON.parse(text);
    return null;
  } catch {
    return "The body is not JSON"; // the parser's own words would repeat what was sent
  }
}

/** The nesting of brackets outside of strings; of text that is no JSON it may say anything. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth--;
  }
  return deepest;
}

function isJson(contentType: string | null): boolean {
  return /^application\/json *(?:; *charset="?utf-8"?)? *$/i.test(contentType ?? "");
}

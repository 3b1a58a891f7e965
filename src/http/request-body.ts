/**
 * Request bodies: bounded, of the declared media type, strict JSON, and without anything that a database cannot store.
 *
 * @module
 */
import type { HonoRequest } from "hono";
import { type GenericSchema, safeParse } from "valibot";
import { AuthError } from "../domain/error.ts";
import { parseStrictJson, partsOf, type StrictJson } from "../domain/json.ts";
import { isStorableText } from "../domain/text.ts";

const maximumBytes = 64 * 1024;
const jsonMediaType = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * The body, if it matches the schema. A missing body counts as `{}`, which a schema with required members refuses.
 *
 * @throws {AuthError} `payload_too_large`, `unsupported_media_type`, `invalid_format.json`, `invalid_format.text`,
 *   `invalid_format.body`.
 */
export async function readJsonBody<Body>(request: HonoRequest, schema: GenericSchema<unknown, Body>): Promise<Body> {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return parse(schema, {}, "invalid_format.body");
  if (!jsonMediaType.test(request.header("content-type") ?? "")) throw new AuthError("unsupported_media_type");
  const value = parseJson(bytes);
  // Valibot reads an empty list as an object without members.
  if (Array.isArray(value)) throw new AuthError("invalid_format.body");
  return parse(schema, value, "invalid_format.body");
}

/**
 * The query, if it matches the schema. Platforms and pages add parameters of their own, so parameters outside the schema are
 * ignored. A parameter in the schema may occur once.
 *
 * @throws {AuthError} `invalid_format.query`.
 */
export function readQuery<Query>(request: HonoRequest, schema: GenericSchema<unknown, Query>): Query {
  const given = textsFor(schema, new URL(request.url).searchParams, "invalid_format.query");
  return parse(schema, given, "invalid_format.query");
}

/** The parameters that the schema has. */
export function textsFor(
  schema: GenericSchema,
  parameters: URLSearchParams,
  code: "invalid_format.body" | "invalid_format.query",
): Readonly<Record<string, string>> {
  const { entries } = schema as unknown as { readonly entries: Readonly<Record<string, unknown>> };
  const given = [...parameters].filter(([name]) => Object.hasOwn(entries, name));
  const isRepeated = new Set(given.map(([name]) => name)).size < given.length;
  if (isRepeated || given.some(([, text]) => !isStorableText(text))) throw new AuthError(code);
  return Object.fromEntries(given);
}

/**
 * Reads no more than the limit, whatever the length header claims.
 *
 * @param broken The refusal if the client disconnects.
 * @throws {AuthError} `payload_too_large`, and `broken`.
 */
export async function readBytes(
  request: HonoRequest,
  broken: "invalid_format.json" | "invalid_format.body" = "invalid_format.json",
): Promise<Uint8Array> {
  const { headers, body, bodyUsed } = request.raw;
  if (Number(headers.get("content-length") ?? 0) > maximumBytes) throw new AuthError("payload_too_large");
  if (!body) return new Uint8Array(0);
  // A middleware of the application read the body first; Hono has kept it.
  if (bodyUsed) return withinLimit(new Uint8Array(await request.arrayBuffer()));
  try {
    return await readStream(body);
  } catch (error) {
    // The client disconnected, or its bytes were not a valid body.
    throw error instanceof AuthError ? error : new AuthError(broken, { cause: error });
  }
}

function withinLimit(bytes: Uint8Array): Uint8Array {
  if (bytes.length > maximumBytes) throw new AuthError("payload_too_large");
  return bytes;
}

async function readStream(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maximumBytes) {
      await reader.cancel();
      throw new AuthError("payload_too_large");
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function parseJson(bytes: Uint8Array): unknown {
  let json: StrictJson;
  try {
    json = parseStrictJson(bytes);
  } catch (error) {
    throw new AuthError("invalid_format.json", { cause: error });
  }
  const texts = partsOf(json.value).flatMap(({ name, value }) => [name, value]);
  if (texts.some((text) => typeof text === "string" && !isStorableText(text)))
    throw new AuthError("invalid_format.text");
  if (json.hasInheritedName) throw new AuthError("invalid_format.body");
  return json.value;
}

export function parse<Output>(
  schema: GenericSchema<unknown, Output>,
  value: unknown,
  code: "invalid_format.body" | "invalid_format.query",
): Output {
  const result = safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  // Only names from the schema are quoted. An unknown member, for which the schema expects nothing, is the client's own text
  // (R129).
  const [{ path = [], expected }] = result.issues;
  const known = (expected === "never" ? path.slice(0, -1) : path).map((item) => String(item.key));
  const member = known.filter((key) => /^[a-z_]{1,32}$/i.test(key)).join(".");
  throw new AuthError(code, member ? { details: { member } } : {});
}

import type { HonoRequest } from "hono";
import type { GenericSchema } from "valibot";
import { AuthError } from "../domain/error.ts";
import { parse, readBytes, readJsonBody, textsFor } from "./request-body.ts";

const formMediaType = /^application\/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * The fields of a form (`application/x-www-form-urlencoded`), if they match the schema. Fields outside the schema are ignored, as
 * in a query; a field of the schema may
 * occur once.
 *
 * @throws {AuthError} `payload_too_large`, `unsupported_media_type`, `invalid_format.text`, `invalid_format.body`.
 */
export async function readFormBody<Body>(request: HonoRequest, schema: GenericSchema<unknown, Body>): Promise<Body> {
  const bytes = await readBytes(request, "invalid_format.body");
  if (!formMediaType.test(request.header("content-type") ?? "")) throw new AuthError("unsupported_media_type");
  return parse(
    schema,
    textsFor(schema, new URLSearchParams(decode(bytes)), "invalid_format.body"),
    "invalid_format.body",
  );
}

/** The fields of a form, or of a JSON object: the header of the request says which. */
export async function readFormOrJsonBody<Body>(
  request: HonoRequest,
  schema: GenericSchema<unknown, Body>,
): Promise<Body> {
  const isForm = formMediaType.test(request.header("content-type") ?? "");
  return await (isForm ? readFormBody(request, schema) : readJsonBody(request, schema));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    throw new AuthError("invalid_format.body", { cause: error });
  }
}

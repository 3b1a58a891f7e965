/**
 * Examples for the OpenAPI document, made from the schemas: the required members, with values that a reader recognizes.
 *
 * @module
 */
import type { JsonSchema } from "@valibot/to-json-schema";

const uuid = "0190f2a81b3c7abc8123456789abcdef";
const opaque = "q7Zr0k3bVYw1nTt8sGm5xE2uHc9aJd4fLi6oPvWyQRM";

/** The values of members whose type alone says too little. */
const byName: Readonly<Record<string, unknown>> = {
  subject_type: "usr",
  subject_id: "0190f2a8-1b3c-7abc-8123-456789abcdef",
  relation: "viewer",
  relations: ["viewer", "editor"],
  object_type: "doc",
  object_id: "0190f2a8-1b3c-7abc-8123-cdef456789ab",
  identifier: "ada@example.com",
  allowed_providers: ["google"],
  domain: "example.com",
  password: "correct horse battery staple",
  current_password: "correct horse battery staple",
  new_password: "an even longer passphrase",
  display_name: "Ada Lovelace",
  displayName: "Ada Lovelace",
  name: "laptop",
  code: "123456",
  device: "Firefox on Linux",
  scope: ["account:read"],
  amr: ["pwd"],
  rp_id: "example.com",
  rpId: "example.com",
  ttl_seconds: 3600,
  timeout: 300_000,
  timeout_ms: 300_000,
  secret_b32: "JBSWY3DPEHPK3PXP",
  otpauth_uri: "otpauth://totp/example.com:phone?secret=JBSWY3DPEHPK3PXP&issuer=example.com",
};

/**
 * A value of a schema.
 *
 * @param definitions The named schemas of the document.
 * @throws {TypeError} If there is no example for this kind of schema.
 */
export function exampleOf(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>, name = ""): unknown {
  if (schema.$ref !== undefined) return exampleOf(definitions[schema.$ref.split("/").at(-1)!]!, definitions, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [choice] = (schema.anyOf ?? schema.oneOf ?? []) as JsonSchema[];
  if (choice) return exampleOf(choice, definitions, name);
  switch (schema.type) {
    case "object":
      return objectOf(schema, definitions);
    case "array":
      return byName[name] ?? [exampleOf(schema.items as JsonSchema, definitions, name)];
    case "string":
      return textOf(schema, name);
    case "number":
    case "integer":
      return byName[name] ?? schema.minimum ?? 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      throw new TypeError(`There is no example for ${name} of the type ${String(schema.type)}.`);
  }
}

function objectOf(
  { properties = {}, required = [] }: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
): object {
  const members = required.map((name) => {
    const member = properties[name] as JsonSchema;
    // A relying party is an object with an identifier and a name of its own.
    return [name, name === "id" && !member.pattern ? "AAAA" : exampleOf(member, definitions, name)];
  });
  return Object.fromEntries(members);
}

function textOf({ pattern, format }: JsonSchema, name: string): unknown {
  const prefix = /^\^(\w+_)\[0-9a-f\]\{32\}/.exec(pattern ?? "")?.[1];
  if (prefix) return pattern!.endsWith("{32}$") ? prefix + uuid : `${prefix}${uuid}_${opaque}`;
  if (pattern?.endsWith("{43}$")) return opaque;
  if (format === "date-time" || /_(at|until|time)$/.test(name)) return "2026-11-29T12:00:00.000Z";
  return byName[name] ?? "AAAA";
}

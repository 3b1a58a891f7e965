/**
 * Writes `src/http/generated/api.ts`: the types of all routes for Hono's client, from the table of routes and the schemas of
 * their responses.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import type { GenericSchema } from "valibot";
import * as factorRequests from "../src/http/factor-schemas.ts";
import type { AnyRoute } from "../src/http/route.ts";
import { usesCookies } from "../src/http/route.ts";
import * as webauthnRequests from "../src/http/webauthn-schemas.ts";
import { routesByFeature } from "./openapi/every-route.node.ts";
import { namedSchemas, responses } from "./openapi/responses.node.ts";

/** The parts of a Valibot schema that a type expresses. */
interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly options?: readonly (Schema | string | number)[];
  readonly wrapped?: Schema;
  readonly literal?: string | number | boolean;
  readonly key?: Schema;
  readonly value?: Schema;
}

const names = new Map<unknown, string>(Object.entries(namedSchemas).map(([name, schema]) => [schema, `${name}Body`]));

/**
 * The text of a schema's type.
 *
 * @throws {TypeError} If this kind of schema has no type here.
 */
function typeOf(schema: Schema, isNamed = true): string {
  const name = names.get(schema);
  if (name && isNamed) return name;
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
      return schema.type;
    case "literal":
      return JSON.stringify(schema.literal);
    case "picklist":
      return schema.options!.map((option) => JSON.stringify(option)).join(" | ");
    case "array":
      return `${wrapped(typeOf(schema.item!))}[]`;
    case "nullable":
      return `${typeOf(schema.wrapped!)} | null`;
    case "optional":
    case "exact_optional":
      return typeOf(schema.wrapped!);
    case "union":
    case "variant":
      return schema.options!.map((option) => typeOf(option as Schema)).join(" | ");
    case "record":
      return `Record<string, ${typeOf(schema.value!)}>`;
    case "object":
    case "strict_object":
    case "loose_object":
      return objectType(schema);
    default:
      throw new TypeError(`A schema of the kind ${schema.type} has no type here.`);
  }
}

function objectType({ type, entries }: Schema): string {
  const members = Object.entries(entries!).map(([name, member]) => {
    const isOptional = /optional/.test(member.type);
    const mayBeUndefined = member.type === "optional" ? " | undefined" : "";
    return `${memberName(name)}${isOptional ? "?" : ""}: ${typeOf(member)}${mayBeUndefined};`;
  });
  if (type === "loose_object") members.push("[member: string]: unknown;");
  return members.length === 0 ? "object" : `{ ${members.join(" ")} }`;
}

const memberName = (name: string): string => (/^\w+$/.test(name) ? name : JSON.stringify(name));
const wrapped = (type: string): string => (/[ |]/.test(type) && !/^\{[^{}]*\}$/.test(type) ? `(${type})` : type);

/** The text of the type of a route's request. */
function inputOf(row: AnyRoute): string {
  const parameters = [...row.path.matchAll(/:(\w+)/g)].map(([, name]) => `${name}: string`);
  const isTicket = row.access === "ticket";
  const isIdempotent = row.refusals.includes("invalid_format.idempotency_key");
  // A browser has the ticket in a cookie.
  const needsHeader = isTicket && !usesCookies(row);
  const headers = [
    ...(isTicket ? [`"Login-Ticket"${!needsHeader && isIdempotent ? "?" : ""}: string`] : []),
    ...(isIdempotent ? ['"Idempotency-Key"?: string'] : []),
  ];
  const parts = [
    ...(parameters.length > 0 ? [`param: { ${parameters.join("; ")} }`] : []),
    ...(row.body ? [`${row.readForm ? "form" : "json"}: ${typeOf(row.body() as unknown as Schema)}`] : []),
    ...(row.query ? [`query: ${typeOf(row.query() as unknown as Schema)}`] : []),
    ...(headers.length > 0 ? [`header${needsHeader ? "" : "?"}: { ${headers.join("; ")} }`] : []),
  ];
  return parts.length === 0 ? "object" : `{ ${parts.join("; ")} }`;
}

function answersOf(row: AnyRoute): string {
  const methods: Readonly<Record<string, GenericSchema>> | undefined = responses[row.path as keyof typeof responses];
  const schema = methods?.[`$${row.method}`];
  if (!schema) throw new TypeError(`No schema says what ${row.method} ${row.path} answers with.`);
  const format = schema.type === "null" ? ', "body"' : "";
  return `Answers<${inputOf(row)}, ${typeOf(schema as unknown as Schema)}, ${row.status}${format}>`;
}

/** The type of the routes of one feature. */
function apiOf(feature: string, rows: readonly AnyRoute[]): string {
  const paths = Map.groupBy(rows, ({ path }) => path);
  const members = [...paths].map(
    ([path, list]) =>
      `  ${JSON.stringify(path)}: {\n${list.map((row) => `    $${row.method}: ${answersOf(row)};\n`).join("")}  };\n`,
  );
  return `/** The routes of \`${feature}\`. */\nexport type ${capitalized(feature)}Api = {\n${members.join("")}};\n`;
}

const capitalized = (name: string): string => `${name[0]!.toUpperCase()}${name.slice(1)}`;

function bodyType(comment: string, name: string, schema: unknown): string {
  return `/** ${comment} */\nexport type ${name} = ${typeOf(schema as Schema, false)};\n`;
}

/** The text of the generated module. */
export function apiTypes(): string {
  const bodies = [
    ...Object.entries(namedSchemas).map(([name, schema]) =>
      bodyType(`The schema \`${name}\` of the OpenAPI document.`, `${name}Body`, schema),
    ),
    ...[...Object.entries(webauthnRequests), ...Object.entries(factorRequests)].map(([name, schema]) =>
      bodyType("A body of a request, or a part of one.", capitalized(name), schema()),
    ),
  ];
  const apis = Object.entries(routesByFeature).map(([feature, rows]) => apiOf(feature, rows));
  return [
    "// Written by build/api-types.node.ts.\n",
    'import type { Answers } from "../answers.ts";\n\n',
    bodies.join("\n"),
    "\n",
    apis.join("\n"),
  ].join("");
}

export function generateApiTypes(): void {
  const folder = new URL("../src/http/generated/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("api.ts", folder), apiTypes());
}

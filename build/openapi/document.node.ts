/**
 * The OpenAPI 3.1 document of the HTTP routes, made from their table.
 *
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { type ErrorBody, statusOf } from "../../src/domain/error.ts";
import { sessionCookie } from "../../src/http/cookies.ts";
import { readFormBody } from "../../src/http/form-body.ts";
import { type Route, usesCookies } from "../../src/http/route.ts";
import { sessionHeader, ticketHeader } from "../../src/http/ticket.ts";
import { descriptionOf } from "./descriptions.node.ts";
import { everyRoute } from "./every-route.node.ts";
import { exampleOf } from "./examples.node.ts";
import { refusalsOf } from "./refusals.node.ts";
import { namedSchemas, responses } from "./responses.node.ts";
import { summaries, summaryOf } from "./summaries.node.ts";
import { tagOf, tags } from "./tags.node.ts";

/** The parts of OpenAPI that the document uses. */
export interface OpenApiDocument {
  openapi: string;
  info: object;
  servers: { url: string }[];
  tags: readonly { readonly name: string; readonly description: string }[];
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: { schemas: Record<string, JsonSchema>; headers: object; securitySchemes: object };
}

export interface OpenApiOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: OpenApiParameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema; example: unknown }> };
  responses: Record<string, OpenApiResponse>;
}

export interface OpenApiParameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonSchema;
  example?: unknown;
}

export interface OpenApiResponse {
  description: string;
  headers?: Record<string, object>;
  content?: Record<string, { schema: object; example?: unknown }>;
}

/**
 * Builds the document.
 *
 * @throws {TypeError} If the table of routes, the schemas of responses and the summaries do not name the same routes.
 */
export function buildOpenApi(): OpenApiDocument {
  const operations = [...everyRoute.map(operationOf), ...serviceOperations()];
  const described = Object.entries(responses).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.slice(1)} ${path}`),
  );
  const missing = [
    ...described.filter((name) => !operations.some(({ key }) => key === name)),
    ...Object.keys(summaries).filter((id) => !everyRoute.some((route) => route.id === id)),
  ];
  if (missing.length > 0) throw new TypeError(`There is no route ${missing.join(", ")}.`);

  const paths: OpenApiDocument["paths"] = {};
  for (const { key, operation } of operations) {
    const [method, path] = key.split(" ") as [string, string];
    const template = path.replace(/:(\w+)/g, "{$1}");
    paths[template] = { ...paths[template], [method]: operation };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Sallyport",
      summary: "Authentication and authorization for edge runtimes",
      version: (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string })
        .version,
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    // The server replaces this, because only it knows where the routes are mounted.
    servers: [{ url: "/" }],
    tags,
    paths,
    components: {
      schemas: definitions(),
      headers: {
        "Retry-After": {
          description: "The number of seconds to wait before trying again.",
          required: true,
          schema: { type: "integer", minimum: 1 },
        },
        "RateLimit-Policy": {
          description:
            'The limit that has refused the request, such as `"sallyport";q=10;w=900`: ten in 900 seconds. Absent after a lost reply.',
          schema: { type: "string" },
        },
        RateLimit: {
          description:
            'What is left of that limit, and the seconds until it begins again: `"sallyport";r=0;t=900`. Absent after a lost reply.',
          schema: { type: "string" },
        },
        "WWW-Authenticate": { required: true, schema: { const: "Bearer" } },
      },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A session token with the transport `token`." },
        cookie: {
          type: "apiKey",
          in: "cookie",
          name: `__Host-${sessionCookie}`,
          description:
            "A session token with the transport `cookie`. Unsafe requests must come from the site's own pages.",
        },
      },
    },
  };
}

interface Described {
  /** `get /v1/users/:usr_id`. */
  readonly key: string;
  readonly operation: OpenApiOperation;
}

function operationOf(route: Route): Described {
  const parameters = parametersOf(route);
  return {
    key: `${route.method} ${route.path}`,
    operation: {
      operationId: route.id,
      tags: [tagOf(route)],
      summary: summaryOf(route.id),
      description: descriptionOf(route),
      security: securityOf(route),
      ...(parameters.length > 0 && { parameters }),
      ...(route.body && {
        requestBody: requestBodyOf(route.body(), mediaTypesOf(route)),
      }),
      responses: { [route.status]: successOf(route), ...refusedResponses(refusalsOf(route)) },
    },
  };
}

function securityOf(route: Route): Record<string, string[]>[] {
  if (route.access === "anyone" || route.access === "ticket") return [];
  return [
    ...(route.access === "optional" ? [{}] : []),
    { bearer: [] },
    ...(usesCookies(route) ? [{ cookie: [] }] : []),
  ];
}

function parametersOf(route: Route): OpenApiParameter[] {
  const query = route.query ? jsonSchema(route.query()) : {};
  return [
    ...[...route.path.matchAll(/:((\w+)_id)/g)].map(([, name, type]) => ({
      name: name!,
      in: "path" as const,
      required: true,
      schema: { type: "string" as const, pattern: `^${type}_[0-9a-f]{32}$` },
      example: exampleOf({ type: "string", pattern: `^${type}_[0-9a-f]{32}$` }, {}),
    })),
    ...(route.path.includes("/:provider")
      ? [
          {
            name: "provider",
            in: "path" as const,
            required: true,
            description: "The provider's name in the application's list.",
            schema: { type: "string" as const, pattern: "^[a-z0-9-]{1,32}$" },
            example: "google",
          },
        ]
      : []),
    ...Object.entries(query.properties ?? {}).map(([name, schema]) => ({
      name,
      in: "query" as const,
      required: query.required?.includes(name) ?? false,
      schema: schema as JsonSchema,
    })),
    ...(route.access === "ticket"
      ? [
          {
            name: ticketHeader,
            in: "header" as const,
            // A browser sends the ticket in a cookie.
            required: !usesCookies(route),
            schema: { type: "string" as const },
          },
        ]
      : []),
    ...(route.refusals.includes("invalid_format.idempotency_key")
      ? [
          {
            name: "Idempotency-Key",
            in: "header" as const,
            required: false,
            description: route.refusals.includes("conflict.idempotency_key_used")
              ? "For 24 hours, a request that repeats the key of an earlier one has no effect and is refused: a secret is given only once."
              : "A request that repeats the key and body of an earlier one has no further effect and gets the same response.",
            schema: { type: "string" as const, pattern: "^[!-~]{1,255}$" },
          },
        ]
      : []),
  ];
}

/** What the body of a request may be: the first is what the client of the project sends. */
function mediaTypesOf({ readForm }: Pick<Route, "readForm">): readonly string[] {
  if (!readForm) return ["application/json"];
  const form = "application/x-www-form-urlencoded";
  return readForm === readFormBody ? [form] : [form, "application/json"];
}

function requestBodyOf(
  body: GenericSchema,
  mediaTypes: readonly string[],
): NonNullable<OpenApiOperation["requestBody"]> {
  const schema = jsonSchema(body);
  // The server reads a missing body as an empty object.
  const required = schema.type !== "object" || (schema.required ?? []).length > 0;
  return { required, content: Object.fromEntries(mediaTypes.map((type) => [type, contentOf(schema)])) };
}

function successOf({ method, path, status }: Pick<Route, "method" | "path" | "status">): OpenApiResponse {
  const methods: Record<string, GenericSchema> | undefined = responses[path as keyof typeof responses];
  const schema = methods?.[`$${method}`];
  if (!schema) throw new TypeError(`No schema says what ${method} ${path} answers with.`);
  const headers = status === 303 ? leadingOn : method === "post" ? successHeaders[path] : undefined;
  return {
    description: "Success.",
    ...(schema.type !== "null" && { content: { "application/json": contentOf(jsonSchema(schema)) } }),
    ...(headers && { headers }),
  };
}

/** The headers of an answer that leads a browser on. */
const leadingOn = {
  Location: { description: "Where the browser goes next.", required: true, schema: { type: "string" } },
};

/** By the path of a POST. */
const successHeaders: Readonly<Record<string, Record<string, object>>> = {
  "/auth/passkeys": {
    [sessionHeader]: {
      description: "The token of the fresh session, which replaces the presented one. A browser gets it in the cookie.",
      required: false,
      schema: { type: "string" },
    },
  },
  "/v1/credentials/verify": {
    [ticketHeader]: {
      description: "The login ticket for the proved credential.",
      required: true,
      schema: { type: "string" },
    },
  },
  "/v1/users/:usr_id/mfa/verify": {
    [ticketHeader]: {
      description: "The upgraded login ticket, which replaces the presented one.",
      required: true,
      schema: { type: "string" },
    },
  },
  "/v1/mfa-factors/:mfa_id/confirm": {
    [sessionHeader]: {
      description: "The token of the fresh session, which replaces the presented one.",
      required: true,
      schema: { type: "string" },
    },
  },
};

/** One response for each status, with the codes that it may carry. */
function refusedResponses(codes: readonly ErrorBody["code"][]): Record<string, OpenApiResponse> {
  const byStatus = Map.groupBy(codes, (code) => (code === "internal_error" ? 500 : statusOf(code)));
  return Object.fromEntries([...byStatus].map(([status, list]) => [status, refusedResponse(status, list)]));
}

const headersOf: Readonly<Record<number, readonly string[]>> = {
  401: ["WWW-Authenticate"],
  429: ["Retry-After", "RateLimit-Policy", "RateLimit"],
  503: ["Retry-After"],
};

function refusedResponse(status: number, codes: readonly string[]): OpenApiResponse {
  const error = { $ref: "#/components/schemas/Error" };
  const headers = headersOf[status];
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    ...(headers && {
      headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    content: { "application/json": { schema: { allOf: [error, { properties: { code: { enum: [...codes] } } }] } } },
  };
}

/** The routes about the service itself, which have no row in the table. */
function serviceOperations(): Described[] {
  const describe = (path: string, id: string, summary: string, codes: readonly ErrorBody["code"][]): Described => ({
    key: `get ${path}`,
    operation: {
      operationId: id,
      tags: ["Service"],
      summary,
      description: `${summary}. Anyone may call it.`,
      security: [],
      responses: { 200: successOf({ method: "get", path, status: 200 }), ...refusedResponses(codes) },
    },
  });
  return [
    describe("/health", "health", "Check whether the service can answer; names an option that is missing or unsafe", [
      "unavailable.configuration",
      "unavailable.database",
    ]),
    describe("/openapi.json", "openapi", "Get this document", ["unavailable.configuration"]),
  ];
}

function jsonSchema(schema: GenericSchema): JsonSchema {
  const { $schema: _schema, $defs: _definitions, ...converted } = toJsonSchema(schema, conversion);
  return converted;
}

function contentOf(schema: JsonSchema): { schema: JsonSchema; example: unknown } {
  return { schema, example: exampleOf(schema, definitions()) };
}

function definitions(): Record<string, JsonSchema> {
  return Object.fromEntries(Object.keys(namedSchemas).map((name) => [name, namedSchema(name)]));
}

function namedSchema(name: string): JsonSchema {
  return toJsonSchema(namedSchemas[name as keyof typeof namedSchemas], conversion).$defs![name] as JsonSchema;
}

const conversion = {
  target: "draft-2020-12",
  typeMode: "input",
  definitions: namedSchemas,
  overrideRef: ({ referenceId }: { referenceId: string }) => `#/components/schemas/${referenceId}`,
} as const;

/** Writes the generated module: a string, which costs nothing until a request reads it. */
export function generateOpenApi(): void {
  const folder = new URL("../../src/http/generated/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL("openapi.ts", folder),
    `// Written by build/openapi/document.node.ts.
export const openapi: string = ${JSON.stringify(JSON.stringify(buildOpenApi()))};
`,
  );
}

if (import.meta.main) generateOpenApi();

import { fileURLToPath } from "node:url";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { build } from "esbuild";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { apiTypes } from "../../build/api-types.node.ts";
import { buildOpenApi, type OpenApiDocument } from "../../build/openapi/document.node.ts";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { refusalsOf } from "../../build/openapi/refusals.node.ts";
import { summaryOf } from "../../build/openapi/summaries.node.ts";
import { errorCodes, statusOf } from "../../src/domain/error.ts";
import { openapi } from "../../src/http/generated/openapi.ts";
import { fullAuth, quickHasher, sealingKey, secret } from "../support/auth.ts";
import { document, operationAt, operations } from "../support/http.ts";
import { applicationOf } from "../support/http-world.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Nothing here reads the database. */
const auth = fullAuth({
  database: { run: async () => [], batch: async () => [] },
  passwordHasher: quickHasher(),
  secrets: secret,
  sealingKeys: sealingKey,
  origins: ["https://example.com"],
});

test("OpenAPI document: the generated module is up to date", () => {
  expect(document).toEqual(JSON.parse(JSON.stringify(buildOpenApi())));
  expect(operations.length).toBe(routes.length + 2);
});

test("types of bodies: those whose comment names a schema of the OpenAPI document are its schemas", () => {
  const named = [...apiTypes().matchAll(/The schema `(\w+)` of the OpenAPI document/g)].map(([, name]) => name!);
  expect(named).toEqual(Object.keys(document.components.schemas));
});

describe("S73: each operation has a description, and an example of each body", () => {
  const ajv = new Ajv2020({ strict: false });
  (addFormats as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addSchema(document, "document.json");

  test.each(operations.map((operation) => [operation.operationId, operation] as const))("%s", (_id, operation) => {
    const { description, summary, requestBody, responses, parameters = [], template, method } = operation;
    expect(description.length).toBeGreaterThan(summary.length + 10);
    const success = Object.entries(responses).find(([status]) => /^[23]/.test(status))!;
    const place = `paths/${template.replaceAll("/", "~1")}/${method.toLowerCase()}`;
    const bodies = [
      [requestBody?.content, `${place}/requestBody`],
      [success[1].content, `${place}/responses/${success[0]}`],
    ] as const;
    for (const [contents, at] of bodies) {
      const [[mediaType, content] = []] = Object.entries(contents ?? {});
      if (!content) continue;
      const validate = ajv.compile({
        $ref: `document.json#/${encodeURI(`${at}/content/${mediaType!.replaceAll("/", "~1")}/schema`)}`,
      });
      expect([validate(content.example), validate.errors]).toEqual([true, null]);
    }
    for (const one of parameters.filter(({ in: where }) => where === "path")) {
      expect(one.example).toMatch(new RegExp(one.schema.pattern!));
    }
  });
});

describe("OpenAPI linter", () => {
  const lint = async (source: OpenApiDocument) =>
    await lintFromString({
      source: JSON.stringify(source),
      absoluteRef: "openapi.json",
      config: await createConfig({ extends: ["recommended-strict"] }),
    });

  test("finds only that seven routes have no 4xx answer, and that nine lead a browser on", async () => {
    expect((await lint(document)).map(({ ruleId, location }) => [ruleId, location[0]?.pointer])).toEqual([
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1start/get/responses"],
      ["operation-4xx-response", "#/paths/~1auth~1oidc~1{provider}~1start/get/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1start/post/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1discover/post/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1link/get/responses"],
      ["operation-4xx-response", "#/paths/~1auth~1oidc~1{provider}~1link/get/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1link/post/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1step-up/get/responses"],
      ["operation-4xx-response", "#/paths/~1auth~1oidc~1{provider}~1step-up/get/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1step-up/post/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1callback/get/responses"],
      ["operation-4xx-response", "#/paths/~1auth~1oidc~1{provider}~1callback/get/responses"],
      ["operation-2xx-response", "#/paths/~1auth~1oidc~1{provider}~1callback/post/responses"],
      ["operation-4xx-response", "#/paths/~1auth~1terms/get/responses"],
      ["operation-4xx-response", "#/paths/~1health/get/responses"],
      ["operation-4xx-response", "#/paths/~1openapi.json/get/responses"],
    ]);
  });

  test("finds a planted mistake", async () => {
    const broken = structuredClone(document);
    broken.components.schemas = {};
    expect((await lint(broken)).length).toBeGreaterThan(10);
  });
});

describe("each route is in the OpenAPI document", () => {
  test.each(routes.map((route) => [route.id, route] as const))("%s", (id, route) => {
    const operation = operationAt(route.method.toUpperCase(), route.path.replace(/:\w+/g, "x"));
    expect(operation).toMatchObject({ operationId: id, summary: summaryOf(id) });
    const { responses, requestBody, security, parameters = [] } = operation!;

    const documented = Object.entries(responses).flatMap(([status, { content }]) => {
      const schema = content?.["application/json"]?.schema as { allOf?: [unknown, Codes] } | undefined;
      const codes = schema?.allOf?.[1].properties.code.enum;
      return codes ? codes.map((code) => `${status} ${code}`) : [`${status} success`];
    });
    const expected = refusalsOf(route).map((code) =>
      code === "internal_error" ? `500 ${code}` : `${statusOf(code)} ${code}`,
    );
    expect(documented.toSorted()).toEqual([...expected, `${route.status} success`].toSorted());

    expect(requestBody !== undefined).toBe(route.body !== undefined);
    expect(parameters.some((one) => one.in === "query")).toBe(route.query !== undefined);
    expect(parameters.filter((one) => one.in === "path").map(({ name }) => `:${name}`)).toEqual(
      route.path.match(/:\w+/g) ?? [],
    );
    const needsNobody = route.access === "anyone" || route.access === "ticket";
    expect(security.length === 0).toBe(needsNobody);
    // S08: `/v1` takes no cookie.
    expect(security.some((one) => "cookie" in one)).toBe(!needsNobody && route.path.startsWith("/auth/"));
  });
});

interface Codes {
  properties: { code: { enum: string[] } };
}

test("a code that no route names belongs to an operation without a route", () => {
  const used = new Set(routes.flatMap(refusalsOf));
  const unused = errorCodes().filter((code) => !used.has(code));
  expect(unused).toEqual([
    ...["id", "id_separator", "id_type"].map((reason) => `invalid_format.${reason}`),
    // The refusals of a presented token, at an application's own routes.
    "pat.invalid",
    "pat.revoked",
    "pat.expired",
    "forbidden.insufficient_scope",
    // For a user who has not accepted the terms, there too.
    "forbidden.terms_not_accepted",
    // For a method that the path does not support.
    "method_not_allowed",
    // For the application, which accepts for a user, and writes tuples of every type.
    "precondition.identifier_binding_required",
    "precondition.companion_tuple",
    "precondition.cred_user_mismatch",
    "unavailable.reply_lost",
  ]);
});

describe("bundle size of the OpenAPI document", () => {
  const bundled = async (module: string, names: string): Promise<Record<string, { bytesInOutput: number }>> => {
    const { metafile } = await build({
      stdin: { contents: `export { ${names} } from "./src/http/${module}";`, resolveDir: root },
      absWorkingDir: root,
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: "esm",
      logLevel: "silent",
    });
    const inputs = Object.values(metafile.outputs)[0]!.inputs;
    return Object.fromEntries(Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0));
  };
  const generated = "src/http/generated/openapi.ts";

  test("with its route: contains the document but not its generator", async () => {
    const inputs = await bundled("openapi.ts", "openapiRoutes");
    expect(inputs[generated]!.bytesInOutput).toBeGreaterThan(10_000);
    expect(Object.keys(inputs).filter((path) => /\.node\.ts$|to-json-schema/.test(path))).toEqual([]);
  });

  test("with the other routes and not its own: not bundled", async () => {
    const inputs = await bundled("index.ts", "authRoutes, flametrenchRoutes, healthRoutes");
    expect(Object.keys(inputs)).toContain("src/http/routes/core.ts");
    expect(Object.keys(inputs).filter((path) => /openapi|to-json-schema/.test(path))).toEqual([]);
  });

  test("with only an application's guards: neither the document nor any route is bundled", async () => {
    const inputs = await bundled(
      "index.ts",
      "authenticate, requireUser, requireFreshMfa, requireSameOrigin, cloudflareAddress, forwardedAddress",
    );
    expect(Object.keys(inputs)).toContain("src/http/authenticate.ts");
    expect(Object.keys(inputs).filter((path) => /openapi|routes|schemas|valibot/.test(path))).toEqual([]);
  });
});

describe("GET /openapi.json", () => {
  test.each([
    { case: "at the root", prefix: "/", url: "/" },
    { case: "under a prefix", prefix: "/api/accounts", url: "/api/accounts" },
  ])("$case: the server is $url", async ({ prefix, url }) => {
    const app = new Hono().route(prefix, applicationOf(auth));
    const response = await app.request(`${prefix === "/" ? "" : prefix}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(await response.json()).toEqual({ ...JSON.parse(openapi), servers: [{ url }] });
  });

  test("S57: the document is made once, whatever path is asked for", async () => {
    const app = new Hono().route("/:tenant", applicationOf(auth));
    const real = JSON.parse;
    let characters = 0;
    JSON.parse = (text, reviver) => {
      characters += text.length;
      return real(text, reviver);
    };
    try {
      for (let n = 0; n < 50; n++) await app.request(`/t${n}/openapi.json`);
    } finally {
      JSON.parse = real;
    }
    expect([characters > openapi.length / 2, characters < openapi.length * 2]).toEqual([true, true]);
  });

  test("a path with markup stays a string", async () => {
    const app = new Hono().route("/:tenant", applicationOf(auth));
    const response = await app.request("/%22%7D%5D,%22x%22:[%22/openapi.json");
    const read = (await response.json()) as OpenApiDocument & { x?: unknown };
    expect(read.x).toBeUndefined();
    expect(Object.keys(read.paths)).toEqual(Object.keys(document.paths));
  });
});

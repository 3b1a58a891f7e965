import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { routesByFeature } from "../build/openapi/every-route.node.ts";
import { summaryOf } from "../build/openapi/summaries.node.ts";
import type { AnyRoute, RouteAccess } from "../src/http/route.ts";
import { codeGates } from "./architecture/code-gates.ts";
import { importGates, layers } from "./architecture/import-gates.ts";
import { readSourceTree, type SyntaxNode, visit } from "./architecture/source-tree.ts";
import { differences } from "./domain/webauthn/ceremony-differences.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

/** The rows of the first table below a heading, as lists of cells. */
function tableBelow(text: string, heading: string): string[][] {
  const section = text.slice(text.indexOf(`\n${heading}\n`));
  const lines = section.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|---"));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 1, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("docs/architecture.md", () => {
  const text = read("docs/architecture.md");

  test("lists the layers, each with what it may import", () => {
    const listed = tableBelow(text, "## Layers").map(([name, _folder, _holds, imports]) => [
      name,
      imports === "–" ? [] : imports!.split(", ").sort(),
    ]);
    const enforced = layers.map((layer) => [layer.name, [...layer.layers].sort()]);
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(enforced));
  });

  test("has a reason for each gate", () => {
    expect(tableBelow(text, "## Gates")).toHaveLength(importGates.length + codeGates.length);
  });

  test("names files that exist", () => {
    const known = new Set(readSourceTree("src", "build", "worker").map(({ path }) => path));
    const named = [...text.matchAll(/\b(?:src|build)\/[\w/.-]+\.tsx?\b/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !known.has(path))).toEqual([]);
  });
});

test("CONTRIBUTING.md: a resource takes 15 files, and every file that it names exists", () => {
  const [steps] = /^New, in this order:[\s\S]*?(?=^The route types)/m.exec(read("CONTRIBUTING.md"))!;
  const files = [...steps.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, path]) => path!);
  expect(files).toHaveLength(15);
  for (const path of files.slice(9)) expect(read(path)).not.toBe("");
});

describe("docs/options.md", () => {
  const text = read("docs/options.md");
  const sources = readSourceTree("src");
  const interfaces = ["AuthOptions", "PasswordSettings", "MfaOptions", "PasskeyOptions", "PersonalAccessTokenOptions"];

  test.each([...interfaces, "Limits", "SessionLifetimes"])("has every member of %s", (name) => {
    const members = sources.flatMap(({ program }) =>
      [...visit(program)]
        .map(({ node }) => node)
        .filter(({ type, id }) => type === "TSInterfaceDeclaration" && (id as SyntaxNode).name === name)
        .flatMap(({ body }) => (body as SyntaxNode).body as SyntaxNode[])
        .map(({ key }) => (key as SyntaxNode).name as string),
    );
    expect(members.length).toBeGreaterThan(0);
    expect(members.filter((member) => !new RegExp(`\`(\\w+\\.)?${member}\``).test(text))).toEqual([]);
  });
});

test("docs/passkeys.md: lists the differences between the verifiers that the contract tests have", () => {
  const rows = differences.map(({ response, registration, assertion }) => {
    const sallyport = (registration ?? assertion) === "accepts" ? "refuses" : "accepts";
    // Both must accept a response.
    return [response, sallyport, registration ?? "–", assertion ?? "–", "refuses"];
  });
  expect(tableBelow(read("docs/passkeys.md"), "## Differences")).toEqual(rows);
});

/** The parts of a Valibot schema that the table of routes shows. */
interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly Schema[];
  readonly literal?: unknown;
}

/** The members of a body: `identifier, password, transport?`. */
function members(schema: Schema | undefined): string {
  if (!schema) return "";
  const { entries, options } = schema;
  if (!entries) return (options ?? []).map(members).join(" *or* ");
  return Object.entries(entries)
    .map(([name, { type, literal }]) =>
      literal === undefined
        ? `\`${name}${/optional/.test(type) ? "?" : ""}\``
        : `\`${name}: ${JSON.stringify(literal)}\``,
    )
    .join(", ");
}

const open: Record<Extract<RouteAccess, string>, string> = {
  anyone: "anyone",
  ticket: "the login ticket",
  token: "the session's token",
  optional: "the session's token, if any",
};

function caller(access: RouteAccess): string {
  if (typeof access === "string") return open[access];
  const owner = access.owner && `the owner${access.owner === "fresh" ? ", fresh" : ""}`;
  const writer = access.writer && (access.writer === "tuple" ? "a writer of the tuple" : "a writer of the object");
  return [owner, writer, access.administrator && "an administrator"].filter(Boolean).join("; ") || "the application";
}

function rowOf({ id, method, path, access, status, body, query }: AnyRoute): string {
  const sent = [members(body?.() as Schema | undefined), query && `query: ${members(query() as unknown as Schema)}`];
  const cells = [
    `\`${method.toUpperCase()} ${path.replace(/:(\w+)/g, "{$1}")}\``,
    caller(access),
    sent.filter(Boolean).join("; "),
    String(status),
    summaryOf(id).replaceAll("|", "\\|"),
  ];
  return `| ${cells.join(" | ")} |`;
}

const introduction = `# Routes

This page is generated from the table of routes. \`authRoutes\` serves the paths that begin with \`/auth\`, and
\`flametrenchRoutes\` the paths that begin with \`/v1\`. An application has the rows of \`core\` and of the features that it
lists. Bodies are JSON, but for those that a provider sends as a form; \`?\` marks an optional member. The [OpenAPI document](../README.md#features) at \`/openapi.json\` has
the schemas and the refusals of each row.

- **anyone**: no credential is read.
- **the login ticket**: the result of a proof, in the cookie \`__Host-login-ticket\` or the header \`Login-Ticket\`.
- **the owner**: a session of the user who owns the object. **fresh**: proved within the last ten minutes, with the second
  factor if the user has one.
- **an administrator**: with a second factor proved within the last thirty minutes.

JSON is in snake case and has the specification's names; TypeScript has the same names in camel case (\`created_at\`,
\`createdAt\`).

Besides these rows, \`healthRoutes\` serves \`GET /health\` and \`openapiRoutes\` serves \`GET /openapi.json\`.
`;

test("docs/routes.md is the table of routes; `-u` writes it", async () => {
  const tables = Object.entries(routesByFeature).map(([feature, rows]) =>
    [
      `## ${feature}`,
      "",
      "| route | who | body | status | does |",
      "|---|---|---|---|---|",
      ...rows.map(rowOf),
      "",
    ].join("\n"),
  );
  expect(Object.values(routesByFeature).flat().length).toBeGreaterThan(50);
  await expect(`${introduction}\n${tables.join("\n")}`).toMatchFileSnapshot("../docs/routes.md");
});

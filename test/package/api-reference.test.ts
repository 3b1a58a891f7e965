/**
 * The API reference, and that an application can import every type which the package's types mention.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lintReference, pagesOf, writeApiReference } from "../../build/api-reference.node.ts";

const root = new URL("../../", import.meta.url);
const { exports: entries }: { exports: Record<string, string> } = JSON.parse(
  readFileSync(new URL("jsr.json", root), "utf8"),
);

describe("API reference", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sallyport-reference-"));
    writeApiReference(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(Object.entries(entries))("%s: every exported function and class has a page", async (entry, source) => {
    const pages = join(folder, pagesOf(entry));
    expect(existsSync(join(pages, "index.html"))).toBe(true);
    const names = Object.keys(await import(new URL(source, root).href));
    expect(names.filter((name) => !existsSync(join(pages, "~", `${name}.html`)))).toEqual([]);
  });

  test("shows the comment and the errors of an operation, and what to import", () => {
    const page = readFileSync(join(folder, pagesOf("."), "~", "createAuth.html"), "utf8");
    expect(page).toContain("Makes the operations of an application");
    expect(page).toMatch(/from &quot;sallyport&quot;/);
    expect(page).not.toContain(tmpdir());
  });
});

/** What an application needs not import. */
const notOurs = ["Client", "Context", "Hono", "MiddlewareHandler", "PGlite", "Pool", "PoolClient"];
/** Tables of fields: the types that follow from them are exported, each under its own name. */
const tables = /^(ValueOf|WireOf|[a-z]\w*)$/;
/** What only Sallyport makes and takes. */
const opaque = [
  "AnyAuth",
  "ApiIn",
  "ApiOf",
  "Answers",
  "Asked",
  "AttestationVerifier",
  "Bytes",
  "Core",
  "Of",
  "OperationsOf",
  "Purge",
  "Subject",
  "SessionSubject",
  "SystemSubject",
  "WithRealm",
  "Work",
];

test("types that the package's types mention: an entry exports each", async () => {
  const exported = Object.values(entries).flatMap((source) => {
    const text = readFileSync(new URL(source, root), "utf8");
    return [...text.matchAll(/\b[A-Z]\w+\b/g)].map(([name]) => name);
  });
  const known = new Set([...notOurs, ...opaque, ...exported]);
  expect(lintReference().unexported.filter(({ type }) => !known.has(type) && !tables.test(type))).toEqual([]);
});

test("lists of types that are not exported: each is still mentioned", () => {
  const mentioned = new Set(lintReference().unexported.map(({ type }) => type));
  expect([...notOurs, ...opaque].filter((type) => !mentioned.has(type))).toEqual([]);
});

test("every exported name has a comment, and every overload", () => {
  expect(lintReference().undocumented).toEqual([]);
});

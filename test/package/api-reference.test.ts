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

/** Types of other packages, which an application does not import from Sallyport. */
const notOurs = ["Client", "Context", "Hono", "MiddlewareHandler", "PGlite", "Pool", "PoolClient"];
/** Tables of fields. The types that follow from them are exported under their own names. */
const tables = /^(ValueOf|WireOf|[a-z]\w*)$/;
/** Types whose values an application receives and passes back, but never names. */
const opaque = [
  "AnyAuth",
  "ApiIn",
  "ApiOf",
  "Answers",
  "Asked",
  "AttestationVerifier",
  "Bytes",
  "Core",
  "KeepingCore",
  "NewIdentity",
  "Of",
  "OperationsOf",
  "Purge",
  "Subject",
  "SessionSubject",
  "SystemSubject",
  "WithRealm",
  "Work",
];

test("an entry exports every type that the package's types mention", async () => {
  const exported = Object.values(entries).flatMap((source) => {
    const text = readFileSync(new URL(source, root), "utf8");
    return [...text.matchAll(/\b[A-Z]\w+\b/g)].map(([name]) => name);
  });
  const known = new Set([...notOurs, ...opaque, ...exported]);
  expect(lintReference().unexported.filter(({ type }) => !known.has(type) && !tables.test(type))).toEqual([]);
});

test("lists of unexported types: each is still mentioned", () => {
  const mentioned = new Set(lintReference().unexported.map(({ type }) => type));
  expect([...notOurs, ...opaque].filter((type) => !mentioned.has(type))).toEqual([]);
});

test("every exported name and every overload has a comment", () => {
  expect(lintReference().undocumented).toEqual([]);
});

/** An application's bundle contains no text of features that it does not use. @module */
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { bundle as bundleOf } from "../../bench/workerd.node.ts";
import { openapi } from "../../src/http/generated/openapi.ts";
import { literalText, readTestTree, visit } from "../architecture/source-tree.ts";
import { pack, root, temporaryFolder } from "./tarball.ts";

let folder: string;
let bundle: typeof bundleOf;

beforeAll(async () => {
  folder = await temporaryFolder();
  await pack(folder);
  const project = join(folder, "project");
  await cp(join(root, "bench"), join(project, "bench"), { recursive: true });
  ({ bundle } = await import(join(project, "bench/workerd.node.ts")));
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The script of a Worker of `bench/workers`, minified. */
async function scriptOf(name: string): Promise<string> {
  const built = await bundle(`bench/workers/${name}.ts`, { external: ["sallyport/neon"] });
  const script = await readFile(join(built.folder, "worker.js"), "utf8");
  await built.remove();
  // A bundler writes other letters as escapes.
  return script.replace(/\\x([\dA-F]{2})|\\u([\dA-F]{4})/g, (_escape, ...[byte, unit]: string[]) =>
    String.fromCharCode(Number.parseInt(byte ?? unit!, 16)),
  );
}

/** True if a minifier keeps the text and no other part of the library contains it. */
const isDistinctive = (text: string): boolean =>
  text.length >= 30 && / .* /.test(text) && /^[\w ,.:;()/=-]+$/.test(text);

/** Sentences of catalogues, in any letters, between their slots. */
function sentencesIn(path: RegExp): string[] {
  const files = readTestTree("src").filter((file) => path.test(file.path));
  const literals = files.flatMap(({ program }) => [...visit(program)].map(({ node }) => literalText(node) ?? ""));
  const parts = literals.flatMap((text) => text.split(/\{\w+\}|…/));
  return [...new Set(parts.filter((part) => part.length >= 30 && /^[^"'`\\\n]* [^"'`\\\n]*$/.test(part)))];
}

/** Sentences of the pages in English. Scripts and styles are minified, so no bundle has their lines. */
function pageTexts(): string[] {
  const files = readTestTree("src/pages").filter(({ path }) => !/german|-script\.ts$|style\.ts$/.test(path));
  const nodes = files.flatMap(({ program }) => [...visit(program)].map(({ node }) => node));
  const texts = nodes.map((node) => (node.type === "JSXText" ? (node.value as string).trim() : literalText(node)));
  const lines = texts.flatMap((text) => (text?.includes("\n") && !text.includes(";") ? [] : (text?.split("\n") ?? [])));
  return [...new Set(lines.map((line) => line.trim()).filter(isDistinctive))];
}

/** The descriptions in the document. The summaries of operations do not count: each row of the route table has its own. */
function documentTexts(): string[] {
  const texts: string[] = ["operationId", "#/components/schemas/"];
  JSON.parse(openapi, (key, value) => {
    if (key === "description" && typeof value === "string" && isDistinctive(value)) texts.push(value);
    return value;
  });
  return [...new Set(texts)];
}

test.each([
  { what: "page", texts: pageTexts(), name: "api-and-organization-pages", other: "api", least: 40 },
  { what: "OpenAPI", texts: documentTexts(), name: "api-and-document", other: "api", least: 7 },
  { what: "mail", texts: sentencesIn(/mail-texts\/english/), name: "mail", other: "api", least: 30 },
  {
    what: "German page",
    texts: sentencesIn(/pages\/texts\/german/),
    name: "api-and-german-pages",
    other: "api-and-pages",
    least: 100,
  },
  { what: "German mail", texts: sentencesIn(/mail-texts\/german/), name: "german-mail", other: "mail", least: 30 },
])("a Worker that does not ask for it: no $what text ($other)", async ({ texts, name, other, least }) => {
  expect(texts.length).toBeGreaterThan(least);
  const [withThem, without] = [await scriptOf(name), await scriptOf(other)];
  // A bundle with these texts contains all of them, so none is missed because it is written differently.
  expect(texts.filter((text) => !withThem.includes(text))).toEqual([]);
  expect(without.length).toBeGreaterThan(100_000);
  expect(texts.filter((text) => without.includes(text))).toEqual([]);
});

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

/** One node of the syntax tree (ESTree, with TypeScript's nodes). */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** One import, export from, dynamic import or import type. */
export interface Import {
  /** A path from the project's root, or the name of a package as it is written. */
  readonly target: string;
  readonly isRelative: boolean;
  readonly names: readonly string[];
}

export interface ParsedFile {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: SyntaxNode;
}

export interface SourceFile extends ParsedFile {
  readonly imports: readonly Import[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A rule of the architecture: how to find a breach of it, and files that contain some. */
export interface Gate {
  readonly rule: string;
  readonly find: (files: readonly SourceFile[]) => string[];
  /** The text of files by their paths. */
  readonly planted: Readonly<Record<string, string>>;
  readonly found: readonly string[];
}

/** True for a file that may use Node. */
export function isForNode(path: string): boolean {
  return /\.node\.ts$|^src\/cli\//.test(path);
}

/** True if a script wrote the file. */
export function isGenerated(path: string): boolean {
  return path.includes("/generated/");
}

/** Every TypeScript file in the folders. */
export function readSourceTree(...folders: readonly string[]): SourceFile[] {
  return textsBelow(folders).map(({ path, text }) => parseSource(path, text));
}

/** The same files without their imports, because tests also build trees at run time. */
export function readTestTree(...folders: readonly string[]): ParsedFile[] {
  return textsBelow(folders).map(({ path, text }) => parseFile(path, text));
}

/** One file, from its text. */
export function parseSource(path: string, text: string): SourceFile {
  const file = parseFile(path, text);
  return { ...file, imports: importsOf(path, file.program) };
}

export function parseFile(path: string, text: string): ParsedFile {
  const lang = path.endsWith(".d.ts") ? "dts" : path.endsWith(".tsx") ? "tsx" : "ts";
  const options = { lang, astType: "ts" } as const;
  return { path, text, program: parseAst(text, options, path) as unknown as SyntaxNode };
}

function textsBelow(folders: readonly string[]): { path: string; text: string }[] {
  return folders.flatMap((folder) =>
    readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
      .map((file) => posix.join(folder, file.replaceAll("\\", "/")))
      .filter((path) => /\.tsx?$/.test(path))
      .sort()
      .map((path) => ({ path, text: readFileSync(posix.join(root, path), "utf8") })),
  );
}

/** `path:line`, for messages. */
export function placeOf({ path, text }: ParsedFile, node: SyntaxNode): string {
  return `${path}:${text.slice(0, node.start).split("\n").length}`;
}

export interface Visited {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | undefined;
  /** The field of the parent that holds the node. */
  readonly field: string;
}

/** The node and all nodes below it, in order; without those below a node for which `isOpaque` returns true. */
export function* visit(
  node: SyntaxNode,
  isOpaque: (visited: Visited) => boolean = () => false,
  from: Omit<Visited, "node"> = { parent: undefined, field: "" },
): Generator<Visited> {
  const visited = { node, ...from };
  yield visited;
  if (isOpaque(visited)) return;
  for (const [field, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* visit(child, isOpaque, { parent: node, field });
    }
  }
}

/** The text of a string, or of a template with `…` for each value; `undefined` for anything else. */
export function literalText(node: SyntaxNode): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type !== "TemplateLiteral") return undefined;
  return (node.quasis as { value: { raw: string } }[]).map(({ value }) => value.raw).join("…");
}

/** `a.b` for a member expression of plain names, `a` for a name; `undefined` for anything else. */
export function dottedName(node: SyntaxNode): string | undefined {
  if (node.type === "Identifier") return node.name as string;
  if (node.type !== "MemberExpression") return undefined;
  const property = node.property as SyntaxNode;
  const name = node.computed ? literalText(property) : (property.name as string);
  const object = dottedName(node.object as SyntaxNode);
  return object !== undefined && name !== undefined ? `${object}.${name}` : undefined;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function importsOf(path: string, program: SyntaxNode): Import[] {
  const imports: Import[] = [];
  for (const { node } of visit(program)) {
    const isImport = /^(ImportDeclaration|Export(Named|All)Declaration|ImportExpression|TSImportType)$/.test(node.type);
    if (node.type === "TSExternalModuleReference") throw new Error(`${path} imports as CommonJS does.`);
    if (!isImport || !isNode(node.source)) continue;
    const specifier = literalText(node.source);
    // The build reads whole folders, so that no list of files can lack one.
    if (specifier === undefined && path.startsWith("build/")) continue;
    if (specifier === undefined || specifier.includes("…"))
      throw new Error(`${path} imports something that only run time knows.`);
    const isRelative = /^\.\.?\//.test(specifier);
    const target = isRelative ? posix.join(posix.dirname(path), specifier) : specifier;
    imports.push({ target, isRelative, names: namesOf(node) });
  }
  return imports;
}

function namesOf({ specifiers }: SyntaxNode): string[] {
  if (!Array.isArray(specifiers)) return [];
  return (specifiers as SyntaxNode[]).flatMap(({ imported, local }) => {
    const name = (imported ?? local) as SyntaxNode;
    return name.type === "Identifier" ? [name.name as string] : [];
  });
}

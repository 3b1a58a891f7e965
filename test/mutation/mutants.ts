/**
 * Mutants: small faults in a source, one at a time. A test that fails has killed its mutant.
 *
 * Nothing changes in types, imports, comments, the texts of errors, or strings.
 *
 * @module
 */
import { parseFile, type SyntaxNode, type Visited, visit } from "../architecture/source-tree.ts";
import { sqlMutants } from "./sql-mutants.ts";

/** A part of a source, and what stands there instead. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly after: string;
}

export interface Mutant extends Replacement {
  readonly path: string;
  readonly line: number;
  /** The line's text without indentation. */
  readonly lineText: string;
  readonly before: string;
}

/** Every mutant of a source, in order of place. */
export function mutantsOf(path: string, text: string): Mutant[] {
  const found = new Map<string, Replacement>();
  for (const visited of visit(parseFile(path, text).program, isOpaque)) {
    if (isOpaque(visited)) continue;
    for (const one of [...mutate(visited, text)]) {
      const key = `${one.start}-${one.end}-${one.after}`;
      if (one.after !== text.slice(one.start, one.end)) found.set(key, one);
    }
  }
  const lines = text.split("\n");
  return [...found.values()]
    .sort((a, b) => a.start - b.start || a.end - b.end || (a.after < b.after ? -1 : 1))
    .map((one) => {
      const line = text.slice(0, one.start).split("\n").length;
      return { ...one, path, line, lineText: lines[line - 1]!.trim(), before: text.slice(one.start, one.end) };
    });
}

/** The source with the fault. */
export function withMutant(text: string, { start, end, after }: Replacement): string {
  return text.slice(0, start) + after + text.slice(end);
}

/** `path:line  before → after`, each on one line. */
export function describeMutant({ path, line, before, after }: Mutant): string {
  return `${path}:${line}  ${onOneLine(before)} → ${onOneLine(after) || "(removed)"}`;
}

export function onOneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

const comparisons: Readonly<Record<string, string>> = {
  "===": "!==",
  "!==": "===",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
};

/** Nodes of TypeScript that hold an expression; all others hold types. */
const holdsExpression = /^TS(As|Satisfies|NonNull)Expression$/;

function isOpaque({ node, parent, field }: Visited): boolean {
  if (node.type.startsWith("TS")) return !holdsExpression.test(node.type);
  if (/^(ImportDeclaration|ExportAllDeclaration|ImportExpression)$/.test(node.type)) return true;
  // The text of an error, and the name of a property.
  if (parent?.type === "NewExpression" && field === "arguments" && isErrorName(parent.callee)) return true;
  return /^(Property|MethodDefinition|PropertyDefinition)$/.test(parent?.type ?? "") && field === "key";
}

function isErrorName(callee: unknown): boolean {
  return /(Error|Refusal)$/.test(String((callee as { name?: unknown }).name));
}

function* mutate({ node, parent, field }: Visited, text: string): Generator<Replacement> {
  const { type } = node;
  const whole = (after: string): Replacement => ({ start: node.start, end: endOf(node), after });
  if (type === "BinaryExpression" || type === "LogicalExpression") yield* mutateOperator(node, text);
  if (type === "UnaryExpression" && node.operator === "!") {
    const isInner = parent?.type === "UnaryExpression" && parent.operator === "!";
    if (!isInner) yield whole(sourceOf(node.argument, text));
  }
  if (type === "Literal" && typeof node.value === "boolean") yield whole(String(!node.value));
  if (type === "Literal" && typeof node.value === "number") {
    const isNegative = parent?.type === "UnaryExpression" && parent.operator === "-";
    yield whole(`(${node.raw} + 1)`);
    if (!isNegative || node.value !== 0) yield whole(`(${node.raw} - 1)`);
  }
  if (field === "test" && /^(If|While|DoWhile|For)Statement$|^ConditionalExpression$/.test(parent?.type ?? "")) {
    yield whole("false");
    // A loop without an end tells nothing.
    if (/^(If|Cond)/.test(parent?.type ?? "")) yield whole("true");
  }
  // `if (…) throw` without its throw is the same mutant as a condition that is false.
  if (type === "ThrowStatement" && !isOnlyStatementOfIf(parent, field)) yield whole(";");
  if (type === "ExpressionStatement" && typeof node.directive !== "string" && !isOnlyStatementOfIf(parent, field))
    yield whole(";");
  if (type === "TaggedTemplateExpression" && (node.tag as SyntaxNode).name === "sql") {
    const quasi = node.quasi as SyntaxNode;
    const values = (quasi.expressions as SyntaxNode[]).map((value) => ({ start: value.start, end: endOf(value) }));
    const isAssignment = parent?.type === "Property" && (parent.key as SyntaxNode).name === "set";
    yield* sqlMutants(text, { start: quasi.start + 1, end: endOf(quasi) - 1, values, isAssignment });
  }
}

function* mutateOperator(node: SyntaxNode, text: string): Generator<Replacement> {
  const [left, right] = [node.left as SyntaxNode, node.right as SyntaxNode];
  const operator = String(node.operator);
  const start = text.indexOf(operator, endOf(left));
  const swap = (after: string): Replacement => ({ start, end: start + operator.length, after });
  if (comparisons[operator]) yield swap(comparisons[operator]);
  if (operator === "&&") yield swap("||");
  if (operator === "||") yield swap("&&");
  if (operator === "??") yield { start: node.start, end: endOf(right), after: `(${sourceOf(left, text)})` };
}

function isOnlyStatementOfIf(parent: SyntaxNode | undefined, field: string): boolean {
  return parent?.type === "IfStatement" && field === "consequent" && !parent.alternate;
}

function endOf(node: SyntaxNode): number {
  return node.end as number;
}

function sourceOf(node: unknown, text: string): string {
  const { start, end } = node as { start: number; end: number };
  return text.slice(start, end);
}

import type { ParsedFile, SyntaxNode } from "./source-tree.ts";
import { placeOf, visit } from "./source-tree.ts";

/** One line of `docs/security.md`: a rule, and the test file that proves it. */
export interface ListedRule {
  readonly number: string;
  readonly test: string;
  readonly line: number;
}

/** The families of rule numbers. A date (`T23:59`) or a version (`V8`) does not count. */
const ruleNumber = /(?<![\w}-])(?:S\d{2}|R\d{3}|[BT]\d{2}|F\d{1,2}|H\d|M\d{1,2})(?!\w)/g;
/** In a test, only a citation counts. A comma, a colon or a bracket ends it: `"S04, R037: …"`, `"… (B24)"`. */
const citedNumber = new RegExp(`${ruleNumber.source}(?=[,:)])`, "g");

/** The rules that `docs/security.md` lists. @throws {Error} If an item has another form. */
export function readSecurityDocument(text: string): ListedRule[] {
  return text.split("\n").flatMap((line, index) => {
    if (!line.startsWith("- ")) return [];
    const item = /^- \*\*([A-Z]\d+)\*\* .+\. \(\[[^\]]+\]\(\.\.\/(test\/[\w./-]+)\)\)$/.exec(line);
    if (!item) throw new Error(`docs/security.md:${index + 1} is not "- **number** Sentence. ([name](../test/file))"`);
    return [{ number: item[1]!, test: item[2]!, line: index + 1 }];
  });
}

/** The places where the document, the sources and the tests disagree. */
export function findRuleMismatches({
  rules,
  sources,
  tests,
}: {
  rules: readonly ListedRule[];
  sources: readonly ParsedFile[];
  tests: readonly ParsedFile[];
}): string[] {
  const listed = new Set(rules.map(({ number }) => number));
  const cited = new Set<string>();
  const problems: string[] = [];
  const cite = (number: string, place: string): void => {
    cited.add(number);
    if (!listed.has(number)) problems.push(`${place} cites ${number}, which docs/security.md does not list`);
  };

  for (const file of sources) {
    for (const match of file.text.matchAll(ruleNumber)) {
      cite(match[0], placeOf(file, { type: "Citation", start: match.index }));
    }
  }
  const named = new Map<string, Set<string>>();
  for (const file of tests) {
    for (const { number, node } of citationsIn(file)) {
      cite(number, placeOf(file, node));
      named.set(file.path, (named.get(file.path) ?? new Set()).add(number));
    }
  }
  const seen = new Set<string>();
  for (const { number, test, line } of rules) {
    const place = `docs/security.md:${line}`;
    if (seen.has(number)) problems.push(`${place} lists ${number} again`);
    seen.add(number);
    if (!cited.has(number)) problems.push(`${place} lists ${number}, which nothing cites`);
    if (!named.get(test)?.has(number)) problems.push(`${place}: no title in ${test} names ${number}`);
  }
  return problems;
}

function citationsIn(file: ParsedFile): { number: string; node: SyntaxNode }[] {
  return [...visit(file.program)].flatMap(({ node }) => {
    const texts =
      node.type === "Literal" && typeof node.value === "string"
        ? [node.value]
        : node.type === "TemplateLiteral"
          ? (node.quasis as { value: { raw: string } }[]).map(({ value }) => value.raw)
          : [];
    return texts.flatMap((text) => [...text.matchAll(citedNumber)].map(([number]) => ({ number, node })));
  });
}

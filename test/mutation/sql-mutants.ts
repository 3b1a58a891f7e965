import type { Replacement } from "./mutants.ts";

/** A statement's text within a source: where it stands, and the values inside it. */
export interface SqlText {
  readonly start: number;
  readonly end: number;
  readonly values: readonly { readonly start: number; readonly end: number }[];
  /** Whether the text is a list of assignments, without its `set`. */
  readonly isAssignment?: boolean;
}

/** The mutants of a statement. What stands inside a value, a string or a comment is not changed. */
export function* sqlMutants(source: string, sql: SqlText): Generator<Replacement> {
  const code = maskedText(source, sql);
  const at = (from: number, to: number, after: string): Replacement => ({
    start: sql.start + from,
    end: sql.start + to,
    after,
  });
  const assigned = assignments(code, sql.isAssignment ?? false);
  for (const { pattern, after } of swaps) {
    for (const { index, 0: found } of code.matchAll(pattern)) {
      if (found === "=" && assigned.has(index)) continue;
      if (found === "and" && isOfBetween(code, index)) continue;
      yield at(index, index + found.length, after);
    }
  }
  for (const { index } of code.matchAll(/\bcoalesce\(/g)) {
    const [first, end] = firstArgument(code, index + "coalesce(".length);
    yield at(index, end, source.slice(sql.start + index + "coalesce(".length, sql.start + first));
  }
  for (const { index } of code.matchAll(/\band\b/g)) {
    if (isOfBetween(code, index)) continue;
    const end = endOfConjunct(code, index + "and".length);
    if (code.slice(index + "and".length, end).trim()) yield at(index, end, "");
  }
}

const swaps: readonly { pattern: RegExp; after: string }[] = [
  { pattern: /(?<![<>!:=])=(?![>=])/g, after: "<>" },
  { pattern: /<>/g, after: "=" },
  { pattern: /(?<![<@])<(?![=>@<])/g, after: "<=" },
  { pattern: /<=/g, after: "<" },
  { pattern: /(?<![-<=@>#])>(?![=>])/g, after: ">=" },
  { pattern: />=/g, after: ">" },
  { pattern: /\band\b/g, after: "or" },
  { pattern: /\bor\b/g, after: "and" },
  { pattern: /\bis null\b/g, after: "is not null" },
  { pattern: /\bis not null\b/g, after: "is null" },
  { pattern: /(?<!\bis )\bnot (?!null\b|materialized\b)/g, after: "" },
  { pattern: /(?<!\bnot )\bexists(?= ?\()/g, after: "not exists" },
  { pattern: /\bgreatest(?=\()/g, after: "least" },
  { pattern: /\bleast(?=\()/g, after: "greatest" },
  { pattern: /\+(?= (?:make_interval|interval)\b)/g, after: "-" },
];

/** The text of the same length, with fillers for values, for the insides of strings and for comments. */
function maskedText(source: string, { start, end, values }: SqlText): string {
  let text = source.slice(start, end);
  const fill = (from: number, to: number, filler: string): void => {
    text = text.slice(0, from) + filler.repeat(to - from) + text.slice(to);
  };
  for (const value of values) {
    // With the `${` and the `}` around it.
    const close = source.indexOf("}", value.end) + 1;
    fill(source.lastIndexOf("$", value.start) - start, close - start, "¤");
  }
  for (const { index, 0: found } of [...text.matchAll(/--[^\n]*/g)]) fill(index, index + found.length, " ");
  for (const { index, 0: found } of [...text.matchAll(/'[^']*'/g)]) fill(index + 1, index + found.length - 1, "¤");
  return text;
}

/** The places of the `=` that assign: one for each column after `set`. */
function assignments(code: string, startsInside: boolean): ReadonlySet<number> {
  const places = new Set<number>();
  const starts = [...code.matchAll(/\bset\b/g)].map(({ index }) => index + "set".length);
  for (const start of startsInside ? [0, ...starts] : starts) {
    let isNext = true;
    for (const { index, found, depth } of wordsAndSigns(code, start)) {
      if (depth < 0 || /^(where|from|returning)$/.test(found)) break;
      if (depth > 0) continue;
      if (found === ",") isNext = true;
      if (found === "=" && isNext) {
        places.add(index);
        isNext = false;
      }
    }
  }
  return places;
}

/** Where the first argument ends, and where the call ends. */
function firstArgument(code: string, start: number): [number, number] {
  let comma: number | undefined;
  for (const { index, found, depth } of wordsAndSigns(code, start)) {
    if (found === "," && depth === 0) comma ??= index;
    if (depth < 0) return [comma ?? index, index + 1];
  }
  throw new TypeError(`A call has no end: ${code.slice(start)}`);
}

/** Where a conjunct ends: at the next word or bracket that is outside it. */
function endOfConjunct(code: string, start: number): number {
  for (const { index, found, depth } of wordsAndSigns(code, start)) {
    if (depth < 0) return index;
    if (depth === 0 && (endsConjunct.test(found) || found === ",")) return index;
  }
  return code.trimEnd().length;
}

const endsConjunct =
  /^(and|or|then|when|else|end|where|from|group|order|returning|limit|for|union|on|left|join|cross|as|do)$/;

function isOfBetween(code: string, index: number): boolean {
  return /\bbetween\s+\S+\s+$/.test(code.slice(0, index));
}

/** Words, and signs that matter, with the depth of brackets and of `case … end` relative to the start. */
function* wordsAndSigns(code: string, start: number): Generator<{ index: number; found: string; depth: number }> {
  let depth = 0;
  const pattern = /\w+|[(),=[\]]/g;
  pattern.lastIndex = start;
  for (let match = pattern.exec(code); match; match = pattern.exec(code)) {
    const [found] = match;
    if (found === ")" || found === "]" || found === "end") depth--;
    yield { index: match.index, found, depth };
    if (found === "(" || found === "[" || found === "case") depth++;
  }
}

import { parseAst } from "vitest/node";

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Removes indentation and comments from the SQL statements of a script: they cost bytes in every bundle and every request. */
export function squeezeSql(script: string): string {
  const texts: Node[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    if (node.type === "TaggedTemplateExpression" && (node.tag as Node).name === "sql") {
      texts.push(...((node.quasi as Node).quasis as Node[]));
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(script));
  // Replaced from the end, so that earlier positions stay valid.
  return texts
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end }) => text.slice(0, start) + squeeze(text.slice(start, end)) + text.slice(end), script);
}

function squeeze(sql: string): string {
  return sql.replace(/^\s*--.*$/gm, "").replace(/\s*\n\s*/g, " ");
}

import { edited, type Node, visitNodes } from "./script-edits.node.ts";

/**
 * A script whose statements have neither indentation nor comments: both cost bytes in every bundle and every request.
 *
 * @throws {TypeError} For a statement that would mean something else on one line.
 */
export function squeezeSql(script: string): string {
  const texts: Node[] = [];
  visitNodes(script, (node) => {
    if (node.type === "TaggedTemplateExpression" && (node.tag as Node).name === "sql") {
      texts.push(...((node.quasi as Node).quasis as Node[]));
    }
  });
  const edits = texts.map(({ start, end, tail }) => ({
    start,
    end,
    text: squeeze(script.slice(start, end), tail === true),
  }));
  return edited(script, edits);
}

/** @param isLast Whether no value follows. */
function squeeze(sql: string, isLast: boolean): string {
  const code = sql.replace(isLast ? /^\s*--.*$/gm : /^\s*--.*(?=\n)/gm, "");
  // A comment would hide what follows it, and a text or a name would be another one.
  const isUnsafe = /--|\$\$/.test(code) || code.split("\n").slice(0, -1).some(endsWithinQuotes);
  if (isUnsafe) throw new TypeError(`A statement cannot be written on one line: ${sql.trim()}`);
  return code.replace(/\s*\n\s*/g, " ");
}

function endsWithinQuotes(line: string): boolean {
  return line.split("'").length % 2 === 0 || line.split('"').length % 2 === 0;
}

import { type Edit, edited, type Node, visitNodes } from "./script-edits.node.ts";

/**
 * A script of acts or routes without the lists of their refusals. Only the OpenAPI document, doc comments and tests read these
 * lists, and all three read the sources.
 */
export function dropRefusals(script: string): string {
  const edits: Edit[] = [];
  visitNodes(script, (node) => {
    if (node.type !== "ObjectExpression") return;
    const properties = node.properties as readonly Node[];
    for (const [index, property] of properties.entries()) {
      if ((property.key as { name?: unknown } | undefined)?.name !== "refusals") continue;
      const [next, before] = [properties[index + 1], properties[index - 1]];
      const start = next ? property.start : (before?.end ?? property.start);
      edits.push({ start, end: next ? next.start : property.end, text: "" });
    }
  });
  return edited(script, edits);
}

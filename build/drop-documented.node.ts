import { type Edit, edited, type Node, visitNodes } from "./script-edits.node.ts";

/**
 * A script of acts or routes without what only the OpenAPI document, doc comments and tests read, all of which read the sources:
 * the lists of refusals, and the rows' names.
 *
 * @param name The member that holds a row's name, as a text: `name` of an act, `id` of a route.
 */
export function dropDocumented(script: string, name: "name" | "id"): string {
  const edits: Edit[] = [];
  visitNodes(script, (node) => {
    if (node.type !== "ObjectExpression") return;
    const properties = node.properties as readonly Node[];
    const isDropped = (property: Node): boolean => {
      const key = (property.key as { name?: unknown } | undefined)?.name;
      return key === "refusals" || (key === name && /^(Template)?Literal$/.test((property.value as Node).type));
    };
    for (const [index, property] of properties.entries()) {
      if (!isDropped(property)) continue;
      const [before, next] = [properties[index - 1], properties[index + 1]];
      // With the comma before it, or the comma after it if nothing before it stays.
      const isLater = properties.slice(0, index).some((earlier) => !isDropped(earlier));
      const [start, end] = isLater ? [before!.end, property.end] : [property.start, next?.start ?? property.end];
      edits.push({ start, end, text: "" });
    }
  });
  return edited(script, edits);
}

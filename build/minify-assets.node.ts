import { transformSync } from "esbuild";
import { edited, type Node, visitNodes } from "./script-edits.node.ts";

/** The compiled files whose text is an asset that browsers load, and the language of the text. */
export const assetFiles: ReadonlyMap<string, "css" | "js"> = new Map([
  ["pages/style.js", "css"],
  ["pages/page-script.js", "js"],
  ["pages/passkey-script.js", "js"],
]);

/**
 * A script whose template is a style sheet or a script, minified: it is in every bundle with pages, and browsers load it.
 *
 * @throws {TypeError} If the script does not have exactly one template, or the template has values.
 */
export function minifyAsset(script: string, loader: "css" | "js"): string {
  const templates: Node[] = [];
  visitNodes(script, (node) => {
    if (node.type === "TemplateLiteral") templates.push(node);
  });
  const [template, ...others] = templates;
  const [text, ...values] = (template?.quasis ?? []) as Node[];
  if (!template || !text || others.length > 0 || values.length > 0) throw new TypeError("An asset is one template.");
  const { code } = transformSync((text.value as { cooked: string }).cooked, { loader, minify: true });
  return edited(script, [{ start: template.start, end: template.end, text: JSON.stringify(code) }]);
}

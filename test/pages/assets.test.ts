/** The assets of the pages as the package ships them. @module */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assetFiles, minifyAsset } from "../../build/minify-assets.node.ts";

describe("minified assets", () => {
  test.each([...assetFiles])("%s: shorter, and the same text as a value", (name, loader) => {
    const source = readFileSync(new URL(`../../src/${name.replace(/\.js$/, ".ts")}`, import.meta.url), "utf8");
    const script = minifyAsset(source, loader);
    expect(script.length).toBeLessThan(source.length * 0.95);
    const text = JSON.parse(/^export const \w+ = (".*");$/m.exec(script)![1]!);
    expect(text).not.toContain("\n  ");
    expect(text.length).toBeGreaterThan(500);
  });

  test.each([
    ["a value in the template", `export const a = \`x$\{1}\`;`],
    ["two templates", "export const a = `x`; export const b = `y`;"],
    ["none", "export const a = 'x';"],
  ])("%s: refused", (_name, script) => {
    expect(() => minifyAsset(script, "js")).toThrow(TypeError);
  });
});

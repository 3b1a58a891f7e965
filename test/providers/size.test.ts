import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL("../../src/providers", import.meta.url));
/** A file with a hyphen is a part of a provider, which exports it. */
const names = (await readdir(folder))
  .map((name) => name.replace(/\.ts$/, ""))
  .filter((name) => name !== "oidc" && !name.includes("-"));

/** The gzipped bytes of an application that has these providers. */
async function bytesOf(...providers: readonly string[]): Promise<number> {
  const contents = providers.map((name) => `export * from "./${name}.ts";`).join("\n");
  const stdin = { contents, resolveDir: folder };
  const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "esm", write: false });
  return gzipSync(outputFiles[0]!.contents).length;
}

describe("a provider adds at most 1 KiB to generic OpenID Connect, gzipped", async () => {
  const generic = await bytesOf("oidc");

  test.each(names)("%s", async (name) => {
    const added = (await bytesOf("oidc", name)) - generic;
    // A provider that adds nothing was not bundled.
    expect(added).toBeGreaterThan(10);
    expect(added).toBeLessThanOrEqual(1024);
  });

  test("all of them", () => expect(names).toHaveLength(8));
});

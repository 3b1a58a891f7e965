import { existsSync } from "node:fs";
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifest, outcomeOf, pack, root, temporaryFolder, tool } from "./tarball.ts";

let folder: string;
let tarball: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  tarball = await pack(folder);
}, 240_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Every connection to this port fails: the dry runs need no network. */
const offline = { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" };

describe("publishing to npm", () => {
  const publish = (args: readonly string[]) =>
    outcomeOf("npm", ["publish", "--dry-run", "--offline", ...args], folder, offline);

  test("dry run of the packed project: accepted", async () => {
    const { exitCode, stdout } = await publish([tarball]);
    expect([exitCode, stdout.trim()]).toEqual([0, `+ sallyport@${manifest.version}`]);
  });

  test("dry run of a file that is not a package: refused", async () => {
    expect((await publish([join(root, "LICENSE")])).exitCode).not.toBe(0);
  });
});

describe("publishing to JSR", () => {
  interface JsrManifest {
    readonly version: string;
    readonly license: string;
    readonly exports: Readonly<Record<string, string>>;
    readonly imports: Readonly<Record<string, string>>;
  }
  const published = async () => JSON.parse(await readFile(join(root, "jsr.json"), "utf8")) as JsrManifest;

  test("jsr.json: same version, license, exports and imports as package.json", async () => {
    const { version, license, exports, imports } = await published();
    expect([version, license]).toEqual([manifest.version, manifest.license]);
    const sources = Object.entries(manifest.exports).map(([subpath, conditions]) => {
      const source = conditions.default!.replace(/^\.\/dist\/(.*)\.js$/, "./src/$1.ts");
      return [subpath, existsSync(join(root, source)) ? source : `${source}x`];
    });
    expect(exports).toEqual(Object.fromEntries(sources));
    const packages = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect(imports).toEqual(Object.fromEntries(packages.map(([name, range]) => [name, `npm:${name}@${range}`])));
  });

  test("dry run: accepted, with the generated files and without the command line", async () => {
    const project = join(folder, "project");
    await cp(join(root, "jsr.json"), join(project, "jsr.json"));
    const environment = { ...offline, DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
    const args = ["publish", "--dry-run", "--no-check", "--allow-dirty"];
    const { exitCode, stdout, stderr } = await outcomeOf(tool("deno"), args, project, environment);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("Dry run complete")]);
    const output = stdout + stderr;
    for (const file of [
      ...Object.values((await published()).exports),
      "./src/runtime/generated/argon2.ts",
      "./NOTICE",
    ]) {
      expect(output).toContain(`project/${file.slice(2)}`);
    }
    expect(output).not.toMatch(/project\/(src\/cli|dist|build)\//);
  });
});

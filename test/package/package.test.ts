import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAst } from "vitest/node";
import { createTestHarness } from "wrangler";
import { loadEdgeFunction } from "./edge-vm.ts";
import {
  installed,
  manifest,
  outcomeOf,
  pack,
  peers,
  root,
  run,
  systemNode,
  temporaryFolder,
  tool,
} from "./tarball.ts";

let folder: string;
let tarball: string;
/** An application with only the tarball, and one with every peer. */
let bare: string;
let full: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  tarball = await pack(folder);
  bare = await installed(join(folder, "bare"), [tarball]);
  full = await installed(join(folder, "full"), [tarball, ...peers]);
}, 240_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** How many entries `test/package/consumer/all.mjs` imports. One of them is for Node alone. */
const entries = 44;

describe("packed package", () => {
  test("publint: no findings and no suggestions", async () => {
    expect(await run(tool("publint"), ["run", tarball, "--strict", "--level", "suggestion"], folder)).toContain(
      "All good!",
    );
  });

  test("attw: no problem with the types of an ESM-only package", async () => {
    const report = await run(tool("attw"), [tarball, "--profile", "esm-only", "--format", "json"], folder);
    expect(Object.keys(JSON.parse(report).analysis.entrypoints).sort()).toEqual(Object.keys(manifest.exports).sort());
  });

  test("contains the listed files and whatever README links to, without sources, tests and local paths", async () => {
    const files = (await run("tar", ["-tzf", tarball], folder)).trim().split("\n");
    expect(files.length).toBeGreaterThan(100);
    const form =
      /^package\/(dist\/[\w/.-]+\.(js|d\.ts|wasm)|docs\/[\w-]+\.md|examples\/.+|migrations\/(adopting\/)?[\w-]+\.sql|LICENSE|NOTICE|[A-Z]+\.md|package\.json)$/;
    expect(files.filter((file) => !form.test(file))).toEqual([]);
    const linked = [...(await readFile(join(root, "README.md"), "utf8")).matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
    expect(linked.length).toBeGreaterThan(10);
    expect(linked.map(([, path]) => `package/${path}`).filter((path) => !files.includes(path))).toEqual([]);
    expect(files.filter((file) => file.includes(".node."))).toEqual([]);
    const everything = await run("tar", ["-xzOf", tarball], folder);
    expect(everything).not.toContain(root);
    expect(everything).not.toContain(folder);
  });

  test("installing it: brings its dependencies, but no peer and no Node", async () => {
    const packages = Object.keys(
      JSON.parse(await readFile(join(bare, "node_modules/.package-lock.json"), "utf8")).packages,
    );
    for (const name of Object.keys(manifest.dependencies)) expect(packages).toContain(`node_modules/${name}`);
    for (const name of Object.keys(manifest.peerDependencies)) expect(packages).not.toContain(`node_modules/${name}`);
    expect(await readdir(join(bare, "node_modules/.bin"))).not.toContain("node");
  });
});

test("smtpMailer: says which package it needs, and finds it once it is installed", async () => {
  const tried = async (folder: string) => (await run(process.execPath, ["print-smtp.mjs"], folder)).trim();
  expect(await tried(bare)).toBe(
    "smtpMailer needs the package nodemailer: npm install nodemailer. ERR_MODULE_NOT_FOUND",
  );
  expect(await tried(full)).toBe("The SMTP server could not be reached, or broke off. ECONNREFUSED");
});

describe("package exports", () => {
  test("match the snapshot", async () => {
    const { exports } = JSON.parse(await run(process.execPath, ["print-all.mjs"], full));
    expect(exports).toMatchSnapshot();
  });

  test("are all imported by the consumer programs", async () => {
    const texts = await Promise.all(
      ["core.mjs", "all.mjs", "servers.mjs"].map((name) => readFile(join(full, name), "utf8")),
    );
    const imported = [...texts.join("\n").matchAll(/from "sallyport(.*)"/g)].map(([, subpath]) => `.${subpath}`);
    expect(imported.sort()).toEqual(Object.keys(manifest.exports).sort());
  });

  test("have types that a strict project without Node's types accepts", async () => {
    const entries = Object.keys(manifest.exports).map((subpath) => `sallyport${subpath.slice(1)}`);
    const imports = entries.map(
      (entry, index) => `import * as entry${index} from "${entry}";\nentry${index} satisfies object;\n`,
    );
    await writeFile(
      join(full, "types.ts"),
      `${imports.join("")}entry0.createAuth({ ...({} as entry0.AuthOptions), features: [entry0.accounts()] }).users satisfies entry0.UserOperations;\n`,
    );
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--module", "nodenext"];
    await run(
      tool("tsc"),
      [...options, "--target", "es2022", "--lib", "es2022,webworker", "--types", "", "types.ts"],
      full,
    );
  });
});

describe("importing an entry has no side effect", () => {
  const watched = async (...entries: string[]): Promise<string[]> =>
    JSON.parse(await run(process.execPath, ["import-watched.mjs", ...entries], full));

  test("the watcher finds a planted module's side effects", async () => {
    expect(await watched("./guilty.mjs")).toEqual([
      "WebAssembly.Module",
      "crypto.randomUUID",
      "setInterval",
      "changed globalThis.guilty",
      "changed Array.prototype.guilty",
    ]);
  });

  test.each(Object.keys(manifest.exports))("%s", async (subpath) => {
    expect(await watched(`sallyport${subpath.slice(1)}`)).toEqual([]);
  });
});

describe("every entry imported, and a password hashed and verified, in", () => {
  interface Report {
    exports: Record<string, string[]>;
    works: Record<string, boolean>;
  }
  const expectToWork = ({ exports, works }: Report, entries: number) => {
    expect(Object.keys(exports)).toHaveLength(entries);
    for (const names of Object.values(exports)) expect(names).not.toEqual([]);
    expect(Object.keys(works)).toHaveLength(entries > 6 ? 7 : 5);
    expect(Object.entries(works).filter(([, isTrue]) => !isTrue)).toEqual([]);
  };

  test.each([
    { runtime: "the project's Node", program: tool("node"), args: [], version: /^v22\./ },
    { runtime: "the machine's Node", program: systemNode(), args: [], version: /^v\d/ },
    {
      runtime: "Deno",
      program: tool("deno"),
      args: ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "--allow-env", "--allow-read"],
      version: /^deno 2\./,
    },
    { runtime: "Bun", program: tool("bun"), args: ["run"], version: /^1\./ },
  ])("$runtime", async ({ program, args, version }) => {
    expect(await run(program, ["--version"], full)).toMatch(version);
    expectToWork(JSON.parse(await run(program, [...args, "print-core.mjs"], bare)), 6);
    expectToWork(JSON.parse(await run(program, [...args, "print-all.mjs"], full)), entries);
  });

  test.each([
    { case: "without Node's APIs", date: "2026-06-01" },
    { case: "with Node's APIs, which are now on by default", date: "2026-10-01" },
  ])("workerd $case ($date), bundled by wrangler", async ({ date }) => {
    const output = `bundle-${date}`;
    const config = `wrangler-${date}.json`;
    await mkdir(join(full, output));
    await writeFile(
      join(full, config),
      JSON.stringify({ name: "consumer", main: "worker.mjs", compatibility_date: date }),
    );
    const metafile = join(full, output, "meta.json");
    await run(
      tool("wrangler"),
      ["deploy", "--dry-run", "-c", config, "--outdir", output, "--metafile", metafile],
      full,
    );

    const { outputs } = JSON.parse(await readFile(metafile, "utf8"));
    const bundle = Object.keys(outputs).find((path) => path.endsWith("worker.js"))!;
    const imported: string[] = outputs[bundle].imports.map(({ path }: { path: string }) => path);
    expect(imported.map((path) => path.replace(/^\.\/[0-9a-f]{40}-/, ""))).toEqual(["argon2.wasm"]);
    // Hono's JSX asks `process` for `node:async_hooks` if there is one, and imports nothing.
    const script = await readFile(join(full, output, "worker.js"), "utf8");
    expect(script).not.toMatch(/\b(from|import|require)\s*\(?\s*["']node:\w/);

    const harness = createTestHarness({ root: full, workers: [{ configPath: config, prebuiltWorkerDir: output }] });
    await harness.listen();
    try {
      expectToWork((await (await harness.fetch("/")).json()) as Report, entries - 1);
    } finally {
      await harness.close();
    }
  });

  test("Vercel's edge runtime without code generation", async () => {
    const { inputs, evaluate } = await loadEdgeFunction(full, "all.mjs", ["edge-light"]);
    expect(inputs).toContain("node_modules/sallyport/dist/runtime/argon2id.edge-light.js");
    expectToWork(JSON.parse((await evaluate("application.useAll().then(JSON.stringify)")) as string), entries - 1);
  });

  test("the default entry fails in such a runtime, because it compiles", async () => {
    const { inputs, evaluate } = await loadEdgeFunction(full, "all.mjs", []);
    expect(inputs).toContain("node_modules/sallyport/dist/runtime/argon2id.js");
    expect(await evaluate("application.useAll().then(String, String)")).toContain("Wasm code generation disallowed");
  });
});

describe("entries without Node modules", () => {
  test.each(
    Object.entries(manifest.exports).flatMap(([subpath, { types: _, ...conditions }]) =>
      Object.entries(conditions).map(([condition, file]) => [subpath, condition, file] as const),
    ),
  )("%s (%s)", async (_subpath, _condition, file) => {
    const within = join(full, "node_modules/sallyport");
    const reached = new Set<string>();
    const packages = new Set<string>();
    const follow = async (path: string): Promise<void> => {
      if (reached.has(path) || /\.wasm(\?module)?$/.test(path)) return;
      reached.add(path);
      for (const specifier of await importsOf(join(within, path))) {
        if (specifier.startsWith(".")) await follow(join(path, "..", specifier));
        else packages.add(specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/"));
      }
    };
    await follow(file);
    expect(reached.size).toBeGreaterThan(0);
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    expect([...packages].filter((name) => !Object.hasOwn(declared, name))).toEqual([]);
  });
});

describe("installed command line", () => {
  const sallyport = (args: string[], env?: NodeJS.ProcessEnv) =>
    outcomeOf(join(bare, "node_modules/.bin/sallyport"), args, bare, env);

  test("--help", async () => {
    const { exitCode, stdout, stderr } = await sallyport(["--help"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^sallyport <command> \[options\]\n[\s\S]*\bmigrate\b/);
  });

  test("--version and secret: work without any peer", async () => {
    expect((await sallyport(["--version"])).stdout).toBe(`${manifest.version}\n`);
    expect((await sallyport(["secret"])).stdout).toMatch(/^[\w-]{43}\n$/);
  });

  test("a missing peer: the message names it", async () => {
    const { exitCode, stderr } = await sallyport(["migrate"], { DATABASE_URL: "postgres://ada:secret@localhost/app" });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: "sallyport: This driver needs the package pg: npm install pg.\n",
    });
  });
});

/** The bench's output for a part of the built project. */
async function bench(part: string): Promise<string> {
  const project = join(folder, "project");
  for (const name of ["bench", "test"]) await cp(join(root, name), join(project, name), { recursive: true });
  return await run(process.execPath, ["--disable-warning=ExperimentalWarning", "bench/run.node.ts", part], project);
}

test("gzipped: minimal Worker at most 30.3 KiB, 79.5 with Neon's client; with sign-up and plain Hono 35.5; all of identity 81.1; sign-in with Google 23.4 more; sallyport/federation 11 more than sallyport/oidc; organizations 22.6; authorization 8.6, with rules 11; pages 54.2, those of organizations 6.9 more; sallyport/oidc 12, its token cookies 4 and rows 10.8, sallyport/scopes 0.5", async () => {
  const printed = await bench("sizes");
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${name} +\\d+\\.\\d\\d KiB, (\\d+) bytes`, "m").exec(printed)?.[1]);
  const [without, withNeon, bare] = [bytesOf("without a driver"), bytesOf("with Neon's client"), bytesOf("bare Hono")];
  // A Worker smaller than Hono alone was not bundled.
  expect(bare).toBeGreaterThan(1024);
  expect(without).toBeGreaterThan(bare);
  expect(without).toBeLessThanOrEqual(30.3 * 1024);
  expect(withNeon).toBeGreaterThan(without);
  expect(withNeon).toBeLessThanOrEqual(79.5 * 1024);
  const [, kib] = /^ +all +(\d+\.\d\d) KiB$/m.exec(printed)!;
  expect(Number(kib)).toBeLessThanOrEqual(81.1);
  // The OpenID Connect client 12, the feature 11, the provider 0.3.
  const [, google] = /^ +all-with-google +\+ (\d+\.\d\d) KiB$/m.exec(printed)!;
  expect(Number(google)).toBeGreaterThan(12);
  expect(Number(google)).toBeLessThanOrEqual(23.4);
  const [, organizations] = /^ +organizations +\+ (\d+\.\d\d) KiB$/m.exec(printed)!;
  expect(Number(organizations)).toBeGreaterThan(2);
  // Accounts are made by invitation: sign-up and mailed secrets are in it.
  expect(Number(organizations)).toBeLessThanOrEqual(22.6);
  // Its routes and the operations that write; a check alone is less than 1 KiB of it.
  const [authorization, rules] = ["authorization", "rewrite-rules"].map((name) =>
    Number(new RegExp(`^ +${name} +\\+ (\\d+\\.\\d\\d) KiB$`, "m").exec(printed)?.[1]),
  );
  expect(authorization).toBeGreaterThan(2);
  expect(authorization).toBeLessThanOrEqual(8.6);
  expect(rules).toBeGreaterThan(authorization!);
  expect(rules).toBeLessThanOrEqual(11);
  const [, signUp] = /^with sign-up, .* preset (\d+\.\d\d) KiB$/m.exec(printed)!;
  expect(Number(signUp)).toBeLessThanOrEqual(35.5);
  const [, pages, german, ofOrganizations] =
    /^account pages, .*: \+ (\d+\.\d\d) KiB; German \+ (\d+\.\d\d) KiB; organizations \+ (\d+\.\d\d) KiB$/m.exec(
      printed,
    )!;
  expect(Number(pages)).toBeGreaterThan(10);
  expect(Number(pages)).toBeLessThanOrEqual(54.2);
  expect(Number(ofOrganizations)).toBeGreaterThan(4);
  expect(Number(ofOrganizations)).toBeLessThanOrEqual(6.9);
  expect(Number(german)).toBeGreaterThan(1);
  expect(Number(german)).toBeLessThanOrEqual(13);
  const [oidc, scopes] = [bytesOf("sallyport/oidc"), bytesOf("sallyport/scopes")];
  expect(oidc).toBeGreaterThan(8 * 1024);
  expect(oidc).toBeLessThanOrEqual(12 * 1024);
  // What the feature adds to all of identity, with the provider of any issuer, beside that client.
  const [, withOidc] = /^ +all-with-oidc +\+ (\d+\.\d\d) KiB$/m.exec(printed)!;
  expect(Number(withOidc) - oidc / 1024).toBeGreaterThan(5);
  expect(Number(withOidc) - oidc / 1024).toBeLessThanOrEqual(11);
  const cookies = bytesOf("sallyport/oidc/token-cookies");
  expect(cookies).toBeGreaterThan(1024);
  expect(cookies).toBeLessThanOrEqual(4 * 1024);
  const rows = bytesOf("sallyport/oidc/token-rows");
  expect(rows).toBeGreaterThan(4 * 1024);
  expect(rows).toBeLessThanOrEqual(10.8 * 1024);
  expect(scopes).toBeGreaterThan(128);
  expect(scopes).toBeLessThanOrEqual(512);
});

test("round-trip bench: counts the requests of every kind of operation", async () => {
  const printed = await bench("trips");
  const counts = new Map([...printed.matchAll(/^(\S.*?) +(\d+)$/gm)].map(([, name, count]) => [name, Number(count)]));
  const two = ["sign-in", "change password", "token, first", "passkey sign-in", "confirm app", "second factor"];
  expect([...counts].filter(([, count]) => count !== 1)).toEqual(two.map((name) => [name, 2]));
  expect(counts.size).toBeGreaterThan(20);
});

test("timing bench: prints a statistic for every question", async () => {
  const printed = await bench("timing:5");
  const statistics = [...printed.matchAll(/^(\S.*?) +[\d.]+ ms, [\d.]+ ms, \|t\| = \d+\.\d\d$/gm)];
  expect(statistics.map(([, name]) => name)).toEqual([
    "sign-in",
    "control: two unknown",
    "passkey options",
    "personal access token",
  ]);
});

/** The imports of a compiled file, static or dynamic. */
async function importsOf(path: string): Promise<string[]> {
  const { body } = parseAst(await readFile(path, "utf8"), { lang: "js" }, path);
  return body.flatMap((node) => ("source" in node && node.source ? [(node.source as { value: string }).value] : []));
}

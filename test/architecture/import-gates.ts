import { packageEntries } from "./package-entries.ts";
import type { Gate, SourceFile } from "./source-tree.ts";

/** What a folder may import: other layers, and packages. The first row that matches a path is its layer. */
export const layers = [
  { name: "crypto", path: /^src\/crypto\//, layers: [], packages: [] },
  { name: "domain", path: /^src\/domain\//, layers: ["crypto"], packages: ["uuid"] },
  {
    name: "driver",
    path: /^src\/store\/drivers\//,
    layers: ["domain", "store"],
    packages: ["@electric-sql/pglite", "@neondatabase/serverless", "pg"],
  },
  {
    name: "verifier",
    path: /^src\/verifiers\//,
    layers: ["crypto", "domain"],
    packages: ["@simplewebauthn/server"],
  },
  { name: "mailer", path: /^src\/mailers\//, layers: ["domain"], packages: ["nodemailer"] },
  { name: "net", path: /^src\/net\//, layers: ["crypto", "domain"], packages: [] },
  { name: "checker", path: /^src\/checkers\//, layers: ["crypto", "domain", "net"], packages: [] },
  { name: "dns", path: /^src\/dns\//, layers: ["crypto", "domain", "net"], packages: [] },
  { name: "provider", path: /^src\/providers\//, layers: ["crypto", "domain", "net", "oidc"], packages: [] },
  { name: "agents", path: /^src\/agents\//, layers: ["crypto", "domain", "http", "oidc"], packages: ["hono"] },
  {
    name: "token-rows",
    path: /^src\/oidc\/token-rows\.ts$/,
    layers: ["crypto", "domain", "engine", "oidc", "store"],
    packages: [],
  },
  { name: "oidc", path: /^src\/oidc\//, layers: ["crypto", "domain", "net"], packages: [] },
  { name: "store", path: /^src\/store\//, layers: ["domain"], packages: [] },
  { name: "engine", path: /^src\/engine\//, layers: ["crypto", "domain", "store"], packages: [] },
  {
    name: "operations",
    path: /^src\/operations\//,
    layers: ["crypto", "domain", "store", "engine", "dns"],
    packages: [],
  },
  { name: "http", path: /^src\/http\//, layers: ["domain", "engine", "operations"], packages: ["hono", "valibot"] },
  { name: "testing", path: /^src\/testing\//, layers: ["crypto", "domain", "store"], packages: [] },
  { name: "build", path: /^build\//, layers: ["domain", "http", "store"], packages: undefined },
  { name: "runtime", path: /^src\/runtime\//, layers: ["crypto"], packages: [] },
  {
    name: "cli",
    path: /^src\/cli\//,
    layers: ["crypto", "domain", "driver", "engine", "entry", "operations", "runtime", "store"],
    packages: undefined,
  },
  {
    name: "entry",
    path: /^src\/(index|core)\.ts$/,
    layers: ["crypto", "domain", "engine", "http", "operations", "store"],
    packages: [],
  },
  {
    name: "development",
    path: /^worker\/development\/.*\.node\.ts$/,
    layers: ["build", "crypto", "domain", "driver", "store"],
    packages: undefined,
  },
  {
    name: "pages",
    path: /^src\/pages\//,
    layers: ["domain", "engine", "http", "operations", "entry"],
    packages: ["hono", "uqr"],
  },
  {
    name: "worker",
    path: /^worker\//,
    layers: ["dns", "driver", "entry", "http", "mailer", "pages", "provider", "runtime"],
    packages: ["hono"],
  },
] as const;

export const layerOf = (path: string) => layers.find((layer) => layer.path.test(path));

/** The rules about who may import whom. */
export const importGates: readonly Gate[] = [
  {
    rule: "a layer imports only what stands below it",
    find: (files) =>
      files.flatMap(({ path, imports }) => {
        const layer = layerOf(path);
        if (!layer) return [`${path} is in no layer`];
        return imports.flatMap(({ target, isRelative }) => {
          if (isRelative) {
            const name = layerOf(target)?.name;
            const isAllowed = name === layer.name || layer.layers.some((allowed) => allowed === name);
            return isAllowed ? [] : [`${path} imports ${target}`];
          }
          const name = target.split("/", target.startsWith("@") ? 2 : 1).join("/");
          const isAllowed = !layer.packages || layer.packages.some((allowed) => allowed === name);
          return isAllowed ? [] : [`${path} imports ${target}`];
        });
      }),
    planted: {
      "src/crypto/a.ts": `import type { User } from "../domain/user.ts";`,
      "src/domain/a.ts": `export { sql } from "../store/sql.ts"; export * from "../crypto/bytes.ts";`,
      "src/engine/a.ts": `import { signIn } from "../operations/sign-in.ts";`,
      "src/store/a.ts": `type T = import("../operations/auth.ts").Auth; import { neon } from "./drivers/neon.ts";`,
      "src/operations/a.ts": `const h = await import("../http/index.ts");`,
      "src/http/a.ts": `import "../store/sql.ts"; import { Hono } from "hono/tiny"; import pg from "pg";`,
      "src/mailers/a.ts": `import { utf8 } from "../crypto/bytes.ts"; const n = await import("nodemailer/lib/x"); import "pg";`,
      "src/checkers/a.ts": `import { sql } from "../store/sql.ts"; import "nodemailer";`,
      "src/runtime/a.ts": `import { sql } from "../store/sql.ts";`,
      "src/utils.ts": "",
    },
    found: [
      "src/crypto/a.ts imports src/domain/user.ts",
      "src/domain/a.ts imports src/store/sql.ts",
      "src/engine/a.ts imports src/operations/sign-in.ts",
      "src/store/a.ts imports src/operations/auth.ts",
      "src/store/a.ts imports src/store/drivers/neon.ts",
      "src/operations/a.ts imports src/http/index.ts",
      "src/http/a.ts imports src/store/sql.ts",
      "src/http/a.ts imports pg",
      "src/mailers/a.ts imports src/crypto/bytes.ts",
      "src/mailers/a.ts imports pg",
      "src/checkers/a.ts imports src/store/sql.ts",
      "src/checkers/a.ts imports nodemailer",
      "src/runtime/a.ts imports src/store/sql.ts",
      "src/utils.ts is in no layer",
    ],
  },
  {
    rule: "S29: the server imports neither the tests' clock nor anything dangerous",
    find: (files) =>
      files
        .filter(({ path }) => /^(src\/http|worker)\//.test(path))
        .flatMap(({ path, imports }) =>
          imports
            .filter(
              ({ target, names }) =>
                target.startsWith("src/testing/") || names.some((name) => /^dangerously/.test(name)),
            )
            .map(({ target }) => `${path} imports ${target}`),
        ),
    planted: {
      "src/http/a.ts": `import { setTestClock } from "../testing/clock.ts";`,
      "worker/a.ts": `import { dangerouslyIssueSession as issue } from "../src/index.ts";`,
      "worker/development/start.node.ts": `const clock = await import("../../src/testing/index.ts");`,
      "src/operations/a.ts": `import { dangerouslyIssueSession } from "./b.ts";`,
    },
    found: [
      "src/http/a.ts imports src/testing/clock.ts",
      "worker/a.ts imports src/index.ts",
      "worker/development/start.node.ts imports src/testing/index.ts",
    ],
  },
  {
    rule: "the server imports only entries of the package, as an adopter's application can",
    find: (files) =>
      files
        .filter(({ path }) => isServer(path))
        .flatMap(({ path, imports }) =>
          imports
            .filter(({ target, isRelative }) => isRelative && !isServer(target) && !packageEntries.has(target))
            .map(({ target }) => `${path} imports ${target}`),
        ),
    planted: {
      "worker/a.ts": `
        import { createAuth } from "../src/index.ts";
        import { authRoutes } from "../src/http/index.ts";
        import { pages } from "../src/pages/index.tsx";
        import { argon2id } from "../src/runtime/argon2id.workerd.ts";
        import { b } from "./b.ts";
        import { Hono } from "hono";
        import { errorResponse } from "../src/http/problem.ts";
        export { siteOf } from "../src/pages/site.ts";
        type Realm = import("../src/engine/realm.ts").Realm;`,
      "worker/nested/b.ts": `const start = await import("../development/index.ts"); import "../../src/pages/index.ts";`,
      "worker/development/c.ts": `import { sql } from "../../src/store/sql.ts";`,
      "src/http/d.ts": `import { sql } from "../store/sql.ts";`,
    },
    found: [
      "worker/a.ts imports src/http/problem.ts",
      "worker/a.ts imports src/pages/site.ts",
      "worker/a.ts imports src/engine/realm.ts",
      "worker/nested/b.ts imports worker/development/index.ts",
      "worker/nested/b.ts imports src/pages/index.ts",
    ],
  },
  {
    rule: "no file imports itself, however far round",
    find: findCycles,
    planted: {
      "src/crypto/a.ts": `import { b } from "./b.ts";`,
      "src/crypto/b.ts": `export { c } from "./c.ts";`,
      "src/crypto/c.ts": `import type { A } from "./a.ts"; import "./d.ts";`,
      "src/crypto/d.ts": "",
    },
    found: ["src/crypto/a.ts > src/crypto/b.ts > src/crypto/c.ts > src/crypto/a.ts"],
  },
];

/** True if the file is deployed with the server. */
function isServer(path: string): boolean {
  return /^worker\/(?!development\/)/.test(path);
}

function findCycles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, file.imports.filter((one) => one.isRelative)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" > "));
    if (start >= 0 || done.has(path)) return;
    for (const { target } of imports.get(path) ?? []) follow(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) follow(path, []);
  return cycles;
}

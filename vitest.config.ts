import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Suites of the portable layers that read files, compile a module, or compare with a native peer. */
const nodeOnly = [
  "test/crypto/argon2id.test.ts",
  "test/crypto/argon2id.parity.test.ts",
  "test/crypto/blake2b.parity.test.ts",
  "test/crypto/generate-argon2.test.ts",
  "test/crypto/largest-hash.test.ts",
  "test/domain/act.test.ts",
];

/** Suites that need Node and nothing else: no database, no browser, no native peer. `npm run test:unit` runs them alone. */
const unit = [
  "test/architecture.test.ts",
  "test/checkers/**/*.test.ts",
  "test/crypto/**/!(*.parity).test.ts",
  "test/domain/**/*.test.ts",
  "test/http/openapi.test.ts",
  "test/mailers/!(cloudflare|runtimes).test.ts",
  "test/mutation/{mutants,planted-faults}.test.ts",
  "test/net/**/*.test.ts",
  "test/agents/**/*.test.ts",
  "test/oidc/**/*.test.ts",
  "test/providers/**/*.test.ts",
  "test/store/{retry,sql}.test.ts",
];

/** Suites of {@link together} that need a process of their own: they change globals, start servers, or race against the time. */
const alone = [
  "test/http/{cloudflare-rate-limit,faults,fuzz,generated-clients,worker}.test.ts",
  "test/operations/{*.races,*.flood,*.floods,database-failures,factor-races,survival}.test.ts",
  "test/store/{failover,neon,neon-proxy,older-release,pooler,pooler.start,silence}.test.ts",
];

/** Suites that share two processes, so that a process loads each module once and V8 optimizes PGlite once. */
const together = ["test/{engine,http,operations,pages,store,support,testing}/**/*.test.ts"];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: unit,
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "node",
          include: together,
          exclude: [...alone, ...unit],
          isolate: false,
          globalSetup: ["test/support/global-setup.ts"],
          setupFiles: ["test/support/shared-process.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "alone",
          include: [
            "test/*.test.ts",
            "test/!(browser|browsers|engine|http|operations|pages|store|support|testing)/**/*.test.ts",
            ...alone,
          ],
          exclude: unit,
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts", "test/support/chromium.ts"],
          // Each file has a Worker, a Chromium and a database of its own.
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        // The bindings and the compatibility date of wrangler.toml, so without Node's APIs: a suite that reached one would fail.
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" }, miniflare: { cf: false } })],
        resolve: { alias: [{ find: /^(.*\/runtime\/argon2id)\.ts$/, replacement: "$1.workerd.ts" }] },
        test: {
          name: "workerd",
          isolate: false,
          include: [
            "test/crypto/**/*.test.ts",
            "test/domain/**/*.test.ts",
            "test/net/public-host.test.ts",
            "test/oidc/{agent,agents,defects,issuer-answers,options,requests,sign-in,token-cookies}.test.ts",
          ],
          exclude: nodeOnly,
          testTimeout: 60_000,
        },
      },
    ],
  },
});

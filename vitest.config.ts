import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Suites of the portable layers that read files, or compare with a native peer. */
const nodeOnly = [
  "test/crypto/argon2id.test.ts",
  "test/crypto/argon2id.parity.test.ts",
  "test/crypto/blake2b.parity.test.ts",
  "test/crypto/generate-argon2.test.ts",
];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**"],
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
          // Each file has a Worker and a Chromium, and a machine has few processors.
          maxWorkers: 1,
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
          include: ["test/crypto/**/*.test.ts", "test/domain/**/*.test.ts"],
          exclude: nodeOnly,
          testTimeout: 60_000,
        },
      },
    ],
  },
});

import { type Bundle, bundle } from "./workerd.node.ts";

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(2)} KiB`;
/** The size with its exact bytes, to compare with a goal. */
const exact = (bytes: number): string => `${kib(bytes)}, ${bytes} bytes`;

/** What each further entry adds to a Worker with every route of `createAuth`, and sign-in with providers to all of identity, gzipped. */
async function measureEntries(): Promise<void> {
  console.log("\nPassword sign-in with its routes, without a driver, and what each further feature adds to it:");
  let base = 0;
  let all = 0;
  const features = [
    "sign-up",
    "accounts",
    "mfa",
    "passkeys",
    "simplewebauthn",
    "personal-access-tokens",
    "organizations",
    "authorization",
    "rewrite-rules",
    "federation-google",
  ];
  for (const name of ["base", ...features, "all", "all-with-oidc", "all-with-google"]) {
    const built = await bundle(`bench/workers/entries/${name}.ts`, { external: ["sallyport/neon"] });
    if (name === "base") base = built.gzipBytes;
    if (name === "all") all = built.gzipBytes;
    const isWhole = name === "base" || name === "all";
    const before = name.startsWith("all-with-") ? all : base;
    console.log(`  ${name.padEnd(22)} ${isWhole ? kib(built.gzipBytes) : `+ ${kib(built.gzipBytes - before)}`}`);
    const has = (part: string): boolean => built.modules.some(({ path }) => path.includes(part));
    if (!/^(passkeys|simplewebauthn|all.*)$/.test(name) && has("domain/webauthn/"))
      throw new Error("An app without passkeys pays for them.");
    if (has("@simplewebauthn/") !== (name === "simplewebauthn"))
      throw new Error("Only an app that names SimpleWebAuthn pays for it.");
    if (has("generated/openapi") || has("/pages/"))
      throw new Error("An app pays for pages or a document that it lacks.");
    if (has("store/rule-check") !== (name === "rewrite-rules"))
      throw new Error("Only an app that makes rules pays for them.");
    if (name === "base" && has("domain/totp")) throw new Error("An app without second factors pays for them.");
    await built.remove();
  }
}

/** What the account pages and their second language add to a Worker with all of identity, gzipped. */
async function measurePages(): Promise<void> {
  const sizes: number[] = [];
  for (const name of ["api", "api-and-pages", "api-and-german-pages", "api-and-organization-pages"]) {
    const built = await bundle(`bench/workers/${name}.ts`, {
      external: ["sallyport/neon"],
      alias: { "hono/tiny": "hono" },
    });
    sizes.push(built.gzipBytes);
    await built.remove();
  }
  const [api = 0, pages = 0, german = 0, organizations = 0] = sizes;
  console.log(
    `\naccount pages, added to a Worker with all of identity: + ${kib(pages - api)}; German + ${kib(german - pages)}; organizations + ${kib(organizations - pages)}`,
  );
}

/** The whole of the entries that need neither a database nor Hono, gzipped. */
async function measureClients(): Promise<void> {
  console.log("\nEntries on their own, all of their exports:");
  for (const name of ["oidc", "oidc/token-cookies", "oidc/token-rows", "scopes"]) {
    const built = await bundle(`bench/workers/${name.replace("/", "-")}.ts`);
    console.log(`sallyport/${name.padEnd(18)} ${exact(built.gzipBytes)}`);
    await built.remove();
  }
}

/** Gzipped size of the minimal Worker, without and with Neon's client, and what is in it. */
export async function measureSizes(): Promise<void> {
  console.log(
    "\n## Size of the minimal Worker (Hono's tiny preset, password sign-in, session middleware, Argon2id), gzipped\n",
  );
  const without = await bundle("bench/workers/minimal.ts", { external: ["sallyport/neon"] });
  const withNeon = await bundle("bench/workers/minimal.ts");
  const bare = await bundle("bench/workers/bare.ts");
  // The same three with `hono`, which uses a different router.
  const preset = { alias: { "hono/tiny": "hono" } };
  const external = ["sallyport/neon"];
  const defaultWithout = await bundle("bench/workers/minimal.ts", { ...preset, external });
  const defaultWithNeon = await bundle("bench/workers/minimal.ts", preset);
  const defaultBare = await bundle("bench/workers/bare.ts", preset);
  console.log(`without a driver   ${exact(without.gzipBytes)}`);
  console.log(`with Neon's client ${exact(withNeon.gzipBytes)}`);
  console.log(`bare Hono          ${exact(bare.gzipBytes)}`);
  const [signUp, defaultSignUp] = [
    await bundle("bench/workers/minimal-sign-up.ts", { external }),
    await bundle("bench/workers/minimal-sign-up.ts", { ...preset, external }),
  ];
  const figures = [defaultWithout, defaultWithNeon, defaultBare].map(({ gzipBytes }) => kib(gzipBytes));
  console.log(
    `with Hono's default preset: without a driver ${figures[0]}, with Neon's client ${figures[1]}, bare ${figures[2]}`,
  );
  console.log(
    `with sign-up, without a driver: ${kib(signUp.gzipBytes)}, with Hono's default preset ${kib(defaultSignUp.gzipBytes)}`,
  );
  console.log("\nReachable modules, minified bytes, without a driver:");
  for (const { path, bytes } of without.modules) console.log(`  ${String(bytes).padStart(6)}  ${path}`);
  const bundles = [
    without,
    withNeon,
    bare,
    defaultWithout,
    defaultWithNeon,
    defaultBare,
    signUp,
    defaultSignUp,
  ] satisfies Bundle[];
  for (const one of bundles) await one.remove();
  await measureEntries();
  await measurePages();
  await measureClients();
}

import { type Bundle, bundle } from "./workerd.node.ts";

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

/** Gzipped size of the minimal Worker, without and with Neon's client, and what is in it. */
export async function measureSizes(): Promise<void> {
  console.log(
    "\n## Size of the minimal Worker (Hono's tiny preset, password sign-in, session middleware, Argon2id), gzipped\n",
  );
  const without = await bundle("bench/workers/minimal.ts", { external: ["sallyport/neon"] });
  const withNeon = await bundle("bench/workers/minimal.ts");
  const bare = await bundle("bench/workers/bare.ts");
  console.log(`without a driver   ${kib(without.gzipBytes)}   (goal: 24)`);
  console.log(`with Neon's client ${kib(withNeon.gzipBytes)}   (goal: 72)`);
  console.log(`bare Hono          ${kib(bare.gzipBytes)}`);
  console.log("\nReachable modules, minified bytes, without a driver:");
  for (const { path, bytes } of without.modules) console.log(`  ${String(bytes).padStart(6)}  ${path}`);
  for (const one of [without, withNeon, bare] satisfies Bundle[]) await one.remove();
}

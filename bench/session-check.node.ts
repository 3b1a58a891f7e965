import { bundle, median, serve } from "./workerd.node.ts";

const requests = 3_000;
const rounds = 41;

/** CPU that a session check adds to bare Hono in workerd, next to the floor: the least code that does the same work. */
export async function measureSessionCheck(): Promise<void> {
  console.log("\n## CPU that a session check adds to bare Hono, in workerd\n");
  const built = await bundle("bench/workers/session-check.ts");
  const worker = await serve(built);
  const run = async (variant: string, count: number): Promise<number> => {
    const before = await worker.cpuMilliseconds();
    const accepted = await (await fetch(`${worker.url}/${variant}?n=${count}`)).text();
    if (accepted !== String(count)) throw new Error(`${variant} accepted ${accepted} of ${count}.`);
    return (((await worker.cpuMilliseconds()) - before) / count) * 1_000;
  };
  const variants = ["bare", "floor", "sallyport"] as const;
  const times: Record<(typeof variants)[number], number[]> = { bare: [], floor: [], sallyport: [] };
  for (const variant of variants) await run(variant, requests);
  for (let round = 0; round < rounds; round++) {
    for (const variant of variants) times[variant].push(await run(variant, requests));
  }
  await worker.stop();
  await built.remove();

  // Subtracts medians: within one round the differences are a few microseconds, and the noise is as large.
  const [bare, floor, sallyport] = variants.map((variant) => median(times[variant])) as [number, number, number];
  for (const variant of variants)
    console.log(`${variant.padEnd(10)} ${median(times[variant]).toFixed(1)} µs a request`);
  console.log(
    `added by Sallyport over added by the floor: ${((sallyport - bare) / (floor - bare)).toFixed(2)} × (goal: 1.5)`,
  );
  console.log(
    `Method: ${requests} requests inside one, ${rounds} rounds in turn, the process's CPU time, medians; a canned database.`,
  );
}

import { bundle, median, serve } from "./workerd.node.ts";

const starts = 41;

/** CPU of workerd from its start to its first response, compared with bare Hono. */
export async function measureColdStart(): Promise<void> {
  console.log("\n## Cold start, CPU of workerd to the first answer\n");
  const bundles = { bare: await bundle("bench/workers/bare.ts"), sallyport: await bundle("bench/workers/cold.ts") };
  const times: Record<keyof typeof bundles, number[]> = { bare: [], sallyport: [] };
  for (let start = 0; start < starts; start++) {
    for (const name of ["bare", "sallyport"] as const) {
      const worker = await serve(bundles[name]);
      times[name].push(await worker.cpuMilliseconds());
      await worker.stop();
    }
  }
  for (const built of Object.values(bundles)) await built.remove();
  const ratio = median(times.sallyport.map((time, at) => time / times.bare[at]!));
  console.log(`bare Hono  ${median(times.bare).toFixed(1)} ms`);
  console.log(`Sallyport  ${median(times.sallyport).toFixed(1)} ms, without a driver`);
  console.log(`ratio      ${ratio.toFixed(2)} × (goal: 1.2)`);
  console.log(`Method: ${starts} starts of each in turn; all threads of the process; the median of the pairs' ratios.`);
}

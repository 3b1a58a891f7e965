import { bundle, median, serve } from "./workerd.node.ts";

const starts = 41;

/** The Workers to compare with bare Hono. `goal` is the longest time that each may take, as a multiple of bare Hono's. */
const workers = [
  { name: "sign-in and a guard", entry: "bench/workers/cold.ts", goal: 1.2 },
  { name: "all of identity, options by environment", entry: "bench/workers/cold-full.ts", goal: 1.55 },
];

/** CPU of workerd from its start to its first response, compared with bare Hono. */
export async function measureColdStart(): Promise<void> {
  console.log("\n## Cold start, CPU of workerd to the first answer\n");
  const bare = { bundle: await bundle("bench/workers/bare.ts"), times: [] as number[] };
  const compared = await Promise.all(
    workers.map(async (worker) => ({ ...worker, bundle: await bundle(worker.entry), times: [] as number[] })),
  );
  for (let start = 0; start < starts; start++) {
    for (const { bundle, times } of [bare, ...compared]) {
      const worker = await serve(bundle);
      times.push(await worker.cpuMilliseconds());
      await worker.stop();
    }
  }
  console.log(`${"bare Hono".padEnd(42)} ${median(bare.times).toFixed(1)} ms`);
  for (const { name, goal, times } of compared) {
    const ratio = median(times.map((time, at) => time / bare.times[at]!)).toFixed(2);
    console.log(`${name.padEnd(42)} ${median(times).toFixed(1)} ms, without a driver: ${ratio} × (goal: ${goal})`);
  }
  for (const one of [bare, ...compared]) await one.bundle.remove();
  console.log(`Method: ${starts} starts of each in turn; all threads of the process; the median of the ratios.`);
}

import { bundle, median, serve } from "./workerd.node.ts";

const requests = 500;
const rounds = 11;

/** CPU of the callback of a sign-in with Google, in workerd, over that of the check of its ID token's signature. */
export async function measureCallback(): Promise<void> {
  console.log("\n## CPU of the callback of a sign-in with Google, in workerd\n");
  const built = await bundle("bench/workers/callback.ts");
  const worker = await serve(built);
  const run = async (variant: string): Promise<number> => {
    const before = await worker.cpuMilliseconds();
    const accepted = await (await fetch(`${worker.url}/${variant}?n=${requests}`)).text();
    if (accepted !== String(requests)) throw new Error(`${variant} accepted ${accepted} of ${requests}.`);
    return (((await worker.cpuMilliseconds()) - before) / requests) * 1_000;
  };
  const times: Record<"callback" | "signature", number[]> = { callback: [], signature: [] };
  for (let round = -1; round < rounds; round++) {
    await run("prepare");
    for (const variant of ["callback", "signature"] as const) {
      const time = await run(variant);
      // The first round warms up.
      if (round >= 0) times[variant].push(time);
    }
  }
  await worker.stop();
  await built.remove();
  const [callback, signature] = [median(times.callback), median(times.signature)];
  console.log(`the whole callback      ${callback.toFixed(0)} µs`);
  console.log(`its signature (RS256)   ${signature.toFixed(0)} µs`);
  console.log(`a callback over its signature check: ${(callback / signature).toFixed(1)} ×`);
  console.log(
    `Method: ${requests} sign-ins, each begun and signed before; ${rounds} rounds in turn, the process's CPU time, medians. Google and the database answer at once, inside the Worker.`,
  );
}

import { bundle, median, serve } from "./workerd.node.ts";

const variants = [
  { name: "first", requests: 20, label: "first in an isolate (Argon2id)" },
  { name: "repeated", requests: 3_000, label: "repeated" },
  { name: "session", requests: 3_000, label: "a session, for comparison" },
] as const;
const rounds = 5;

/** CPU of a request with a personal access token, in workerd: the first in an isolate, which hashes, and later ones. */
export async function measureTokenCheck(): Promise<void> {
  console.log("\n## CPU of a request with a personal access token, in workerd\n");
  const built = await bundle("bench/workers/token-check.ts");
  const worker = await serve(built);
  const run = async (name: string, count: number): Promise<number> => {
    const before = await worker.cpuMilliseconds();
    const accepted = await (await fetch(`${worker.url}/${name}?n=${count}`)).text();
    if (accepted !== String(count)) throw new Error(`${name} accepted ${accepted} of ${count}.`);
    return (((await worker.cpuMilliseconds()) - before) / count) * 1_000;
  };
  for (const { name, requests, label } of variants) {
    await run(name, requests);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await run(name, requests));
    console.log(`${label.padEnd(32)} ${median(times).toFixed(1)} µs`);
  }
  await worker.stop();
  await built.remove();
  console.log("Method: many requests inside one, 5 rounds, the process's CPU time; a canned database.");
}

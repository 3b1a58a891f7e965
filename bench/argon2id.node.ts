import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bundle, median, serve } from "./workerd.node.ts";

const pairs = 40;
const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => `${root}node_modules/.bin/${name}`;

/** A process that hashes once for each line it reads, and prints how long that took, in milliseconds. */
interface Peer {
  readonly name: string;
  hash(): Promise<number>;
  stop(): Promise<void>;
}

/** Argon2id (19 MiB, 2 passes) in each runtime against npm's `argon2`, the C reference, in turn in one run. */
export async function measureArgon2id(): Promise<void> {
  console.log("\n## Argon2id, milliseconds a hash, against the C library (npm argon2)\n");
  const loop = `${root}bench/argon2id-loop.ts`;
  const peers = [
    processPeer("node", process.execPath, ["--disable-warning=ExperimentalWarning", loop]),
    processPeer("deno", bin("deno"), ["run", "--allow-all", "--no-config", "--node-modules-dir=manual", loop]),
    processPeer("bun", bin("bun"), [loop]),
    await workerdPeer(),
  ];
  const native = processPeer("native", process.execPath, [`${root}bench/argon2id-native.node.ts`]);
  for (const peer of [...peers, native]) for (let warm = 0; warm < 3; warm++) await peer.hash();

  const times = new Map(peers.map(({ name }) => [name, { own: [] as number[], ratio: [] as number[] }]));
  const natives: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    for (const peer of peers) {
      const reference = await native.hash();
      const own = await peer.hash();
      natives.push(reference);
      times.get(peer.name)!.own.push(own);
      times.get(peer.name)!.ratio.push(own / reference);
    }
  }
  for (const peer of [...peers, native]) await peer.stop();

  console.log(`native    ${median(natives).toFixed(1)} ms`);
  for (const [name, { own, ratio }] of times) {
    console.log(`${name.padEnd(9)} ${median(own).toFixed(1)} ms   ${median(ratio).toFixed(2)} × (goal: 1.5)`);
  }
  console.log(
    `Method: ${pairs} pairs of native and each runtime in turn, the median of the pairs' ratios; workerd is timed`,
  );
  console.log("from outside, less an empty request, since its clock stands still.");
}

function processPeer(name: string, command: string, args: readonly string[]): Peer {
  const child: ChildProcess = spawn(command, args, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    name,
    async hash() {
      child.stdin!.write("hash\n");
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended.`);
      return Number(value);
    },
    stop: async () => {
      child.stdin!.end();
      child.kill();
    },
  };
}

async function workerdPeer(): Promise<Peer> {
  const built = await bundle("bench/workers/argon2id.ts");
  const worker = await serve(built);
  const timed = async (path: string): Promise<number> => {
    const startedAt = performance.now();
    await (await fetch(`${worker.url}${path}`)).arrayBuffer();
    return performance.now() - startedAt;
  };
  return {
    name: "workerd",
    hash: async () => {
      const empty = await timed("/empty");
      return (await timed("/hash")) - empty;
    },
    stop: async () => {
      await worker.stop();
      await built.remove();
    },
  };
}

/** How much an isolate's memory grows: after 250 hashes in a row, and with 50 requested at once. */
export async function measureMemory(): Promise<void> {
  console.log("\n## Memory of workerd, resident\n");
  const built = await bundle("bench/workers/argon2id.ts");
  const worker = await serve(built);
  let [hashed, refused] = [0, 0];
  const ask = async (path: string): Promise<void> => {
    const answer = await (await fetch(`${worker.url}${path}`)).text();
    if (answer !== "done" && answer !== "busy") throw new Error(`${path} failed.`);
    if (answer === "done") hashed += 1;
    else refused += 1;
  };
  const before = await worker.residentMib();
  await ask("/hashes?n=250");
  const afterMany = await worker.residentMib();
  let peak = afterMany;
  [hashed, refused] = [0, 0];
  const together = Promise.all(Array.from({ length: 50 }, () => ask("/hash")));
  let done = false;
  void together.then(() => {
    done = true;
  });
  while (!done) {
    peak = Math.max(peak, await worker.residentMib());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await together;
  await worker.stop();
  await built.remove();
  console.log(`before any hash                      ${before.toFixed(0)} MiB`);
  console.log(`after 250 hashes                     +${(afterMany - before).toFixed(0)} MiB`);
  console.log(`peak, 50 hashes asked for at once    +${(peak - before).toFixed(0)} MiB (goal: 48)`);
  console.log(`of the 50: ${hashed} hashed, ${refused} refused with 503. Hashes alone: no database, no routes.`);
}

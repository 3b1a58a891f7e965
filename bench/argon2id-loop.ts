/** Verifies the decoy once for each line of input, and prints how long it took. For Node, Deno and Bun. */

import process from "node:process";
import { createInterface } from "node:readline";
import { argon2id, decoyHash } from "sallyport/argon2id";

const hasher = argon2id();
for await (const _line of createInterface({ input: process.stdin })) {
  const startedAt = performance.now();
  await hasher.verify(decoyHash, "wrong");
  console.log(performance.now() - startedAt);
}

/** The same as `argon2id-loop.ts`, with the C library. */
import { createInterface } from "node:readline";
import argon2 from "argon2";
import { decoyHash } from "sallyport/argon2id";

for await (const _line of createInterface({ input: process.stdin })) {
  const startedAt = performance.now();
  await argon2.verify(decoyHash, "wrong");
  console.log(performance.now() - startedAt);
}

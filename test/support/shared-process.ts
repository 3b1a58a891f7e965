/**
 * Fails a suite that leaves a global changed: the next suites in the same process would run with it.
 *
 * @module
 */
import { afterAll, expect } from "vitest";

/** Every value that suites could change, by its name. */
function globals(): Map<string, unknown> {
  const { subtle } = crypto;
  const objects = { globalThis, console, crypto, subtle, Date, Math, performance, "process.env": process.env };
  const names = {
    globalThis: ["ArrayBuffer", "Date", "Uint8Array", "fetch", "queueMicrotask", "setInterval", "setTimeout"],
    console: ["error", "log", "warn"],
    crypto: ["getRandomValues", "randomUUID", "subtle"],
    subtle: ["decrypt", "digest", "encrypt", "importKey", "sign", "verify"],
    Date: ["now"],
    Math: ["random"],
    performance: ["now"],
    "process.env": Object.keys(process.env),
  };
  const values = new Map<string, unknown>([["process.cwd()", process.cwd()]]);
  for (const [owner, object] of Object.entries(objects))
    for (const name of names[owner as keyof typeof names]) values.set(`${owner}.${name}`, Reflect.get(object, name));
  return values;
}

const before = globals();

afterAll(() => {
  const after = globals();
  // Names only: a value of the environment may be a secret.
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.has(name) !== after.has(name) || before.get(name) !== after.get(name),
  );
  expect(changed).toEqual([]);
});

// What an application without any of the optional peers can do, the same in every runtime.
import * as root from "sallyport";
import * as argon2id from "sallyport/argon2id";
import * as core from "sallyport/core";
import * as pglite from "sallyport/pglite";
import * as postgres from "sallyport/postgres";
import * as testing from "sallyport/testing";

const entries = { root, argon2id, core, pglite, postgres, testing };

/** The names that each entry exports, and whether the library works. */
export async function useCore() {
  const hasher = argon2id.argon2id();
  const phc = await hasher.hash("correct horse battery staple");
  return {
    exports: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.keys(entry).sort()])),
    works: {
      "a PHC string of the pinned cost": phc.startsWith("$argon2id$v=19$m=19456,t=2,p=1$"),
      "the right password": await hasher.verify(phc, "correct horse battery staple"),
      "the wrong password refused": !(await hasher.verify(phc, "correct horse battery stapler")),
      "a hash made elsewhere": await hasher.verify(argon2id.decoyHash, "correcthorsebatterystaple"),
      "an id of its own": root.isValidId(root.generateId("usr"), "usr"),
    },
  };
}

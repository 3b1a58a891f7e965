import type { FullAuth as Auth } from "../../support/auth.ts";
import { type Person, system, type World } from "../../support/auth.ts";
import { accountWrites } from "./account-writes.ts";
import { factorWrites } from "./factor-writes.ts";
import { sessionWrites } from "./session-writes.ts";
import type { Write } from "./write.ts";

const token = "token" as const;

/** Every operation that changes something. */
export const writes: readonly Write[] = [...factorWrites, ...sessionWrites, ...accountWrites];

/** Reads, and refused acts: a failure must never count as permission. */
export const reads: Record<string, (auth: Auth, person: Person) => Promise<unknown>> = {
  verify: (auth, { token: value }) => auth.sessions.verify({ token: value, transport: token }),
  "users.get": (auth, { actor, userId }) => auth.users.get({ actor, userId }),
  "users.list": (auth) => auth.users.list({ actor: system }),
  "sessions.list": (auth, { actor, userId }) => auth.sessions.list({ actor, userId }),
  "credentials.list": (auth, { actor, userId }) => auth.credentials.list({ actor, userId }),
  "credentials.findByIdentifier": (auth, { identifier }) =>
    auth.credentials.findByIdentifier({ actor: system, type: "password", identifier }),
  "tuples.check": (auth, { userId }) =>
    auth.tuples.check({
      subjectType: "usr",
      subjectId: userId,
      relation: "viewer",
      objectType: "doc",
      objectId: crypto.randomUUID(),
    }),
};

/** Prepares a write on the database itself, so that only the write meets the faults. */
export async function prepareWrite(world: World, { prepare }: Write) {
  const person = await world.person();
  const prepared = (await prepare?.(world, person)) as never;
  const known = new Set((await world.events({})).map(({ id }) => id));
  const happened = async (action: string): Promise<number> =>
    (await world.events({ action })).filter(({ id, outcome }) => !known.has(id) && outcome === "success").length;
  return { person, prepared, happened };
}

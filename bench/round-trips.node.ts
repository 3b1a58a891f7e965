import { PGlite } from "@electric-sql/pglite";
import { createAuth, type Database, migrate, migrations, systemActor } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { pglite } from "sallyport/pglite";

/** Requests to the database for each operation: counted at the driver, a batch is one. The tests assert the same. */
export async function measureRoundTrips(): Promise<void> {
  console.log("\n## Requests to the database\n");
  const embedded = await PGlite.create();
  const inner = pglite(embedded);
  await migrate(inner, migrations);
  let requests = 0;
  const database: Database = {
    run: (statement) => {
      requests += 1;
      return inner.run(statement);
    },
    batch: (statements) => {
      requests += 1;
      return inner.batch(statements);
    },
  };
  const secrets = crypto.getRandomValues(Buffer.alloc(32)).toString("base64url");
  const origins = ["http://localhost:8787"];
  const auth = createAuth({ database, passwordHasher: argon2id(), secrets, origins, signUp: "open" });
  const counted = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    requests = 0;
    const result = await work();
    console.log(`${name.padEnd(18)} ${requests}`);
    return result;
  };

  const identifier = "ada@example.com";
  const [first, second] = ["correct horse battery staple", "another horse battery staple"];
  const actor = systemActor("bench");
  const up = await counted("sign-up", () => auth.signUp({ identifier, password: first }));
  const signedIn = await counted("sign-in", () => auth.signIn({ identifier, password: first }));
  if (signedIn.mfaRequired) throw new Error("Nobody asked for a second factor.");
  const { token } = await counted("refresh", () =>
    auth.sessions.refresh({ token: signedIn.token, transport: "token" }),
  );
  const verified = await counted("session verify", () => auth.sessions.verify({ token, transport: "token" }));
  const own = { actor: verified.actor, userId: up.user.id };
  await counted("get user", () => auth.users.get(own));
  await counted("update user", () => auth.users.update({ ...own, displayName: "Ada" }));
  await counted("list sessions", () => auth.sessions.list(own));
  await counted("revoke others", () => auth.sessions.revokeOthers({ actor: verified.actor }));
  const changed = await counted("change password", () =>
    auth.changePassword({ actor: verified.actor, currentPassword: first, newPassword: second, transport: "token" }),
  );
  await counted("sign-out", () => auth.sessions.signOut({ token: changed.token, transport: "token" }));
  await counted("suspend user", () => auth.users.suspend({ actor, userId: up.user.id }));
  await counted("revoke user", () => auth.users.revoke({ actor, userId: up.user.id }));
  await counted("check", () =>
    auth.tuples.check({
      ...{ subjectType: "usr", subjectId: up.user.id, relation: "editor" },
      objectType: "doc",
      objectId: crypto.randomUUID(),
    }),
  );
  await embedded.close();
}

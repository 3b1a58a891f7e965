import { PGlite } from "@electric-sql/pglite";
import {
  accounts,
  authorization,
  createAuth,
  type Database,
  migrate,
  migrations,
  passwords,
  signUp,
  systemActor,
} from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { pglite } from "sallyport/pglite";
import { fromBase32 } from "../src/crypto/base32.ts";
import { totpCode, totpStep } from "../src/domain/totp.ts";
import { newAuthenticator } from "../test/support/authenticator.ts";

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
  const sealingKeys = crypto.getRandomValues(Buffer.alloc(32)).toString("base64url");
  // The origin that the test authenticator reports.
  const origins = ["https://example.com"];
  const auth = createAuth({
    database,
    secrets,
    origins,
    clientAddress: sharedByAllClients,
    features: [
      passwords({ hasher: argon2id() }),
      signUp({ mode: "open" }),
      accounts(),
      authorization(),
      mfa({ sealingKeys }),
      passkeys(),
      personalAccessTokens(),
    ],
  });
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
  const signedIn = await counted("sign-in", () => auth.signIn.password({ identifier, password: first }));
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

  const again = await auth.signIn.password({ identifier, password: second });
  if (again.mfaRequired) throw new Error("Nobody asked for a second factor.");
  const fresh = await auth.sessions.verify({ token: again.token, transport: "token" });
  const { token: pat } = await counted("create token", () =>
    auth.personalAccessTokens.create({ ...own, actor: fresh.actor, name: "ci", scope: [] }),
  );
  await counted("token, first", () => auth.personalAccessTokens.verify({ token: pat }));
  await counted("token, repeated", () => auth.personalAccessTokens.verify({ token: pat }));

  const authenticator = await newAuthenticator();
  const creation = await counted("passkey options", () => auth.passkeys.registrationOptions({ actor: fresh.actor }));
  const attestation = await authenticator.create(creation);
  await counted("register passkey", () =>
    auth.passkeys.register({ actor: fresh.actor, response: attestation, transport: "token" }),
  );
  const request = await counted("sign-in options", () => auth.signIn.passkeyOptions());
  const assertion = await authenticator.get(request);
  const byPasskey = await counted("passkey sign-in", () => auth.signIn.passkey({ response: assertion }));
  // A user with a passkey must prove it before changes that last.
  const strong = await auth.sessions.verify({ token: byPasskey.token, transport: "token" });

  const enrolled = await counted("enrol app", () => auth.factors.enrollTotp({ actor: strong.actor, label: "phone" }));
  const code = (secondsLater: number) =>
    totpCode(
      fromBase32(enrolled.secretBase32)!,
      totpStep(Date.now() / 1000 + secondsLater, enrolled.parameters),
      enrolled.parameters,
    );
  const confirmation = {
    actor: strong.actor,
    factorId: enrolled.factor.id,
    code: await code(-30),
    transport: "token",
  } as const;
  await counted("confirm app", () => auth.factors.confirmTotp(confirmation));
  const needed = await auth.signIn.password({ identifier, password: second });
  if (!needed.mfaRequired) throw new Error("No second factor was asked for.");
  const proof = { type: "totp", code: await code(0) } as const;
  await counted("second factor", () => auth.signIn.factor({ ticket: needed.ticket, proof }));
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

/** What a statement finds when it spends a proof that an isolate has checked: the database has the last word. @module */
import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, outcome, type Person } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

describeWorld("S02: a proof, between its check and its spending", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { proofBy, withPasskey } = usersWithPasskeys(world);
  const context = () => ({ address: freshAddress() });

  /** An isolate in which something changes after its first request, which reads the proof, before each later one. */
  const whenSpending = (change: Statement): FullAuth => {
    let isRead = false;
    const changeAfterReading = async (): Promise<void> => {
      if (isRead) await world.rows(change);
      isRead = true;
    };
    return world.isolate({
      database: {
        ...world.database,
        async run(statement, limit) {
          await changeAfterReading();
          return await world.database.run(statement, limit);
        },
        // Also the first request: about one sign-in in a hundred purges with it.
        async batch(statements, limit) {
          await changeAfterReading();
          return await world.database.batch(statements, limit);
        },
      },
    });
  };

  interface Proved {
    readonly person: Person;
    spend(auth: FullAuth): Promise<unknown>;
  }

  async function withKey(): Promise<Proved> {
    const [owner, authenticator] = [await world.person(), await newAuthenticator()];
    const { actor, transport } = owner;
    const { factor, options } = await auth.securityKeys.enroll({ actor });
    const response = await authenticator.create(options);
    const confirmed = await auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response });
    const person = await personAt(world, owner, confirmed);
    const ticket = await ticketFor(world, person);
    const proof = await proofBy(authenticator, ticket);
    return { person, spend: (one) => one.webauthn.signInWithFactor({ ticket, proof, context: context() }) };
  }

  const proofs: Record<string, () => Promise<Proved>> = {
    async totp() {
      const { app, person } = await addApp(world, await world.person());
      const ticket = await ticketFor(world, person);
      const proof = { type: "totp", code: await app.code() } as const;
      return { person, spend: (one) => one.signIn.factor({ ticket, proof, context: context() }) };
    },
    async recovery() {
      const { person } = await addApp(world, await world.person());
      const { codes } = await auth.factors.replaceRecoveryCodes(person);
      const ticket = await ticketFor(world, person);
      const proof = { type: "recovery", code: codes[9]! } as const;
      return { person, spend: (one) => one.signIn.factor({ ticket, proof, context: context() }) };
    },
    webauthn: withKey,
    async "webauthn, a passkey"() {
      const { person, authenticator } = await withPasskey();
      await world.enroll(person.userId);
      const ticket = await ticketFor(world, person);
      const proof = await proofBy(authenticator, ticket);
      return { person, spend: (one) => one.webauthn.signInWithFactor({ ticket, proof, context: context() }) };
    },
    async "a passkey alone"() {
      const { person, authenticator } = await withPasskey();
      const response = await authenticator.get(await auth.signIn.passkeyOptions());
      return { person, spend: (one) => one.signIn.passkey({ response, context: context() }) };
    },
    async "the password, to step up"() {
      const person = await world.person();
      const { actor, transport, password } = person;
      return { person, spend: (one) => one.stepUp({ actor, transport, proof: { type: "password", password } }) };
    },
  };

  const mine = (column: "usr_id" | "id", { userId }: Person) =>
    column === "id" ? sql`id = ${uuidFor("usr", userId)}::uuid` : sql`usr_id = ${uuidFor("usr", userId)}::uuid`;
  const ofFactor = (type: string, set: Statement) => (person: Person) =>
    sql`update mfa set ${set} where ${mine("usr_id", person)} and type = ${type}`;
  const ofCredential = (type: string, set: Statement) => (person: Person) =>
    sql`update cred set ${set} where ${mine("usr_id", person)} and type = ${type}`;
  const everywhere = {
    "the user is suspended": (person: Person) => sql`update usr set status = 'suspended' where ${mine("id", person)}`,
    "the ticket, or the session, is gone": ({ userId }: Person) => sql`
      with tickets as (delete from login_ticket where usr_id = ${uuidFor("usr", userId)}::uuid)
      update ses set revoked_at = sallyport_now() where usr_id = ${uuidFor("usr", userId)}::uuid`,
  };

  const changes: Record<string, Record<string, (person: Person) => Statement>> = {
    totp: {
      "a later code is spent": ofFactor("totp", sql`totp_last_step = totp_last_step + 1000000`),
      "the app is removed": ofFactor("totp", sql`status = 'revoked'`),
      ...everywhere,
    },
    recovery: {
      "the code is spent": ofFactor("recovery", sql`recovery_consumed[10] = true`),
      "another code has its place": ofFactor("recovery", sql`recovery_hashes[10] = recovery_hashes[1]`),
      "the codes are removed": ofFactor("recovery", sql`status = 'revoked'`),
      ...everywhere,
    },
    webauthn: {
      "the counter is as high": ofFactor("webauthn", sql`webauthn_sign_count = webauthn_sign_count + 1`),
      "the key has another id": ofFactor("webauthn", sql`identifier = identifier || 'A'`),
      "the key is removed": ofFactor("webauthn", sql`status = 'revoked'`),
      ...everywhere,
    },
    "webauthn, a passkey": {
      "the counter is as high": ofCredential("passkey", sql`passkey_sign_count = passkey_sign_count + 1`),
      "the passkey has another id": ofCredential("passkey", sql`identifier = identifier || 'A'`),
      "the passkey is removed": ofCredential("passkey", sql`status = 'revoked'`),
      ...everywhere,
    },
    "a passkey alone": {
      "the counter is as high": ofCredential("passkey", sql`passkey_sign_count = passkey_sign_count + 1`),
      "the passkey is removed": ofCredential("passkey", sql`status = 'revoked'`),
      "the user is suspended": everywhere["the user is suspended"],
    },
    "the password, to step up": {
      "another password has its place": ofCredential("password", sql`password_hash = 'another'`),
      "the password is suspended": ofCredential("password", sql`status = 'suspended'`),
      ...everywhere,
    },
  };

  test.each(Object.keys(proofs))("%s, nothing changes: accepted once", async (kind) => {
    const { spend } = await proofs[kind]!();
    const unchanged = whenSpending(sql`select 1 as one`);
    expect(await outcome(spend(unchanged))).toBe("done");
    expect(await outcome(spend(unchanged))).not.toBe("done");
  });

  test.each(
    Object.entries(changes).flatMap(([kind, all]) => Object.keys(all).map((change) => [kind, change] as const)),
  )("%s, %s: refused, and no session begins", async (kind, change) => {
    const { person, spend } = await proofs[kind]!();
    const sessions = () => world.rows(sql`select id from ses where ${mine("usr_id", person)}`);
    const before = await sessions();
    expect(await outcome(spend(whenSpending(changes[kind]![change]!(person))))).toMatch(/^unauthorized\./);
    expect(await sessions()).toHaveLength(before.length);
  });
});

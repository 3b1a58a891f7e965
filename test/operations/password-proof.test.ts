import { beforeEach, describe, expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { personAt } from "../support/factors.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { repeat } from "../support/guesses.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

const context = () => ({ address: freshAddress() });

describeWorld(
  "current password, required in a stolen fresh session",
  { on: ["pglite", "postgres"], clock: start },
  (world, auth) => {
    beforeEach(() => world.rows(sql`delete from attempt`));
    const { withPasskey, passkeySignIn } = usersWithPasskeys(world);

    const added = (person: Person) => ({
      actor: person.actor,
      userId: person.userId,
      identifier: freshIdentifier(),
      password: otherPassword,
    });

    test("R008: adding a second password without the current one: refused", async () => {
      const person = await world.person();
      const refused = "unauthorized.invalid_credential";
      expect(await outcome(auth.credentials.createPassword(added(person)))).toBe(refused);
      const [wrongly, rightly] = [otherPassword, person.password].map((currentPassword) =>
        auth.credentials.createOwnPassword({ ...added(person), currentPassword }),
      );
      expect(await outcome(wrongly!)).toBe(refused);
      expect(await outcome(rightly!)).toBe("done");
    });

    test.each(["suspend", "revoke"] as const)(
      "R008: %s of the password of a user with a passkey: refused without it",
      async (verb) => {
        const { person, authenticator } = await withPasskey();
        const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
        const act = { actor, credentialId: person.credentialId };
        const own = `${verb}OwnPassword` as const;
        const refused = "unauthorized.invalid_credential";
        expect(await outcome(auth.credentials[verb](act))).toBe(refused);
        expect(await outcome(auth.credentials[own]({ ...act, currentPassword: otherPassword }))).toBe(refused);
        expect(await outcome(auth.credentials[own]({ ...act, currentPassword: person.password }))).toBe("done");
        expect(await outcome(auth.signIn.password(person))).toBe(refused);
      },
    );

    test.each(["changePassword", "rotateOwnPassword", "createOwnPassword"] as const)(
      "S57: %s: the new password is looked up only once the current one is proved",
      async (name) => {
        const lookups: string[] = [];
        const { changePassword, credentials } = world.isolate({
          isCompromisedPassword: async (password) => {
            lookups.push(password);
            return true;
          },
        });
        const person = await world.person();
        const { actor, userId, credentialId, identifier } = person;
        const password = otherPassword;
        const change = {
          changePassword: (currentPassword: string) =>
            changePassword({ actor, currentPassword, newPassword: password, transport: "token" }),
          rotateOwnPassword: (currentPassword: string) =>
            credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password }),
          createOwnPassword: (currentPassword: string) =>
            credentials.createOwnPassword({ actor, userId, identifier: `x${identifier}`, currentPassword, password }),
        }[name];
        expect(await outcome(change(otherPassword))).toBe("unauthorized.invalid_credential");
        expect(lookups).toEqual([]);
        expect(await outcome(change(person.password))).toBe("invalid_format.password");
        expect(lookups).toEqual([password]);
      },
    );

    test("R008: closing the account or rotating the password without it: refused", async () => {
      const person = await world.person();
      const { actor, userId, credentialId } = person;
      const refused = "unauthorized.invalid_credential";
      expect(await outcome(auth.users.revoke({ actor, userId }))).toBe(refused);
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword: otherPassword }))).toBe(refused);
      const rotate = auth.credentials.rotatePassword({ actor, credentialId, password: otherPassword });
      expect(await outcome(rotate)).toBe(refused);
      // S41: an attempt without a proof is recorded.
      const denied = (await world.events({ actor: userId })).filter((event) => event.outcome === "denied");
      expect(denied.map(({ action }) => action)).toEqual(["identity.user.revoke", "identity.credential.rotate"]);
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword: person.password }))).toBe("done");
    });

    test("S22: the right password costs no attempt, even if the operation is then refused", async () => {
      const person = await world.person();
      const act = { actor: person.actor, credentialId: person.credentialId, currentPassword: person.password };
      for (let time = 0; time < 12; time++) {
        expect(await outcome(auth.credentials.suspendOwnPassword(act))).toBe("conflict.last_way_in");
        const second = { ...added(person), currentPassword: person.password };
        expect(await outcome(auth.credentials.createOwnPassword(second))).toBe("done");
        await auth.credentials.revoke({
          actor: system,
          credentialId: (await auth.credentials.list(person)).data.at(-1)!.id,
        });
      }
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
      expect(await world.rows(sql`select from attempt where bucket ~ '^credential:' and streak > 0`)).toEqual([]);
    });

    test("R013: signing in again with one of two passwords gives no new guesses at the other", async () => {
      const person = await world.person();
      const other = await auth.credentials.createPassword({
        ...added(person),
        actor: system,
        password: "unguessable-one",
      });
      const codes: string[] = [];
      for (let time = 0; time < 5; time++) {
        const { actor } = await world.signIn(person);
        for (let guess = 0; guess < 8; guess++) {
          const act = { actor, credentialId: other.id, currentPassword: otherPassword };
          codes.push(await outcome(auth.credentials.revokeOwnPassword(act)));
        }
      }
      // Ten attempts count for the account, and ten for all sessions that were started with another credential.
      expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 20, too_many_requests: 20 });
    });

    test("R013, S21: signing in again with a passkey gives no new guesses at the password", async () => {
      const { person, authenticator } = await withPasskey();
      const { userId } = person;
      const codes: string[] = [];
      for (let time = 0; time < 5; time++) {
        const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
        const guess = () => auth.users.revokeOwn({ actor, userId, currentPassword: otherPassword });
        for (let n = 0; n < 8; n++) codes.push(await outcome(guess()));
      }
      expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 20, too_many_requests: 20 });
    });

    test("R014: a stranger's guesses do not stop the owner, signed in with a passkey, from proving it", async () => {
      const { person, authenticator } = await withPasskey();
      const { userId, identifier, password: currentPassword } = person;
      for (let n = 0; n < 12; n++)
        await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword }))).toBe("done");
    });

    test("R014: a session without a family, as another SDK makes it: its guesses count for itself", async () => {
      const person = await world.person();
      const { actor, userId, identifier, session } = person;
      await world.rows(sql`
        update ses set family_id = null, family_expires_at = null where id = ${uuidFor("ses", session.id)}::uuid`);
      for (let n = 0; n < 12; n++)
        await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
      const codes: string[] = [];
      for (let n = 0; n < 12; n++)
        codes.push(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword: otherPassword })));
      expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 10, too_many_requests: 2 });
    });

    test("S22: the right password costs no attempt if the new one is refused", async () => {
      const person = await world.person();
      const { actor, password: currentPassword, transport } = person;
      // The new password is long enough only for a user with a second factor, which only the statement can see.
      const change = () => auth.changePassword({ actor, currentPassword, newPassword: "xk7#Qv2zPl", transport });
      for (let n = 0; n < 12; n++) expect(await outcome(change())).toBe("invalid_format.password");
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("S41: the log distinguishes a right password with a refused change from a wrong password", async () => {
      const person = await world.person();
      const { actor, userId, credentialId, password: currentPassword, transport } = person;
      const change = { actor, transport, newPassword: "xk7#Qv2zPl" };
      await outcome(auth.changePassword({ ...change, currentPassword }));
      await outcome(auth.changePassword({ ...change, currentPassword: "guess" }));
      await outcome(auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword }));
      const events = [
        ...(await world.events({ actor: userId, action: "identity.password.change" })),
        ...(await world.events({ actor: userId, action: "identity.credential.revoke" })),
      ];
      expect(events.map((event) => [event.outcome, event.targetId, event.metadata.reason])).toEqual([
        ["denied", credentialId, "invalid_format.password"],
        ["failure", credentialId, undefined],
        ["denied", credentialId, "conflict.last_way_in"],
      ]);
    });

    test("F01, S22: a lost request before a refusal: the same refusal", async () => {
      const { actor, password: currentPassword, transport } = await world.person();
      const database = faultyDatabase(world.database);
      database.reset([undefined, "before"]);
      const lossy = world.isolate({ database });
      const change = { actor, currentPassword, newPassword: "xk7#Qv2zPl", transport };
      expect(await outcome(lossy.changePassword(change))).toBe("invalid_format.password");
    });

    test("S22: the right password costs no attempt if the database reports that nothing happened", async () => {
      const person = await world.person();
      const { actor, password: currentPassword, transport } = person;
      const full = Object.assign(new Error("too many connections"), { code: "53300" });
      const overloaded = world.isolate({
        database: {
          ...world.database,
          batch: async (statements) => {
            // The change is sent with its locks, the refund alone.
            if (statements.length > 1) throw full;
            return await world.database.batch(statements);
          },
        },
      });
      const change = { actor, currentPassword, newPassword: otherPassword, transport };
      for (let n = 0; n < 12; n++)
        expect(await outcome(overloaded.changePassword(change))).toBe("unavailable.database");
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("F13, S22: the right password costs no attempt if the hash queue is full", async () => {
      const person = await world.person();
      const hash = () => Promise.reject(new HashQueueFullError());
      const busy = world.isolate({ passwordHasher: { ...quickHasher(), hash } });
      const { actor, credentialId, password: currentPassword, transport } = person;
      for (const act of [
        () => busy.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password: otherPassword }),
        () => busy.credentials.createOwnPassword({ ...added(person), currentPassword }),
        () => busy.changePassword({ actor, currentPassword, newPassword: otherPassword, transport }),
      ]) {
        for (let n = 0; n < 12; n++) expect(await outcome(act())).toBe("unavailable.busy");
      }
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("S41: a guess is recorded for the credential that it targets", async () => {
      const person = await world.person();
      const { actor, userId } = person;
      const other = await auth.credentials.createPassword({ ...added(person), actor: system });
      const guess = () =>
        auth.credentials.revokeOwnPassword({ actor, credentialId: other.id, currentPassword: "guess" });
      for (let n = 0; n < 22; n++) await outcome(guess());
      const events = await world.events({ actor: userId, action: "identity.credential.revoke" });
      expect(tally(events.map((event) => `${event.outcome} ${event.targetId}`))).toEqual({
        [`failure ${other.id}`]: 20,
        [`denied ${other.id}`]: 1,
      });
    });

    test("S41: a proof that is not admitted is recorded for the credential that it names, or else for the session", async () => {
      const [person, other] = [await world.person(), await world.person()];
      const { actor, userId, credentialId, session, password: currentPassword, transport } = person;
      await world.age(session, 3_600);
      const stale = "unauthorized.reauthentication_required";
      const change = { actor, currentPassword, newPassword: otherPassword, transport };
      expect(await outcome(auth.changePassword(change))).toBe(stale);
      const named = { actor, credentialId, currentPassword };
      expect(await outcome(auth.credentials.revokeOwnPassword(named))).toBe(stale);
      const foreign = { ...named, credentialId: other.credentialId };
      expect(await outcome(auth.credentials.revokeOwnPassword(foreign))).toBe("not_found");
      const events = (await world.events({ actor: userId })).filter((event) => event.outcome === "denied");
      expect(events.map(({ action, targetId }) => [action, targetId])).toEqual([
        ["identity.password.change", session.id],
        ["identity.credential.revoke", credentialId],
        ["identity.credential.revoke", other.credentialId],
      ]);
    });

    test("S22: an administrator who closes accounts with the right password spends no attempt", async () => {
      const admin = await world.administrator();
      const { actor, password: currentPassword } = admin;
      for (let time = 0; time < 12; time++) {
        const { userId } = await world.person();
        expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword }))).toBe("done");
      }
      expect(await outcome(auth.signIn.password({ ...admin, context: context() }))).toBe("done");
    });

    test("R008: a password that is replaced between check and use proves nothing", async () => {
      const { person, authenticator } = await withPasskey();
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      const late = world.isolate({
        database: {
          ...world.database,
          async batch(statements) {
            await world.rows(
              sql`update cred set password_hash = 'another' where id = ${uuidFor("cred", person.credentialId)}::uuid`,
            );
            return await world.database.batch(statements);
          },
        },
      });
      const second = { ...added({ ...person, actor }), currentPassword: person.password };
      expect(await outcome(late.credentials.createOwnPassword(second))).toBe("unauthorized.invalid_credential");
    });

    test("R008: a second password for a user with a suspended one: refused", async () => {
      const { person, authenticator } = await withPasskey();
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      await auth.credentials.suspend({ actor: system, credentialId: person.credentialId });
      const second = added({ ...person, actor });
      expect(await outcome(auth.credentials.createPassword(second))).toBe("unauthorized.invalid_credential");
    });

    describe("removing a password that the owner did not set", () => {
      /** A user with a second password, which only a stranger knows. */
      const withStranger = async () => {
        const person = await world.person();
        const stranger = { identifier: freshIdentifier(), password: "only a stranger knows this one" };
        const { id } = await auth.credentials.createPassword({ ...added(person), ...stranger, actor: system });
        const { actor, credentialId: provedBy, password: currentPassword } = person;
        return { person, stranger, removal: { actor, credentialId: id, provedBy, currentPassword } };
      };
      const refused = "unauthorized.invalid_credential";

      test("with the password of the session; its own sessions end, and the others stay", async () => {
        const { person, stranger, removal } = await withStranger();
        const theirs = await world.signIn({ ...person, ...stranger });
        const { provedBy, ...unnamed } = removal;
        expect(await outcome(auth.credentials.revokeOwnPassword(unnamed))).toBe(refused);
        expect(await outcome(auth.credentials.revokeOwnPassword({ ...removal, currentPassword: "guess" }))).toBe(
          refused,
        );
        expect((await auth.credentials.revokeOwnPassword(removal)).status).toBe("revoked");
        expect(await outcome(auth.signIn.password({ ...stranger, context: context() }))).toBe(refused);
        expect(await outcome(auth.sessions.verify(theirs))).not.toBe("done");
        expect(await outcome(auth.sessions.verify(person))).toBe("done");
        expect(await outcome(auth.credentials.revokeOwnPassword(removal))).toBe("conflict.already_terminal");
      });

      test("S41, S22: guesses count and are recorded at the password that is tried", async () => {
        const { person, removal } = await withStranger();
        const guess = () => outcome(auth.credentials.revokeOwnPassword({ ...removal, currentPassword: "guess" }));
        expect(tally(await repeat(22, guess))).toEqual({ [refused]: 20, too_many_requests: 2 });
        const events = await world.events({ actor: person.userId, action: "identity.credential.revoke" });
        expect(tally(events.map((event) => `${event.outcome} ${event.targetId}`))).toEqual({
          [`failure ${removal.provedBy}`]: 20,
          [`denied ${removal.provedBy}`]: 1,
        });
      });

      test("R008: not with a password of another user, nor of another user's account", async () => {
        const [{ removal }, other] = [await withStranger(), await world.person()];
        const { credentialId: foreign, password: currentPassword } = other;
        const withForeign = { ...removal, provedBy: foreign, currentPassword };
        expect(await outcome(auth.credentials.revokeOwnPassword(withForeign))).toBe("not_found");
        const ofForeign = { ...removal, credentialId: foreign };
        expect(["not_found", "forbidden"]).toContain(await outcome(auth.credentials.revokeOwnPassword(ofForeign)));
        expect(await outcome(auth.signIn.password({ ...other, context: context() }))).toBe("done");
        const admin = await world.administrator();
        const asAdmin = { ...removal, actor: admin.actor };
        expect(await outcome(auth.credentials.revokeOwnPassword(asAdmin))).toBe("forbidden");
      });

      test("neither with one that is suspended or ended, nor a passkey by it", async () => {
        const { person, removal } = await withStranger();
        const third = await auth.credentials.createPassword({ ...added(person), actor: system });
        await auth.credentials.suspend({ actor: system, credentialId: third.id });
        const bySuspended = { ...removal, provedBy: third.id, currentPassword: otherPassword };
        expect(await outcome(auth.credentials.revokeOwnPassword(bySuspended))).toBe("conflict.credential_not_active");
        const { person: holder, authenticator, passkey } = await withPasskey();
        const { actor } = await personAt(world, holder, await passkeySignIn(authenticator));
        const ofPasskey = {
          actor,
          credentialId: passkey.id,
          provedBy: holder.credentialId,
          currentPassword: holder.password,
        };
        expect(await outcome(auth.credentials.revokeOwnPassword(ofPasskey))).toBe("not_found");
      });

      test("S33: the last way in stays", async () => {
        const { actor, credentialId, password: currentPassword } = await world.person();
        const own = { actor, credentialId, provedBy: credentialId, currentPassword };
        expect(await outcome(auth.credentials.revokeOwnPassword(own))).toBe("conflict.last_way_in");
      });

      test("two sessions that remove each other's password at once: one of the passwords stays", async () => {
        for (let round = 0; round < 5; round++) {
          const { person, stranger, removal } = await withStranger();
          const theirs = await world.signIn({ ...person, ...stranger });
          const { provedBy, credentialId } = removal;
          const both = await Promise.all([
            outcome(auth.credentials.revokeOwnPassword(removal)),
            outcome(
              auth.credentials.revokeOwnPassword({
                actor: theirs.actor,
                credentialId: provedBy,
                provedBy: credentialId,
                currentPassword: stranger.password,
              }),
            ),
          ]);
          expect(tally(both)).toMatchObject({ done: 1 });
          const { data } = await auth.credentials.list({ actor: system, userId: person.userId });
          expect(data.filter(({ status }) => status === "active")).toHaveLength(1);
        }
      });

      test("a session that is an hour old does not", async () => {
        const { person, removal } = await withStranger();
        await world.age(person.session, 3_600);
        expect(await outcome(auth.credentials.revokeOwnPassword(removal))).toBe(
          "unauthorized.reauthentication_required",
        );
      });
    });

    test("R008: another user's password, or a passkey's id: refused", async () => {
      const [{ person, authenticator, passkey }, other] = [await withPasskey(), await world.person()];
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      const foreign = { actor, credentialId: other.credentialId, currentPassword: other.password };
      expect(await outcome(auth.credentials.revokeOwnPassword(foreign))).toBe("not_found");
      const admin = await world.administrator();
      expect(await outcome(auth.credentials.revokeOwnPassword({ ...foreign, actor: admin.actor }))).toBe("forbidden");
      const mistaken = { actor, credentialId: passkey.id, currentPassword: person.password };
      expect(await outcome(auth.credentials.revokeOwnPassword(mistaken))).toBe("conflict.credential_type_mismatch");
    });
  },
);

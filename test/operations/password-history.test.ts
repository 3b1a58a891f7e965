import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { passwordHistory } from "../../src/operations/password-history.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, type Person, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { mailed, noticeTo, withNewAddress, withVerifiedAddress } from "../support/links.ts";

/** Passwords that no rule refuses, in order. */
const passwords = Array.from({ length: 14 }, (_, index) => `${goodPassword}-${String.fromCharCode(97 + index)}`);
const reused = ["invalid_format.password", "reused"];

describeWorld("passwordHistory", { on: ["pglite", "postgres"] }, (world) => {
  const remembering = (remembered: number) => world.isolate({ history: passwordHistory(remembered) });
  const refusedBy = async (promise: Promise<unknown>) => {
    const { code, details } = await refusal(promise);
    return [code, details?.reason];
  };

  /** Changes the password, and returns the person with it. */
  async function change(person: Person, newPassword: string, auth = world.auth): Promise<Person> {
    const { actor, password, transport } = person;
    const changed = await auth.changePassword({ actor, currentPassword: password, newPassword, transport });
    return await world.signIn({ ...person, ...changed, password: newPassword });
  }

  async function changeThrough(all: readonly string[], auth = world.auth): Promise<Person> {
    let person = await world.person({ password: all[0]! });
    for (const password of all.slice(1)) person = await change(person, password, auth);
    return person;
  }

  const stored = (person: Person) =>
    world.rows<{ status: string; hash: string }>(sql`
      select status, password_hash as hash from cred
      where usr_id = ${uuidFor("usr", person.userId)}::uuid and type = 'password' order by created_at`);

  test("the present password and the three before it are refused, and the fourth is not", async () => {
    const auth = remembering(3);
    const person = await changeThrough(passwords.slice(0, 5), auth);
    for (const password of passwords.slice(1, 5))
      expect(await refusedBy(change(person, password, auth))).toEqual(reused);
    await change(person, passwords[0]!, auth);
  });

  test("without the option, every password may be set again", async () => {
    const person = await changeThrough(passwords.slice(0, 2));
    await change(await change(person, passwords[1]!), passwords[0]!);
  });

  test("a refusal ends no session, changes nothing and is written down; the current password stays right", async () => {
    const auth = remembering(3);
    const person = await changeThrough(passwords.slice(0, 2), auth);
    const before = await stored(person);
    expect(await refusedBy(change(person, passwords[0]!, auth))).toEqual(reused);
    expect(await stored(person)).toEqual(before);
    expect(await world.liveSessions(person.userId)).toBeGreaterThan(0);
    await change(person, passwords[2]!, auth);
  });

  test("a new address takes the place of no former password", async () => {
    const auth = remembering(1);
    const old = await changeThrough(passwords.slice(0, 2), auth);
    const moved = await withNewAddress(world, await withVerifiedAddress(world, old));
    const again = await withNewAddress(world, moved);
    expect(await refusedBy(change(again, passwords[0]!, auth))).toEqual(reused);
    expect(await refusedBy(change(again, passwords[1]!, auth))).toEqual(reused);
    await change(again, passwords[2]!, auth);
  });

  test("a password that a notice has made unusable takes the place of none", async () => {
    const auth = remembering(1);
    const person = await changeThrough(passwords.slice(0, 2), auth);
    await auth.notices.disown({ token: await noticeTo(world, person), context: { address: "203.0.113.9" } });
    const reset = async (password: string) => {
      const { token } = await mailed(world, "reset", person.identifier);
      return await auth.passwordReset.confirm({ token, password });
    };
    expect(await refusedBy(reset(passwords[1]!))).toEqual(reused);
    await reset(passwords[2]!);
    const changed = await world.signIn({ ...person, password: passwords[2]! });
    expect(await refusedBy(change(changed, passwords[1]!, auth))).toEqual(reused);
  });

  test("a new password by a mailed link, whose link then still works", async () => {
    const auth = remembering(3);
    const person = await changeThrough(passwords.slice(0, 2), auth);
    const { token } = await mailed(world, "reset", person.identifier);
    for (const password of passwords.slice(0, 2))
      expect(await refusedBy(auth.passwordReset.confirm({ token, password }))).toEqual(reused);
    expect(await auth.passwordReset.confirm({ token, password: passwords[2]! })).toMatchObject({
      identifier: person.identifier,
    });
  });

  test("the rotation of a credential, and a password after the last one was revoked", async () => {
    const auth = remembering(3);
    const person = await changeThrough(passwords.slice(0, 2), auth);
    const { actor, credentialId, userId } = person;
    const proved = { actor, credentialId, currentPassword: passwords[1]! };
    expect(await refusedBy(auth.credentials.rotateOwnPassword({ ...proved, password: passwords[0]! }))).toEqual(reused);
    await auth.credentials.revoke({ actor: system, credentialId });
    const again = await world.rows<{ id: string }>(
      sql`select id from ses where usr_id = ${uuidFor("usr", userId)}::uuid`,
    );
    expect(again.length).toBeGreaterThan(0);
    const own = { actor, userId, identifier: freshIdentifier(), password: passwords[0]! };
    // The session ended with the password, so only the check before it is seen.
    expect(await refusedBy(auth.credentials.createPassword(own))).toEqual(reused);
  });

  test("the application sets any password, and costs one hash and no further request", async () => {
    const auth = remembering(3);
    const person = await changeThrough(passwords.slice(0, 3), auth);
    const counted = world.isolate({ database: world.counting, history: passwordHistory(3) });
    world.counting.reset();
    world.hasher.reset();
    const { credentialId } = person;
    await counted.credentials.rotatePassword({ actor: system, credentialId, password: passwords[0]! });
    expect([world.counting.requests, world.hasher.computations]).toEqual([1, 1]);
  });

  test("another user's passwords do not count", async () => {
    const auth = remembering(10);
    await changeThrough(passwords.slice(0, 4), auth);
    const other = await world.person({ password: passwords[5]! });
    await change(other, passwords[1]!, auth);
  });

  test("another spelling of a former password, which is hashed alike, is the same", async () => {
    const auth = remembering(3);
    const composed = "ÄÖÜ vmqkzhrwxjcyg";
    const person = await change(await world.person({ password: composed }), passwords[0]!, auth);
    expect(await refusedBy(change(person, composed.normalize("NFD"), auth))).toEqual(reused);
  });

  describe("what it costs", () => {
    test("N + 1 former hashes at most, besides the current and the new one, in one request more", async () => {
      const person = await changeThrough(passwords.slice(0, 9));
      const auth = world.isolate({ database: world.counting, history: passwordHistory(3) });
      world.counting.reset();
      world.hasher.reset();
      const { actor, password, transport } = person;
      await auth.changePassword({ actor, currentPassword: password, newPassword: passwords[9]!, transport });
      expect([world.counting.requests, world.hasher.computations]).toEqual([3, 1 + (3 + 1) + 1]);
    });

    test("the hashes are counted before they are made: past the limit of new passwords, 429 and none is made", async () => {
      const auth = world.isolate({
        history: passwordHistory(3),
        limits: { address: { attempts: 9, windowSeconds: 300 } },
      });
      const person = await changeThrough(passwords.slice(0, 2));
      for (const password of [passwords[0]!, passwords[1]!]) {
        expect(await refusedBy(change(person, password, auth))).toEqual(reused);
      }
      world.hasher.reset();
      expect((await refusal(change(person, passwords[2]!, auth))).code).toBe("too_many_requests");
      // The current password's.
      expect(world.hasher.computations).toBe(1);
    });

    test("S57: no more hashes than were counted, however many passwords the user has", async () => {
      let person = await world.person({ password: passwords[0]! });
      const { userId, actor } = person;
      for (let more = 0; more < 6; more++) {
        const identifier = freshIdentifier();
        await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: goodPassword });
      }
      const auth = world.isolate({ history: passwordHistory(2) });
      world.hasher.reset();
      const [currentPassword, newPassword] = [passwords[0]!, passwords[1]!];
      await auth.changePassword({ actor, currentPassword, newPassword, transport: "token" });
      expect(world.hasher.computations).toBe(1 + (2 + 1) + 1);
      person = await world.signIn({ ...person, password: newPassword });
      expect(await refusedBy(change(person, goodPassword, auth))).toEqual(reused);
    });

    test("a limit below the number of hashes allows one change in a window, and not none for ever", async () => {
      const limits = { address: { attempts: 3, windowSeconds: 300 } };
      const auth = world.isolate({ history: passwordHistory(10), limits });
      const person = await change(await world.person({ password: passwords[0]! }), passwords[1]!, auth);
      expect((await refusal(change(person, passwords[2]!, auth))).code).toBe("too_many_requests");
    });

    test("a stranger without the current password causes none of them", async () => {
      const auth = remembering(10);
      const person = await changeThrough(passwords.slice(0, 3));
      world.hasher.reset();
      const wrong = change({ ...person, password: passwords[0]! }, passwords[3]!, auth);
      expect((await refusal(wrong)).code).toBe("unauthorized.invalid_credential");
      expect(world.hasher.computations).toBe(1);
    });

    test("50 changes at once: one succeeds, and no password comes back", async () => {
      const auth = remembering(3);
      const person = await changeThrough(passwords.slice(0, 2), auth);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) => {
          const { actor, password, transport } = person;
          const newPassword = passwords[index % 2 ? 0 : 2]!;
          return auth.changePassword({ actor, currentPassword: password, newPassword, transport });
        }),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(await stored(person)).toHaveLength(3);
    });
  });

  describe("what is kept", () => {
    test("older hashes are erased at the next change; their rows stay", async () => {
      const auth = remembering(2);
      const person = await changeThrough(passwords.slice(0, 7), auth);
      const rows = await stored(person);
      expect(rows.map(({ status, hash }) => [status, hash !== ""])).toEqual([
        ["revoked", false],
        ["revoked", false],
        ["revoked", false],
        ["revoked", true],
        ["revoked", true],
        ["revoked", true],
        ["active", true],
      ]);
      // The first one has been forgotten.
      await change(person, passwords[0]!, auth);
    });

    test("an erased hash verifies no password, the empty one included", async () => {
      const auth = remembering(1);
      const person = await changeThrough(passwords.slice(0, 4), auth);
      for (const password of ["", passwords[0]!]) {
        const { code } = await refusal(world.auth.signIn.password({ identifier: person.identifier, password }));
        expect(code).toBe("unauthorized.invalid_credential");
      }
    });

    test("a closed account keeps no hash at all, whether or not passwords are remembered", async () => {
      for (const auth of [remembering(3), world.auth]) {
        const person = await changeThrough(passwords.slice(0, 3), auth);
        const kept = await changeThrough(passwords.slice(0, 3), auth);
        await auth.users.revoke({ actor: system, userId: person.userId });
        expect((await stored(person)).map(({ status, hash }) => [status, hash])).toEqual(
          Array(3).fill(["revoked", ""]),
        );
        expect((await stored(kept)).every(({ hash }) => hash !== "")).toBe(true);
      }
    });

    test("another SDK that revokes the user before the passwords leaves no hash either", async () => {
      const person = await changeThrough(passwords.slice(0, 2));
      const id = uuidFor("usr", person.userId);
      await world.rows(sql`update usr set status = 'revoked' where id = ${id}::uuid`);
      await world.rows(sql`update cred set status = 'revoked' where usr_id = ${id}::uuid and status = 'active'`);
      expect((await stored(person)).map(({ status, hash }) => [status, hash])).toEqual(Array(2).fill(["revoked", ""]));
    });

    test("a suspended account, and one that is reinstated, keep theirs", async () => {
      const person = await changeThrough(passwords.slice(0, 2));
      await world.auth.users.suspend({ actor: system, userId: person.userId });
      await world.auth.users.reinstate({ actor: system, userId: person.userId });
      expect((await stored(person)).every(({ hash }) => hash !== "")).toBe(true);
    });
  });

  test.each(["before", "after"] as const)(
    "a request for the history that is lost %s it runs: repeated, and counted once",
    async (fault) => {
      const faulty = faultyDatabase(world.database);
      const auth = world.isolate({ database: faulty, history: passwordHistory(3) });
      const person = await changeThrough(passwords.slice(0, 2));
      faulty.reset([undefined, fault]);
      expect(await refusedBy(change(person, passwords[0]!, auth))).toEqual(reused);
      const [counter] = await world.rows<{ count: number }>(
        sql`select count from attempt where bucket = ${`hashes:${uuidFor("usr", person.userId)}`}`,
      );
      expect(counter!.count).toBe(4);
    },
  );

  test.each([0, -1, 11, 1.5, Number.NaN, "5", undefined])("%j: refused when the application starts", (remembered) => {
    expect(() => passwordHistory(remembered as number)).toThrow(
      expect.objectContaining({ name: "TypeError", option: "history" }) as Error,
    );
  });
});

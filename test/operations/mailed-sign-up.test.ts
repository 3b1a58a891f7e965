import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, otherPassword, outcome, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { askers, mailed } from "../support/links.ts";

const invalid = "unauthorized.invalid_link";

describeWorld(
  "S39: signing up with a mailed link",
  { on: ["pglite", "postgres"], auth: { signUp: "verify-first" } },
  (world) => {
    const confirm = (token: string, more: { password?: string; displayName?: string } = {}) =>
      world.auth.mailedSignUp.confirm({
        token,
        password: goodPassword,
        ...more,
        context: { address: freshAddress() },
      });
    const made = async () => {
      const identifier = freshIdentifier();
      const { token } = await mailed(world, "signUp", identifier);
      return { identifier, account: await confirm(token) };
    };
    const usersOf = async (identifier: string) =>
      await world.rows(sql`select usr_id from cred where identifier = ${identifier}`);

    test("the request makes no user; the link makes an account with a verified address and a session", async () => {
      const identifier = freshIdentifier();
      const { token } = await mailed(world, "signUp", identifier);
      expect(await usersOf(identifier)).toEqual([]);
      const account = await confirm(token, { displayName: "Ada" });
      expect(account.user).toMatchObject({ displayName: "Ada", status: "active" });
      const { user } = await world.auth.sessions.verify({ token: account.token, transport: "token" });
      expect(user).toMatchObject({ identifier, identifierVerified: true });
      expect(await outcome(world.auth.signIn.password({ identifier, password: goodPassword }))).toBe("done");
      expect(await outcome(confirm(token))).toBe(invalid);
    });

    test("signing up without a link is closed", async () => {
      const closed = world.auth.signUp({ identifier: freshIdentifier(), password: goodPassword });
      expect(await outcome(closed)).toBe("forbidden.sign_up_closed");
    });

    test.each(["closed", "invited"] as const)("neither is open in the mode %s", async (mode) => {
      const { token } = await mailed(world, "signUp", freshIdentifier());
      const closed = world.isolate({ signUp: mode });
      expect(await outcome(closed.mailedSignUp.request({ identifier: freshIdentifier() }))).toBe(
        "forbidden.sign_up_closed",
      );
      const plan = closed.mailedSignUp.confirm.plan({ token, password: goodPassword });
      expect(await outcome(closed.mailedSignUp.confirm({ token, password: goodPassword }))).toBe(
        "forbidden.sign_up_closed",
      );
      expect(await outcome(plan)).toBe("forbidden.sign_up_closed");
    });

    test("R018: at an address that has an account the answer is the same, and its owner is told", async () => {
      const { identifier } = await made();
      const answers: string[][] = [];
      const rows: unknown[] = [];
      for (const address of [identifier, freshIdentifier()]) {
        // Its mailbox's counter exists from here on.
        await askers.signUp(world, address);
        const count = async () => {
          const [row] = await world.rows<Record<string, number>>(sql`
            select (select count(*)::int from mail_message where status = 'owed') as messages,
              (select count(*)::int from aud) as events, (select count(*)::int from attempt) as counters,
              (select count(*)::int from verification_token) as links`);
          return row!;
        };
        const before = await count();
        world.counting.reset();
        answers.push(Object.keys(await askers.signUp(world, address)));
        const after = await count();
        rows.push([world.counting.requests, ...Object.keys(after).map((table) => after[table]! - before[table]!)]);
      }
      expect(answers).toEqual([["requestToken"], ["requestToken"]]);
      expect(rows).toEqual([
        [1, 1, 1, 2, 0],
        [1, 1, 1, 2, 0],
      ]);
      await world.auth.mail.deliver();
      const { subject, text } = world.mailbox.newestTo(identifier);
      expect(subject).toBe("You already have an account at example.com");
      expect(text).toContain("https://example.com/sign-in\n");
      expect(text).not.toContain("token=");
    });

    test("an address that a suspended password has is taken too", async () => {
      const { identifier, account } = await made();
      await world.auth.credentials.suspend({ actor: system, credentialId: account.session.credentialId });
      // The notice of it.
      await world.auth.mail.deliver();
      await askers.signUp(world, identifier);
      await world.auth.mail.deliver();
      expect(world.mailbox.newestTo(identifier).subject).toMatch(/already/);
    });

    test("a newer link replaces the last, and only one makes the account", async () => {
      const identifier = freshIdentifier();
      const [one, two] = [await mailed(world, "signUp", identifier), await mailed(world, "signUp", identifier)];
      expect(await outcome(confirm(one.token))).toBe(invalid);
      expect(await outcome(confirm(two.token))).toBe("done");
      expect(await usersOf(identifier)).toHaveLength(1);
    });

    test("an account that an administrator made in the meantime keeps the address", async () => {
      const identifier = freshIdentifier();
      const { token } = await mailed(world, "signUp", identifier);
      const { id: userId } = await world.auth.users.create({ actor: system, displayName: "Ada" });
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      expect(await outcome(confirm(token))).toBe("conflict.duplicate_credential");
    });

    describe("refusals make nothing, and the link still works", () => {
      test.each<[string, { password?: string; displayName?: string }, string]>([
        ["a short password", { password: "tuldnbfp" }, "invalid_format.password"],
        ["an enormous password", { password: "x".repeat(2_000) }, "invalid_format.password"],
        ["an enormous name", { displayName: "x".repeat(100_000) }, "invalid_format.name"],
      ])("%s", async (_case, more, code) => {
        const identifier = freshIdentifier();
        const { token } = await mailed(world, "signUp", identifier);
        expect(await outcome(confirm(token, more))).toBe(code);
        expect(await usersOf(identifier)).toEqual([]);
        expect(await outcome(confirm(token))).toBe("done");
      });

      test("the address as its own password", async () => {
        const { token } = await mailed(world, "signUp", "ada.lovelace.countess@example.com");
        expect(await outcome(confirm(token, { password: "ada.lovelace.countess@example.com" }))).toBe(
          "invalid_format.password",
        );
      });
    });

    test.each([
      "",
      "no address",
      "ada",
      "a@b@c.de,d@e.de",
      "ada@example.com,eve@example.com",
      "ada@example.com\nBcc: eve@example.com",
      "<ada@example.com>",
      "ada@127.0.0.1",
      `${"a".repeat(300)}@example.com`,
    ])("R029: %j gets no message", async (identifier) => {
      const before = world.mailbox.messages.length;
      expect(await outcome(askers.signUp(world, identifier))).toBe("invalid_format.identifier");
      await world.auth.mail.deliver();
      expect(world.mailbox.messages).toHaveLength(before);
    });

    test("an expired link makes nothing, and costs no hash", async () => {
      const { token } = await mailed(world, "signUp", freshIdentifier());
      await world.rows(sql`update verification_token set expires_at = created_at`);
      world.hasher.reset();
      expect(await outcome(confirm(token))).toBe(invalid);
      expect(world.hasher.computations).toBe(0);
    });

    test("S57: passwords beside one link are hashed ten times", async () => {
      const { token } = await mailed(world, "signUp", freshIdentifier());
      const busy = world.isolate({ passwordHasher: world.hasher, isCompromisedPassword: async () => true });
      const codes: string[] = [];
      for (let time = 0; time < 12; time++) {
        const context = { address: freshAddress() };
        codes.push(await outcome(busy.mailedSignUp.confirm({ token, password: goodPassword, context })));
      }
      expect(tally(codes)).toEqual({ "invalid_format.password": 10, too_many_requests: 2 });
    });

    test("S03: a plan commits the application's own row with the account, or neither", async () => {
      await world.rows(sql`create table if not exists profile (usr_id uuid primary key references usr (id))`);
      const { token } = await mailed(world, "signUp", freshIdentifier());
      const plan = () => world.auth.mailedSignUp.confirm.plan({ token, password: goodPassword });
      const failing = await plan();
      await expect(world.auth.batch([failing, sql`insert into missing_table values (1)`])).rejects.toThrow();
      const planned = await plan();
      const userId = uuidFor("usr", planned.known.userId);
      const [account] = await world.auth.batch([planned, sql`insert into profile values (${userId}::uuid)`]);
      expect(account.user.id).toBe(planned.known.userId);
      expect(await world.rows(sql`select usr_id from profile where usr_id = ${userId}::uuid`)).toHaveLength(1);
      expect(await outcome(plan())).toBe(invalid);
    });
  },
);

describe("the mode verify-first", () => {
  test("needs the feature mail", async () => {
    const { createAuth } = await import("../../src/operations/auth.ts");
    const { signUp } = await import("../../src/http/features/sign-up.ts");
    const { passwords } = await import("../../src/http/features/passwords.ts");
    const { quickHasher, quickDecoy, secret } = await import("../support/auth.ts");
    const auth = createAuth({
      database: { run: () => Promise.reject(new Error("unused")), batch: () => Promise.reject(new Error("unused")) },
      secrets: secret,
      origins: ["https://example.com"],
      clientAddress: () => undefined,
      features: [passwords({ hasher: quickHasher(), decoyHash: quickDecoy }), signUp({ mode: "verify-first" })],
    });
    const signingUp = auth.signUp({ identifier: freshIdentifier(), password: goodPassword });
    await expect(signingUp).rejects.toThrow(/verify-first/);
  });
});

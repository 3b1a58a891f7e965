import { describe, expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { userOfIdentifier } from "../../src/store/identifiers.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, quickHasher, refusal, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("sign-up", { on: ["pglite", "postgres"] }, (world) => {
  const signUp = (input: object = {}, auth = world.auth) =>
    auth.signUp({
      identifier: freshIdentifier(),
      password: goodPassword,
      context: { address: freshAddress() },
      ...input,
    });
  const counts = async () =>
    (
      await world.rows<{ usr: number; cred: number; ses: number }>(sql`
        select (select count(*)::int from usr) as usr, (select count(*)::int from cred) as cred,
          (select count(*)::int from ses) as ses`)
    )[0]!;

  test("sign-up makes user, credential, session and event in one request", async () => {
    const before = await counts();
    const identifier = freshIdentifier();
    world.counting.reset(1);
    const { user, session, token } = await signUp({
      identifier: identifier.toUpperCase(),
      displayName: "Ada",
      transport: "cookie",
      context: { address: freshAddress(), userAgent: "Mozilla/5.0\0" },
    });
    world.counting.reset();
    expect(user).toMatchObject({ status: "active", displayName: "Ada" });
    expect(session).toMatchObject({
      userId: user.id,
      transport: "cookie",
      amr: ["pwd"],
      userAgent: "Mozilla/5.0",
      mfaVerifiedAt: null,
    });
    expect((await world.auth.sessions.verify({ token, transport: "cookie" })).user).toMatchObject(user);
    expect(await counts()).toEqual({ usr: before.usr + 1, cred: before.cred + 1, ses: before.ses + 1 });
    const [row] = await world.rows<{ identifier: string; verified: string | null }>(sql`
      select identifier, identifier_verified_at as verified from cred where usr_id = ${uuidFor("usr", user.id)}::uuid`);
    // S11: no proof of the identifier has been given.
    expect(row).toEqual({ identifier, verified: null });
    expect(await world.events({ actor: user.id })).toMatchObject([{ action: "identity.sign_up", outcome: "success" }]);
  });

  describe("a sign-up is refused and leaves no row", () => {
    test.each([
      {
        case: "an identifier that is taken",
        input: (taken: string) => ({ identifier: taken }),
        code: "conflict.duplicate_credential",
      },
      {
        case: "taken, in another case",
        input: (taken: string) => ({ identifier: taken.toUpperCase() }),
        code: "conflict.duplicate_credential",
      },
      { case: "no identifier", input: () => ({ identifier: "" }), code: "invalid_format.identifier" },
      {
        case: "a fullwidth identifier",
        input: () => ({ identifier: "ａda@example.com" }),
        code: "invalid_format.identifier",
      },
      { case: "14 characters", input: () => ({ password: "vmqkzhrwxjcygp" }), code: "invalid_format.password" },
      {
        case: "the identifier as password",
        input: () => ({ identifier: "ada.lovelace@example.com", password: "Ada.Lovelace@example.com" }),
        code: "invalid_format.password",
      },
      {
        case: "1,025 bytes",
        input: () => ({ password: `${goodPassword}é`.repeat(60) }),
        code: "invalid_format.password",
      },
      {
        case: "a lone surrogate in the password",
        input: () => ({ password: `${goodPassword}\ud800` }),
        code: "invalid_format.password",
      },
      { case: "NUL in the display name", input: () => ({ displayName: "a\0" }), code: "invalid_format.text" },
    ])("$case: $code", async ({ input, code }) => {
      const { identifier } = await world.person();
      const before = await counts();
      expect(await outcome(signUp(input(identifier)))).toBe(code);
      expect(await counts()).toEqual(before);
    });

    test("R001: a too short password: the refusal names the reason", async () => {
      const { details } = await refusal(signUp({ password: "vmqkzhrwxjcygp" }));
      expect(details).toEqual({ reason: "too_short" });
    });
  });

  test("S34, S39: an unknown mode: a configuration error before any work", async () => {
    world.hasher.reset();
    await expect(signUp({}, world.isolate({ signUp: "anything" as "closed" }))).rejects.toMatchObject({
      option: "mode",
    });
    expect(world.hasher.computations).toBe(0);
  });

  test.each(["closed", "invited", undefined])("S39: in mode %s: refused before any work", async (mode) => {
    const auth = world.isolate({ signUp: mode as "closed" });
    world.hasher.reset();
    expect(await outcome(signUp({}, auth))).toBe("forbidden.sign_up_closed");
    expect(world.hasher.computations).toBe(0);
  });

  test("S39: one hash, whether the identifier is taken or not", async () => {
    const { identifier } = await world.person();
    for (const taken of [identifier, freshIdentifier()]) {
      world.hasher.reset();
      await outcome(signUp({ identifier: taken }));
      expect(world.hasher.computations).toBe(1);
    }
  });

  test("S39: conflicts are recorded, and limited by address and by identifier", async () => {
    const auth = world.isolate({
      limits: { account: { attempts: 2, windowSeconds: 60 }, address: { attempts: 4, windowSeconds: 60 } },
    });
    const { identifier } = await world.person();
    const address = freshAddress();
    const codes = [];
    for (let time = 0; time < 4; time++) codes.push(await outcome(signUp({ identifier, context: { address } }, auth)));
    expect(codes).toEqual([
      "conflict.duplicate_credential",
      // The sign-up itself was the first of the two.
      "too_many_requests",
      "too_many_requests",
      "too_many_requests",
    ]);
    expect(await outcome(signUp({ context: { address } }, auth))).toBe("too_many_requests");
    expect(await outcome(signUp({}, auth))).toBe("done");
    const events = (await world.events({ action: "identity.sign_up" })).filter(({ context }) => context.ip === address);
    expect(events.map(({ outcome }) => outcome)).toEqual(["failure", "denied", "denied"]);
  });

  describe("sign-up with a plan", () => {
    const plan = (input: object = {}, auth = world.auth) =>
      auth.signUp.plan({
        identifier: freshIdentifier(),
        password: goodPassword,
        context: { address: freshAddress() },
        ...input,
      });

    test("the application's row commits with the account, with the user id known beforehand", async () => {
      await world.rows(sql`create table profile (usr_id uuid primary key references usr (id), city text)`);
      const identifier = freshIdentifier();
      world.counting.reset(1);
      const planned = await plan({ identifier });
      world.counting.reset(1);
      expect(Object.keys(planned.known)).toEqual(["userId"]);
      const id = uuidFor("usr", planned.known.userId);
      const [made] = await world.auth.batch([planned, sql`insert into profile values (${id}::uuid, 'Graz')`]);
      world.counting.reset();
      expect(made.user.id).toBe(planned.known.userId);
      expect(await outcome(world.auth.sessions.verify({ token: made.token, transport: "token" }))).toBe("done");
      expect(await outcome(world.auth.signIn.password({ identifier, password: goodPassword }))).toBe("done");
      expect(await world.rows(sql`select city from profile`)).toEqual([{ city: "Graz" }]);
      const [event] = (await world.events({ action: "identity.sign_up" })).slice(-1);
      expect(event).toMatchObject({ outcome: "success" });
    });

    test("a row that fails makes no account, and the attempt stays counted", async () => {
      const auth = world.isolate({ limits: { account: { attempts: 1, windowSeconds: 60 } } });
      const identifier = freshIdentifier();
      const before = await counts();
      const planned = await plan({ identifier }, auth);
      await expect(auth.batch([planned, sql`select 1 / 0`])).rejects.toMatchObject({ code: "22012" });
      expect(await counts()).toEqual(before);
      expect(await outcome(plan({ identifier }, auth))).toBe("too_many_requests");
    });

    test("a limited attempt is refused during planning, before any hash", async () => {
      const auth = world.isolate({ limits: { account: { attempts: 1, windowSeconds: 60 } } });
      const identifier = freshIdentifier();
      await plan({ identifier }, auth);
      world.hasher.reset();
      expect(await outcome(plan({ identifier }, auth))).toBe("too_many_requests");
      expect(world.hasher.computations).toBe(0);
    });

    test("an identifier that is taken before or during planning: conflict, and the application's rows are undone", async () => {
      await world.rows(sql`create table taken (n int)`);
      const identifier = freshIdentifier();
      const [first, second] = [await plan({ identifier }), await plan({ identifier })];
      expect(await outcome(world.auth.batch([first, sql`insert into taken values (1)`]))).toBe("done");
      const before = await counts();
      expect(await outcome(world.auth.batch([sql`insert into taken values (2)`, second]))).toBe(
        "conflict.duplicate_credential",
      );
      expect([await counts(), await world.rows(sql`select n from taken`)]).toEqual([before, [{ n: 1 }]]);
    });

    test("a closed mode or a refused password: refused before anything is counted", async () => {
      world.counting.reset(0);
      expect(await outcome(plan({}, world.isolate({ signUp: "closed" })))).toBe("forbidden.sign_up_closed");
      expect(await outcome(plan({ password: "short" }))).toBe("invalid_format.password");
      world.counting.reset();
    });

    test("two sign-ups with one identifier at once: one account", async () => {
      const identifier = freshIdentifier();
      const plans = await Promise.all([plan({ identifier }), plan({ identifier }), plan({ identifier })]);
      const codes = await Promise.all(plans.map((one) => outcome(world.auth.batch([one]))));
      expect(codes.toSorted()).toEqual(["conflict.duplicate_credential", "conflict.duplicate_credential", "done"]);
    });
  });

  test("from the sixth attempt of one address on, an isolate asks the database before it hashes", async () => {
    const limits = { address: { attempts: 7, windowSeconds: 60 } };
    const auth = world.isolate({ database: world.counting, limits });
    const context = { address: freshAddress() };
    const spent: number[][] = [];
    for (let time = 1; time <= 9; time++) {
      world.counting.reset();
      world.hasher.reset();
      const code = await outcome(signUp({ context }, auth));
      spent.push([world.counting.requests, world.hasher.computations]);
      expect([time, code]).toEqual([time, time <= 7 ? "done" : "too_many_requests"]);
    }
    expect(spent).toEqual([...Array(5).fill([1, 1]), [2, 1], [2, 1], [1, 0], [1, 0]]);
    // Another isolate knows nothing of the attempts, but the database does: one hash, then none.
    const other = world.isolate({ limits });
    world.hasher.reset();
    for (let time = 0; time < 3; time++) {
      expect(await outcome(signUp({ context }, other))).toBe("too_many_requests");
    }
    expect(world.hasher.computations).toBe(1);
  });

  describe("each way to admit an attempt", () => {
    /** Counted by the statement that makes the account, or by an earlier request. `free` attempts of the isolate come first. */
    const ways: { way: string; free: number; ask: (auth: typeof world.auth, input: object) => Promise<unknown> }[] = [
      { way: "with the account", free: 0, ask: (auth, input) => signUp(input, auth) },
      { way: "beforehand, after five from one address", free: 5, ask: (auth, input) => signUp(input, auth) },
      {
        way: "beforehand, for a plan",
        free: 0,
        ask: async (auth, input) => {
          const account = { identifier: freshIdentifier(), password: goodPassword, ...input };
          return await auth.batch([await auth.signUp.plan(account)]);
        },
      },
    ];

    test.each(ways)("R128: $way: an identifier that is taken leaves one event", async ({ free, ask }) => {
      const auth = world.isolate();
      const context = { address: freshAddress() };
      for (let time = 0; time < free; time++) await signUp({ context }, auth);
      const { identifier } = await world.person();
      const before = (await world.events({ action: "identity.sign_up" })).length;
      expect(await outcome(ask(auth, { identifier, context }))).toBe("conflict.duplicate_credential");
      const events = (await world.events({ action: "identity.sign_up" })).slice(before);
      expect(events).toMatchObject([{ outcome: "failure", actorUserId: null, context: { ip: context.address } }]);
    });

    test.each(ways)("F13: $way: an attempt that the hash queue refuses is not counted", async ({ free, ask }) => {
      let isBusy = false;
      const passwordHasher = quickHasher();
      const hash: PasswordHasher["hash"] = async (password) => {
        if (isBusy) throw new HashQueueFullError();
        return await passwordHasher.hash(password);
      };
      const limits = { account: { attempts: 1, windowSeconds: 60 } };
      const auth = world.isolate({ passwordHasher: { ...passwordHasher, hash }, limits });
      const context = { address: freshAddress() };
      for (let time = 0; time < free; time++) await signUp({ context }, auth);
      const identifier = freshIdentifier();
      isBusy = true;
      for (let time = 0; time < 3; time++) {
        expect(await outcome(ask(auth, { identifier, context }))).toBe("unavailable.busy");
      }
      isBusy = false;
      expect(await outcome(ask(auth, { identifier, context }))).toBe("done");
    });
  });

  test("S57: a stranger's passwords are looked up only for counted attempts", async () => {
    let lookups = 0;
    const auth = world.isolate({
      limits: { address: { attempts: 7, windowSeconds: 60 } },
      isCompromisedPassword: async () => {
        lookups++;
        return true;
      },
    });
    const context = { address: freshAddress() };
    const codes = [];
    for (let time = 0; time < 20; time++) codes.push(await outcome(signUp({ context }, auth)));
    // The isolate lets five through, then the database lets seven through.
    expect(tally(codes)).toEqual({ "invalid_format.password": 12, too_many_requests: 8 });
    expect(lookups).toBe(12);
    const account = { identifier: freshIdentifier(), password: goodPassword, context };
    expect(await outcome(auth.signUp.plan(account))).toBe("too_many_requests");
    expect(lookups).toBe(12);
  });

  test("S47: the presented session of the same transport ends", async () => {
    const [cookie, token] = [await world.person({ transport: "cookie" }), await world.person()];
    const verify = ({ token, transport }: typeof cookie) => outcome(world.auth.sessions.verify({ token, transport }));
    await signUp({ transport: "cookie", presentedToken: token.token });
    expect(await verify(token)).toBe("done");
    await signUp({ transport: "cookie", presentedToken: cookie.token });
    expect(await verify(cookie)).toBe("unauthorized.session_expired");
    const { identifier } = token;
    expect(await outcome(signUp({ identifier, presentedToken: token.token }))).toBe("conflict.duplicate_credential");
    expect(await verify(token)).toBe("done");
    expect(await outcome(signUp({ presentedToken: "garbage" }))).toBe("done");
  });

  test("a non-ASCII identifier, if the application allows it: accepted", async () => {
    const auth = world.isolate({ allowNonAsciiIdentifiers: true });
    const identifier = `ren\u00e9${freshIdentifier()}`;
    expect(await outcome(signUp({ identifier }, auth))).toBe("done");
    expect(
      await outcome(
        auth.signIn.password({ identifier: identifier.toUpperCase().replace("É", "é"), password: goodPassword }),
      ),
    ).toBe("done");
    // Elsewhere it is a name that others stored: found by its exact text, and by no other.
    const elsewhere = (text: string) =>
      outcome(world.auth.signIn.password({ identifier: text, password: goodPassword }));
    expect([await elsewhere(identifier), await elsewhere(identifier.toUpperCase().replace("É", "é"))]).toEqual([
      "done",
      "unauthorized.invalid_credential",
    ]);
  });
});

describeWorld("sign-up", { on: ["pglite"] }, (world) => {
  test("S24: locking the holder of an identifier uses indexes and never reads a whole table", async () => {
    const [, plan] = await world.database.batch([
      sql`set local enable_seqscan = off`,
      sql`explain ${userOfIdentifier("ada@example.com")}`,
    ]);
    const text = JSON.stringify(plan);
    expect(text).toMatch(/cred_unique_active_identifier.*cred_suspended_identifier/);
    expect(text).not.toContain("Seq Scan");
  });
});

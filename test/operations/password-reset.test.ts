import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, registrationBy } from "../support/factors.ts";
import { askers, mailed, withVerifiedAddress } from "../support/links.ts";
import { withLink } from "./writes/write.ts";

const invalid = "unauthorized.invalid_link";

describeWorld("resetting a forgotten password", { on: ["pglite", "postgres"] }, (world) => {
  const reset = (token: string, password = otherPassword) =>
    world.auth.passwordReset.confirm({ token, password, context: { address: freshAddress() } });
  const signsIn = async ({ identifier }: Person, password: string) =>
    await outcome(world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } }));
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const state = async ({ userId }: Person) => {
    const user = uuidFor("usr", userId);
    const rows = await world.rows<{ kind: string }>(sql`
      select type as kind from cred where usr_id = ${user}::uuid and status = 'active'
      union all select type from mfa where usr_id = ${user}::uuid and status = 'active'
      union all select 'session' from ses where usr_id = ${user}::uuid and revoked_at is null
      union all select 'ticket' from login_ticket where usr_id = ${user}::uuid
      union all select 'token' from pat where usr_id = ${user}::uuid and revoked_at is null
      union all select 'link' from verification_token where usr_id = ${user}::uuid order by 1`);
    return rows.map(({ kind }) => kind);
  };

  test("S11: a new password opens the account; sessions, tickets, links and tokens end, passkeys and factors stay", async () => {
    const { person, app } = await addApp(world, await verified());
    const { actor, userId } = person;
    const response = await registrationBy(world, person, await newAuthenticator());
    await world.auth.passkeys.register({ actor, response, transport: "token" });
    await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
    const { token } = await mailed(world, "reset", person.identifier);
    await world.auth.verifyPassword({ identifier: person.identifier, password: goodPassword });
    expect(await state(person)).toEqual(["link", "passkey", "password", "session", "ticket", "token", "totp"]);

    expect(await reset(token)).toMatchObject({ identifier: person.identifier });
    expect(await state(person)).toEqual(["passkey", "password", "totp"]);
    expect(await signsIn(person, goodPassword)).toBe("unauthorized.invalid_credential");
    const { identifier } = person;
    // R025: the second factor is still asked for.
    const signedIn = await world.auth.signIn.password({ identifier, password: otherPassword });
    if (!signedIn.mfaRequired) throw new Error("No second factor was asked for.");
    const proof = { type: "totp", code: await app.code() } as const;
    const { session } = await world.auth.signIn.factor({ ticket: signedIn.ticket, transport: "token", proof });
    expect(session.amr).toEqual(["mfa", "otp", "pwd"]);
  });

  test("S11: at an address that is not verified it is the account's first proof, and everything else ends", async () => {
    const { person } = await addApp(world, await world.person());
    const { actor, userId } = person;
    const response = await registrationBy(world, person, await newAuthenticator());
    await world.auth.passkeys.register({ actor, response, transport: "token" });
    await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
    await reset((await mailed(world, "reset", person.identifier)).token);
    expect(await state(person)).toEqual(["password"]);
    const signedIn = await world.auth.signIn.password({ identifier: person.identifier, password: otherPassword });
    if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
    const { user } = await world.auth.sessions.verify({ token: signedIn.token, transport: "token" });
    expect(user.identifierVerified).toBe(true);
  });

  describe("no message goes to", () => {
    test.each<[string, () => Promise<string>]>([
      ["an address that no account has", async () => freshIdentifier()],
      [
        "an account that is suspended",
        async () => {
          const person = await verified();
          await world.auth.users.suspend({ actor: system, userId: person.userId });
          return person.identifier;
        },
      ],
      [
        "a password that is revoked",
        async () => {
          const { credentialId, identifier } = await verified();
          await world.auth.credentials.revoke({ actor: system, credentialId });
          return identifier;
        },
      ],
      ["an administrator's address that is not verified", async () => (await world.administrator()).identifier],
      [
        "S40: a second address that is not verified",
        async () => {
          const { userId } = await verified();
          const identifier = freshIdentifier();
          await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
          return identifier;
        },
      ],
      [
        "R029: a name that mail programs read as two addresses",
        async () => (await world.person({ identifier: `"a,b"@${freshIdentifier().split("@")[1]}` })).identifier,
      ],
    ])("%s, and the answer is the same", async (_case, identifierOf) => {
      const identifier = await identifierOf();
      // The notices of what has happened to it.
      await world.auth.mail.deliver();
      const before = world.mailbox.messages.length;
      expect(Object.keys(await askers.reset(world, identifier))).toEqual(["requestToken"]);
      await world.auth.mail.deliver();
      expect(world.mailbox.messages).toHaveLength(before);
    });
  });

  test("S58: known and unknown addresses cost one request, and leave as many rows", async () => {
    const [known, unknown] = [(await verified()).identifier, freshIdentifier()];
    const costs: unknown[] = [];
    for (const identifier of [known, unknown]) {
      // Its mailbox's counter exists from here on.
      await askers.signUp(world, identifier);
      const count = async () => {
        const [row] = await world.rows<Record<string, number>>(sql`
          select (select count(*)::int from mail_message) as messages, (select count(*)::int from aud) as events,
            (select count(*)::int from attempt) as counters, (select count(*)::int from verification_token) as links`);
        return row!;
      };
      const before = await count();
      world.counting.reset();
      world.hasher.reset();
      await askers.reset(world, identifier);
      const after = await count();
      expect(world.counting.requests).toBe(1);
      costs.push([world.hasher.computations, ...Object.keys(after).map((table) => after[table]! - before[table]!)]);
    }
    expect(costs[0]).toEqual(costs[1]);
  });

  describe("R024: a link dies when", () => {
    test.each<[string, (person: Person, token: string) => Promise<unknown>]>([
      ["it was used", (_person, token) => reset(token, "another good pass phrase")],
      ["a newer one was sent", ({ identifier }) => mailed(world, "reset", identifier)],
      ["an hour has passed", () => world.rows(sql`update verification_token set expires_at = created_at`)],
      [
        "the password was changed",
        ({ actor }) =>
          world.auth.changePassword({
            actor,
            currentPassword: goodPassword,
            newPassword: otherPassword,
            transport: "token",
          }),
      ],
      ["the account was suspended", ({ userId }) => world.auth.users.suspend({ actor: system, userId })],
      [
        "the password was revoked",
        ({ credentialId }) => world.auth.credentials.revoke({ actor: system, credentialId }),
      ],
      ["the user signed out everywhere else", ({ actor }) => world.auth.sessions.revokeOthers({ actor })],
    ])("%s", async (_case, happens) => {
      const person = await verified();
      const { token } = await mailed(world, "reset", person.identifier);
      await happens(person, token);
      world.hasher.reset();
      expect(await outcome(reset(token))).toBe(invalid);
      expect(world.hasher.computations).toBe(0);
    });
  });

  test("R023: a link of one purpose is worth nothing for another", async () => {
    const person = await world.person();
    const forProof = await withLink(world, person);
    expect(await outcome(reset(forProof))).toBe(invalid);
    const forReset = (await mailed(world, "reset", person.identifier)).token;
    const { actor } = person;
    expect(await outcome(world.auth.identifiers.verify({ token: forReset, proof: { type: "session", actor } }))).toBe(
      invalid,
    );
    expect(await outcome(world.auth.mailedSignIn.confirm({ token: forReset }))).toBe(invalid);
    expect(await outcome(world.auth.mailedSignUp.confirm({ token: forReset, password: otherPassword }))).toBe(invalid);
    expect(await outcome(reset(forReset))).toBe("done");
  });

  test("a short password is accepted only beside a second factor that stays", async () => {
    const short = "tuldnbfp";
    const plain = await verified();
    const { token } = await mailed(world, "reset", plain.identifier);
    expect(await outcome(reset(token, short))).toBe("invalid_format.password");
    expect(await outcome(reset(token, plain.identifier))).toBe("invalid_format.password");
    expect(await outcome(reset(token))).toBe("done");

    const { person } = await addApp(world, await verified());
    expect(await outcome(reset((await mailed(world, "reset", person.identifier)).token, short))).toBe("done");
    expect(await outcome(world.auth.verifyPassword({ identifier: person.identifier, password: short }))).toBe("done");

    // The first proof of an address ends the factor, so the password stands alone.
    const { person: unproved } = await addApp(world, await world.person());
    const first = await mailed(world, "reset", unproved.identifier);
    expect(await outcome(reset(first.token, short))).toBe("invalid_format.password");
  });

  test("a mailbox gets five messages an hour, known or not, and the sixth request is refused", async () => {
    for (const identifier of [(await verified()).identifier, freshIdentifier()]) {
      const codes: string[] = [];
      for (let time = 0; time < 6; time++) codes.push(await outcome(askers.reset(world, identifier)));
      // The proof of the known address was one of its five.
      const allowed = codes.filter((code) => code === "done").length;
      expect(codes.slice(allowed).every((code) => code === "too_many_requests")).toBe(true);
      expect(allowed).toBeLessThanOrEqual(5);
      expect(allowed).toBeGreaterThanOrEqual(4);
    }
  });

  test("spellings of one mailbox share its limit and its account", async () => {
    const { identifier } = await verified();
    const { token } = await mailed(world, "reset", identifier).then(async () => {
      await askers.reset(world, ` ${identifier.toUpperCase()} `);
      await world.auth.mail.deliver();
      return { token: world.mailbox.secretTo(identifier) };
    });
    expect(await outcome(reset(token))).toBe("done");
  });

  test("spellings of an address without a normal form share its limit", async () => {
    const { credentialId } = await verified();
    const identifier = freshIdentifier().replace("@", "@under_score.");
    await world.rows(sql`update cred set identifier = ${identifier} where id = ${uuidFor("cred", credentialId)}::uuid`);
    const codes: string[] = [];
    for (let time = 0; time < 7; time++) {
      codes.push(await outcome(askers.reset(world, " ".repeat(time) + identifier + "\t".repeat(time))));
    }
    expect(tally(codes)).toEqual({ done: 5, too_many_requests: 2 });
  });

  test.each<[string, string, boolean]>([
    ["a path", "/account?tab=1#tokens", true],
    ["another site", "https://evil.example/", false],
    ["another site without a scheme", "//evil.example/", false],
    ["another site with a backslash", "/\\evil.example/", false],
    ["half of a pair", "/\ud83d", false],
    ["a line break", "/a\nb", false],
    ["a zero", "/\u0000", false],
    ["a long text", `/${"a".repeat(511)}😀`, false],
    ["an enormous one", `/${"a".repeat(100_000)}`, false],
    ["none", "", false],
  ])(
    "R062: %s as the place to go to, and known and unknown addresses are answered alike",
    async (_case, next, isKept) => {
      const { identifier } = await verified();
      for (const address of [freshIdentifier(), identifier]) {
        expect(await outcome(world.auth.passwordReset.request({ identifier: address, next }))).toBe("done");
      }
      await world.auth.mail.deliver();
      const [link] = /https:\S+/.exec(world.mailbox.newestTo(identifier).text)!;
      expect(new URL(link!).searchParams.get("next")).toBe(isKept ? next : null);
    },
  );

  test("S57: passwords beside one link are hashed ten times", async () => {
    const { token } = await mailed(world, "reset", (await verified()).identifier);
    const busy = world.isolate({ passwordHasher: world.hasher, isCompromisedPassword: async () => true });
    const codes: string[] = [];
    for (let time = 0; time < 12; time++) {
      const context = { address: freshAddress() };
      codes.push(await outcome(busy.passwordReset.confirm({ token, password: otherPassword, context })));
    }
    expect(tally(codes)).toEqual({ "invalid_format.password": 10, too_many_requests: 2 });
  });

  test("known devices of before are strangers after it", async () => {
    const person = await verified();
    await reset((await mailed(world, "reset", person.identifier)).token);
    const [held] = await world.rows<{ n: number }>(sql`
      select count(*)::int as n from cred where id = ${uuidFor("cred", person.credentialId)}::uuid and status = 'active'`);
    // The device is bound to the credential that has ended.
    expect(held!.n).toBe(0);
  });
});

import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { askers, mailed, withVerifiedAddress } from "../support/links.ts";

const invalid = "unauthorized.invalid_link";

describeWorld("signing in with a mailed link", { on: ["pglite", "postgres"] }, (world) => {
  const signIn = (token: string) => world.auth.mailedSignIn.confirm({ token, context: { address: freshAddress() } });
  const verified = async () => await withVerifiedAddress(world, await world.person());

  test("the link opens a session, which names the credential of the address", async () => {
    const person = await verified();
    const { token } = await mailed(world, "signIn", person.identifier);
    const signedIn = await signIn(token);
    if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
    expect(signedIn.session).toMatchObject({ credentialId: person.credentialId, amr: ["email"] });
    const { user } = await world.auth.sessions.verify({ token: signedIn.token, transport: "token" });
    expect(user).toMatchObject({ id: person.userId, identifier: person.identifier, identifierVerified: true });
    const [event] = await world.events({ actor: person.userId, action: "identity.sign_in" });
    expect(event).toMatchObject({
      outcome: "success",
      metadata: { method: "link", session: signedIn.session.id },
    });
    expect(await outcome(signIn(token))).toBe(invalid);
  });

  test("R025: it is no second factor: an account with one gets a ticket, and the code makes the session", async () => {
    const { person, app } = await addApp(world, await verified());
    const { token } = await mailed(world, "signIn", person.identifier);
    const needed = await signIn(token);
    if (!needed.mfaRequired) throw new Error("No second factor was asked for.");
    expect(needed.factors).toEqual(["totp"]);
    const proof = { type: "totp", code: await app.code() } as const;
    const { session } = await world.auth.signIn.factor({ ticket: needed.ticket, transport: "token", proof });
    expect(session.amr).toEqual(["email", "mfa", "otp"]);
  });

  test("S32: a user who must have a factor, has none and may not enroll gets none by mail", async () => {
    const person = await verified();
    await world.requireFactor(person.userId, new Date(0));
    const { token } = await mailed(world, "signIn", person.identifier);
    expect(await outcome(signIn(token))).toBe("forbidden.enrollment_not_granted");
  });

  test("S47: the session that the browser presents ends", async () => {
    const person = await verified();
    const { token } = await mailed(world, "signIn", person.identifier);
    await world.auth.mailedSignIn.confirm({ token, presentedToken: person.token });
    expect(await outcome(world.auth.sessions.verify({ token: person.token, transport: "token" }))).not.toBe("done");
  });

  describe("no message goes to", () => {
    test.each<[string, () => Promise<string>]>([
      ["an address that no account has", async () => freshIdentifier()],
      ["an address that is not verified", async () => (await world.person()).identifier],
      [
        "an account that is suspended",
        async () => {
          const person = await verified();
          await world.auth.users.suspend({ actor: system, userId: person.userId });
          return person.identifier;
        },
      ],
    ])("%s, and the answer is the same", async (_case, identifierOf) => {
      const identifier = await identifierOf();
      // The notices of what has happened to it.
      await world.auth.mail.deliver();
      const before = world.mailbox.messages.length;
      expect(Object.keys(await askers.signIn(world, identifier))).toEqual(["requestToken"]);
      await world.auth.mail.deliver();
      expect(world.mailbox.messages).toHaveLength(before);
    });
  });

  describe("a link is worth nothing after", () => {
    test.each<[string, (person: Person) => Promise<unknown>]>([
      ["an hour", () => world.rows(sql`update verification_token set expires_at = created_at`)],
      ["a newer link", ({ identifier }) => mailed(world, "signIn", identifier)],
      ["the account's suspension", ({ userId }) => world.auth.users.suspend({ actor: system, userId })],
      [
        "a new password",
        async ({ identifier }) => {
          const { token } = await mailed(world, "reset", identifier);
          await world.auth.passwordReset.confirm({ token, password: otherPassword });
        },
      ],
      ["signing out everywhere else", ({ actor }) => world.auth.sessions.revokeOthers({ actor })],
    ])("%s", async (_case, happens) => {
      const person = await verified();
      const { token } = await mailed(world, "signIn", person.identifier);
      await happens(person);
      expect(await outcome(signIn(token))).toBe(invalid);
    });
  });

  test("R031: without the option there is neither a message nor a sign-in", async () => {
    const off = world.isolate({ mail: { mailer: world.mailbox, signIn: false } });
    const { identifier } = await verified();
    expect(await outcome(off.mailedSignIn.request({ identifier }))).toBe("not_found");
    const { token } = await mailed(world, "signIn", identifier);
    expect(await outcome(off.mailedSignIn.confirm({ token }))).toBe("not_found");
    expect(await outcome(signIn(token))).toBe("done");
  });

  test("S16: a link × the reset of the same account: no session of before is left", async () => {
    for (let round = 0; round < 20; round++) {
      const person = await verified();
      const [link, reset] = [
        await mailed(world, "signIn", person.identifier),
        await mailed(world, "reset", person.identifier),
      ];
      await Promise.all([
        outcome(signIn(link.token)),
        outcome(world.auth.passwordReset.confirm({ token: reset.token, password: otherPassword })),
      ]);
      const left = await world.rows(sql`
        select from ses join cred on cred.id = ses.cred_id
        where ses.usr_id = ${uuidFor("usr", person.userId)}::uuid and ses.revoked_at is null and cred.status <> 'active'`);
      expect(left).toEqual([]);
    }
  });
});

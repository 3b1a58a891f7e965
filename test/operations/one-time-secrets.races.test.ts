import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, freshIdentifier, otherPassword, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { invited, invitedTo } from "../support/invitations.ts";
import { mailed, mailedChange, recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { organizationsIn } from "../support/organizations.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";
import { withLink } from "./writes/write.ts";

/** The clock of a statement that began before the one that it waited for. */
const earlier = (text: string) => text.replaceAll("sallyport_now()", "(sallyport_now() - interval '1 second')");

/** Many enough that they wait for the database for long, so nothing may time out. */
const slow = { on: ["postgres"] as const, timeoutMilliseconds: 120_000 };

describeWorld("S16: a mailed secret is used once", slow, (world) => {
  const context = () => ({ address: freshAddress() });
  const verified = async () => await withVerifiedAddress(world, await world.person());

  type Secret = { use: (auth: FullAuth) => Promise<unknown>; uses: () => Promise<number> };
  /** Each secret, and what shows how often it was used. */
  const secrets: Readonly<Record<string, () => Promise<Secret>>> = {
    "a link that proves an address": async () => {
      const person = await world.person();
      const token = await withLink(world, person);
      const { actor, userId } = person;
      return {
        use: (auth) => auth.identifiers.verify({ token, proof: { type: "session", actor } }),
        uses: async () => (await world.events({ actor: userId, action: "identity.identifier.verify" })).length,
      };
    },
    "a link that resets a password": async () => {
      const { identifier, userId } = await verified();
      const { token } = await mailed(world, "reset", identifier);
      return {
        use: (auth) => auth.passwordReset.confirm({ token, password: otherPassword, context: context() }),
        uses: async () => (await world.events({ actor: userId, action: "identity.password.reset" })).length,
      };
    },
    "a link that signs in": async () => {
      const { identifier, userId } = await verified();
      const before = await world.liveSessions(userId);
      const { token } = await mailed(world, "signIn", identifier);
      return {
        use: (auth) => auth.mailedSignIn.confirm({ token, context: context() }),
        uses: async () => (await world.liveSessions(userId)) - before,
      };
    },
    "a link that makes an account": async () => {
      const identifier = freshIdentifier();
      const { token } = await mailed(world, "signUp", identifier);
      return {
        use: (auth) => auth.mailedSignUp.confirm({ token, password: otherPassword, context: context() }),
        uses: async () => (await world.rows(sql`select from cred where identifier = ${identifier}`)).length,
      };
    },
    "an invitation, by both of its links": async () => {
      const { identifier, token, mailedToken } = await invited(world);
      let turn = 0;
      return {
        use: (auth) =>
          auth.invitations.accept({
            token: turn++ % 2 ? token : mailedToken,
            password: otherPassword,
            context: context(),
          }),
        uses: async () => (await world.rows(sql`select from cred where identifier = ${identifier}`)).length,
      };
    },
    "an invitation to an organization, by both of its links": async () => {
      const { identifier, token, mailedToken } = await invitedTo(world, await organizationsIn(world).form());
      let turn = 0;
      return {
        use: (auth) =>
          auth.organizationInvitations.acceptAsNewUser({
            token: turn++ % 2 ? token : mailedToken,
            password: otherPassword,
            context: context(),
          }),
        uses: async () => (await world.rows(sql`select from cred where identifier = ${identifier}`)).length,
      };
    },
    "a link that gives the account a new address": async () => {
      const person = await verified();
      const { token } = await mailedChange(world, person);
      const { actor, userId } = person;
      return {
        use: (auth) => auth.identifiers.confirmChange({ actor, token, transport: "token" }),
        uses: async () => (await world.events({ actor: userId, action: "identity.identifier.change" })).length,
      };
    },
    "a link that puts the old address back": async () => {
      const { back, userId } = await withNewAddress(world, await verified());
      return {
        use: (auth) => auth.notices.disown({ token: back, context: context() }),
        uses: async () => (await world.events({ target: userId, action: "identity.notice.disown" })).length,
      };
    },
    "a link that gives an account away": async () => {
      const person = await verified();
      const { token } = await recoveryOf(world, person);
      return {
        use: (auth) => auth.recovery.finish({ token, password: otherPassword, context: context() }),
        uses: async () =>
          (await world.events({ actor: person.userId, action: "identity.recovery.finish" })).filter(
            ({ outcome: how }) => how === "success",
          ).length,
      };
    },
    "a code": async () => {
      const { identifier, userId } = await verified();
      const { requestToken, code } = await mailed(world, "reset", identifier);
      return {
        use: (auth) => auth.mailedCodes.exchange({ requestToken, code, context: context() }),
        uses: async () => {
          const user = uuidFor("usr", userId);
          const [row] = await world.rows<{ attempts: number }>(sql`
            select attempts from verification_token where usr_id = ${user}::uuid`);
          return row!.attempts;
        },
      };
    },
  };

  test.each(Object.keys(secrets))("%s, a thousand times at once", async (name) => {
    const { use, uses } = await secrets[name]!();
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => outcome(use(world.auth))));
    expect(codes.filter((code) => code === "done")).toHaveLength(1);
    expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
    expect(await uses()).toBe(1);
  });

  // PostgreSQL checks a row again that has changed while a statement waited for it. That statement's clock is older than the change.
  test.each(Object.keys(secrets))("%s, again by a statement that began before the first use", async (name) => {
    const { use, uses } = await secrets[name]!();
    expect(await outcome(use(world.auth))).toBe("done");
    const database = rewritingDatabase(world.database, earlier);
    expect(await outcome(use(world.isolate({ database })))).not.toBe("done");
    expect(database.rewritten).toBeGreaterThan(0);
    expect(await uses()).toBe(1);
  });
});

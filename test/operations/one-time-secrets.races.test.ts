import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, otherPassword, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { invited } from "../support/invitations.ts";
import { mailed, mailedChange, recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { withLink } from "./writes/write.ts";

/** Many enough that they wait for the database for long, so nothing may time out. */
const slow = { on: ["postgres"] as const, timeoutMilliseconds: 120_000 };

describeWorld("S16: a thousand uses of one mailed secret at once have one winner", slow, (world) => {
  const context = () => ({ address: freshAddress() });
  const verified = async () => await withVerifiedAddress(world, await world.person());

  /** Each secret, and what shows how often it was used. */
  const secrets: Readonly<Record<string, () => Promise<{ use: () => Promise<unknown>; uses: () => Promise<number> }>>> =
    {
      "a link that proves an address": async () => {
        const person = await world.person();
        const token = await withLink(world, person);
        const { actor, userId } = person;
        return {
          use: () => world.auth.identifiers.verify({ token, proof: { type: "session", actor } }),
          uses: async () => (await world.events({ actor: userId, action: "identity.identifier.verify" })).length,
        };
      },
      "a link that resets a password": async () => {
        const { identifier, userId } = await verified();
        const { token } = await mailed(world, "reset", identifier);
        return {
          use: () => world.auth.passwordReset.confirm({ token, password: otherPassword, context: context() }),
          uses: async () => (await world.events({ actor: userId, action: "identity.password.reset" })).length,
        };
      },
      "a link that signs in": async () => {
        const { identifier, userId } = await verified();
        const before = await world.liveSessions(userId);
        const { token } = await mailed(world, "signIn", identifier);
        return {
          use: () => world.auth.mailedSignIn.confirm({ token, context: context() }),
          uses: async () => (await world.liveSessions(userId)) - before,
        };
      },
      "a link that makes an account": async () => {
        const identifier = freshIdentifier();
        const { token } = await mailed(world, "signUp", identifier);
        return {
          use: () => world.auth.mailedSignUp.confirm({ token, password: otherPassword, context: context() }),
          uses: async () => (await world.rows(sql`select from cred where identifier = ${identifier}`)).length,
        };
      },
      "an invitation, by both of its links": async () => {
        const { identifier, token, mailedToken } = await invited(world);
        let turn = 0;
        return {
          use: () =>
            world.auth.invitations.accept({
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
          use: () => world.auth.identifiers.confirmChange({ actor, token, transport: "token" }),
          uses: async () => (await world.events({ actor: userId, action: "identity.identifier.change" })).length,
        };
      },
      "a link that puts the old address back": async () => {
        const { back, userId } = await withNewAddress(world, await verified());
        return {
          use: () => world.auth.notices.disown({ token: back, context: context() }),
          uses: async () => (await world.events({ target: userId, action: "identity.notice.disown" })).length,
        };
      },
      "a link that gives an account away": async () => {
        const person = await verified();
        const { token } = await recoveryOf(world, person);
        return {
          use: () => world.auth.recovery.finish({ token, password: otherPassword, context: context() }),
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
          use: () => world.auth.mailedCodes.exchange({ requestToken, code, context: context() }),
          uses: async () => {
            const user = uuidFor("usr", userId);
            const [row] = await world.rows<{ attempts: number }>(sql`
            select attempts from verification_token where usr_id = ${user}::uuid`);
            return row!.attempts;
          },
        };
      },
    };

  test.each(Object.keys(secrets))("%s", async (name) => {
    const { use, uses } = await secrets[name]!();
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => outcome(use())));
    expect(codes.filter((code) => code === "done")).toHaveLength(1);
    expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
    expect(await uses()).toBe(1);
  });
});

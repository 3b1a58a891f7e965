import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  otherPassword,
  outcome,
  type Person,
  secret,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { askers, type Mailed, mailed, withVerifiedAddress } from "../support/links.ts";
import { withoutChance } from "../support/searched-text.ts";

const invalid = "unauthorized.invalid_link";
const wrongFor = (code: string) => (code === "000 000" ? "000 001" : "000 000");

describeWorld("R019: the code of a message", { on: ["pglite", "postgres"] }, (world) => {
  const exchange = (requestToken: string, code: string) =>
    world.auth.mailedCodes.exchange({ requestToken, code, context: { address: freshAddress() } });
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const forReset = async () => await mailed(world, "reset", (await verified()).identifier);

  test.each(["reset", "signIn", "signUp"] as const)("does what the link does: %s", async (kind) => {
    const identifier = kind === "signUp" ? freshIdentifier() : (await verified()).identifier;
    const { requestToken, code, token: link } = await mailed(world, kind, identifier);
    const { token, purpose } = await exchange(requestToken, code);
    const spend = (secretOfIt: string) =>
      ({
        reset: () => world.auth.passwordReset.confirm({ token: secretOfIt, password: otherPassword }),
        signIn: () => world.auth.mailedSignIn.confirm({ token: secretOfIt }),
        signUp: () => world.auth.mailedSignUp.confirm({ token: secretOfIt, password: otherPassword }),
      })[kind]();
    expect(purpose).toBe({ reset: "reset_password", signIn: "sign_in", signUp: "sign_up" }[kind]);
    // The secret in the mailbox was exchanged, so it is spent.
    expect(await outcome(spend(link))).toBe(invalid);
    expect(await outcome(spend(token))).toBe("done");
    expect(await outcome(spend(token))).toBe(invalid);
  });

  describe("is refused", () => {
    test.each<[string, (one: Mailed, other: Mailed) => Promise<[string, string]>]>([
      ["from another browser", async (one, other) => [other.requestToken, one.code]],
      ["without the request", async (one) => ["", one.code]],
      ["with the link's own secret as the request", async (one) => [one.token, one.code]],
      ["if it is wrong", async (one) => [one.requestToken, wrongFor(one.code)]],
      ["if it is empty", async (one) => [one.requestToken, ""]],
      ["if it is a wildcard", async (one) => [one.requestToken, "______"]],
      ["if it is enormous", async (one) => [one.requestToken, "9".repeat(100_000)]],
      [
        "after ten minutes",
        async (one) => {
          await world.rows(sql`update verification_token set code_expires_at = created_at`);
          return [one.requestToken, one.code];
        },
      ],
      [
        "after it was used",
        async (one) => {
          await exchange(one.requestToken, one.code);
          return [one.requestToken, one.code];
        },
      ],
      [
        "R020: after five wrong ones",
        async (one) => {
          for (let time = 0; time < 5; time++) await outcome(exchange(one.requestToken, wrongFor(one.code)));
          return [one.requestToken, one.code];
        },
      ],
    ])("%s", async (_case, tried) => {
      const [one, other] = [await forReset(), await forReset()];
      const [requestToken, code] = await tried(one, one.code === other.code ? { ...other, code: "" } : other);
      if (one.code === other.code && requestToken === other.requestToken) return;
      expect(await outcome(exchange(requestToken, code))).toBe(invalid);
    });

    test("when a newer message was sent", async () => {
      const { identifier } = await verified();
      const one = await mailed(world, "reset", identifier);
      await mailed(world, "reset", identifier);
      expect(await outcome(exchange(one.requestToken, one.code))).toBe(invalid);
    });
  });

  test("spaces in it do not matter", async () => {
    const { requestToken, code } = await forReset();
    expect(await outcome(exchange(requestToken, `  ${code.replace(" ", "")}\n`))).toBe("done");
  });

  test("after five wrong codes the link still works", async () => {
    const one = await forReset();
    for (let time = 0; time < 6; time++) await outcome(exchange(one.requestToken, wrongFor(one.code)));
    expect(await outcome(world.auth.passwordReset.confirm({ token: one.token, password: otherPassword }))).toBe("done");
  });

  test("R013: wrong codes are counted for the address over all of its messages, known or not", async () => {
    for (const identifier of [(await verified()).identifier, freshIdentifier()]) {
      const codes: string[] = [];
      for (let request = 0; request < 3; request++) {
        const { requestToken } = await askers.reset(world, identifier);
        for (let time = 0; time < 4; time++) codes.push(await outcome(exchange(requestToken, "no")));
      }
      expect(tally(codes)).toEqual({ [invalid]: 10, too_many_requests: 2 });
    }
  });

  describe("R018: wrong codes are counted alike for known and unknown addresses, although the link is gone", () => {
    test.each<[string, (person: Person) => Promise<unknown>]>([
      ["because a newer one was sent", ({ identifier }) => askers.reset(world, identifier)],
      ["because the user signed out elsewhere", ({ actor }) => world.auth.sessions.revokeOthers({ actor })],
      ["because the account was suspended", ({ userId }) => world.auth.users.suspend({ actor: system, userId })],
    ])("%s", async (_case, happens) => {
      const known = await verified();
      const codes: string[] = [];
      for (const person of [known, { ...known, identifier: freshIdentifier() }]) {
        const { requestToken } = await askers.reset(world, person.identifier);
        await happens(person);
        for (let time = 0; time < 10; time++) await outcome(exchange(requestToken, "no"));
        codes.push(await outcome(exchange((await askers.signUp(world, person.identifier)).requestToken, "no")));
      }
      expect(codes).toEqual(["too_many_requests", "too_many_requests"]);
    });
  });

  test.each<[string, (requestToken: string) => Promise<string>]>([
    ["without the event's id", async (requestToken) => requestToken.split(".")[0]!],
    ["with an id that is none", async (requestToken) => `${requestToken.split(".")[0]}.${"x".repeat(36)}`],
    [
      "with another request's",
      async (requestToken) => {
        const other = await askers.reset(world, freshIdentifier());
        return requestToken.replace(/[.].*/, `.${other.requestToken.split(".")[1]}`);
      },
    ],
  ])("a request that was changed does not count for the address: %s", async (_case, changed) => {
    const { identifier } = await verified();
    const { requestToken, code } = await mailed(world, "reset", identifier);
    const other = await changed(requestToken);
    for (let time = 0; time < 12; time++) await outcome(exchange(other, code));
    expect(await outcome(exchange(requestToken, code))).toBe("done");
  });

  describe("R018: wrong codes are counted alike for known and unknown addresses, although the link is gone", () => {
    test.each<[string, (person: Person) => Promise<unknown>]>([
      ["because a newer one was sent", ({ identifier }) => askers.reset(world, identifier)],
      ["because the user signed out elsewhere", ({ actor }) => world.auth.sessions.revokeOthers({ actor })],
      ["because the account was suspended", ({ userId }) => world.auth.users.suspend({ actor: system, userId })],
    ])("%s", async (_case, happens) => {
      const known = await verified();
      const codes: string[] = [];
      for (const identifier of [freshIdentifier(), known.identifier]) {
        const { requestToken } = await askers.reset(world, identifier);
        await happens({ ...known, identifier });
        for (let time = 0; time < 10; time++) await outcome(exchange(requestToken, "no"));
        codes.push(await outcome(exchange((await askers.signUp(world, identifier)).requestToken, "no")));
        if (identifier !== known.identifier)
          await world.rows(sql`
          update usr set status = 'active' where id = ${uuidFor("usr", known.userId)}::uuid`);
      }
      expect(codes).toEqual(["too_many_requests", "too_many_requests"]);
    });
  });

  test.each<[string, (requestToken: string) => Promise<string>]>([
    ["without its second part", async (requestToken) => requestToken.split(".")[0]!],
    ["with a second part of its own", async (requestToken) => `${requestToken.split(".")[0]}.${"x".repeat(36)}`],
    [
      "with another request's",
      async (requestToken) => {
        const other = await askers.reset(world, freshIdentifier());
        return `${requestToken.split(".")[0]}.${other.requestToken.split(".")[1]}`;
      },
    ],
  ])("a request that was changed opens nothing, and does not count for the address: %s", async (_case, changed) => {
    const { requestToken, code } = await forReset();
    const other = await changed(requestToken);
    for (let time = 0; time < 12; time++) expect(await outcome(exchange(other, code))).not.toBe("done");
    expect(await outcome(exchange(requestToken, code))).toBe("done");
  });

  test("S22: a request that is too old does not count for the address", async () => {
    const { identifier } = await verified();
    const old = await mailed(world, "reset", identifier);
    await world.rows(sql`alter table aud disable trigger aud_append_only`);
    await world.rows(sql`update aud set occurred_at = occurred_at - interval '11 minutes'`);
    await world.rows(sql`alter table aud enable trigger aud_append_only`);
    const { requestToken, code } = await mailed(world, "reset", identifier);
    for (let time = 0; time < 12; time++) await outcome(exchange(old.requestToken, "no"));
    expect(await outcome(exchange(requestToken, code))).toBe("done");
  });

  test("a right code gives back what it counted, so a user with many messages is not refused", async () => {
    const { identifier } = await verified();
    const { requestToken, code } = await mailed(world, "reset", identifier);
    for (let time = 0; time < 4; time++) await outcome(exchange(requestToken, wrongFor(code)));
    expect(await outcome(exchange(requestToken, code))).toBe("done");
    const counters = await world.rows<{ count: number; streak: number }>(sql`
      select count, streak from attempt where bucket like 'code:%' order by resets_at desc limit 1`);
    expect(counters).toEqual([{ count: 4, streak: 0 }]);
  });

  test("S21: a hundred wrong codes at once are tried five times, and the right one then fails", async () => {
    const { requestToken, code } = await forReset();
    await Promise.all(Array.from({ length: 100 }, () => outcome(exchange(requestToken, wrongFor(code)))));
    const [row] = await world.rows<{ attempts: number }>(sql`
      select max(attempts) as attempts from verification_token`);
    expect(row!.attempts).toBe(5);
    expect(await outcome(exchange(requestToken, code))).not.toBe("done");
  });

  test("an older secret still reads the codes that it made, and no other secret does", async () => {
    const { requestToken, code } = await forReset();
    const other = secret.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    const strange = world.isolate({ secrets: other });
    expect(await outcome(strange.mailedCodes.exchange({ requestToken, code }))).toBe(invalid);
    const rotated = world.isolate({ secrets: `2:${other},1:${secret}` });
    expect(await outcome(rotated.mailedCodes.exchange({ requestToken, code }))).toBe("done");
  });

  test("R023: a dump of the database between the request and the message opens nothing", async () => {
    const { identifier } = await verified();
    const { requestToken } = await askers.reset(world, identifier);
    const dump = await world.rows<{ content: string }>(sql`
      select coalesce(content::text, '') || coalesce((select string_agg(t::text, ' ') from verification_token t), '') as content
      from mail_message where status = 'owed'`);
    const text = dump.map(({ content }) => content).join(" ");
    await world.auth.mail.deliver();
    const [link, code] = [world.mailbox.secretTo(identifier), world.mailbox.codeTo(identifier).replace(" ", "")];
    expect(text).not.toContain(link);
    expect(text).not.toContain(requestToken);
    expect(withoutChance(text).match(/[\w-]+/g)).not.toContain(code);
  });
});

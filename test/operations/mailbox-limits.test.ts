import { describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, outcome, type Person, refusal, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { askers, withVerifiedAddress } from "../support/links.ts";

const limited = "too_many_requests";

describeWorld("S22: the messages of a mailbox, used up by strangers", { on: ["pglite", "postgres"] }, (world) => {
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const useUp = async (identifier: string) => {
    const codes: string[] = [];
    for (let time = 0; time < 6; time++) codes.push(await outcome(askers.signUp(world, identifier)));
    expect(codes.at(-1)).toBe(limited);
  };
  const kinds = ["passwordReset", "mailedSignIn"] as const;
  const ask = (kind: (typeof kinds)[number], identifier: string, knownDevice?: string) =>
    world.auth[kind].request({ identifier, knownDevice, context: { address: freshAddress() } });
  /** What is owed to an account's mailbox. */
  const owed = async ({ identifier }: Pick<Person, "identifier">) =>
    (await world.rows(sql`select from mail_message where recipient = ${identifier} and status = 'owed'`)).length;

  test.each(kinds)("%s: a known device of the account may still ask, five times an hour", async (kind) => {
    const person = await verified();
    await useUp(person.identifier);
    expect(await outcome(ask(kind, person.identifier))).toBe(limited);
    const before = await owed(person);
    const codes: string[] = [];
    for (let time = 0; time < 7; time++) codes.push(await outcome(ask(kind, person.identifier, person.knownDevice)));
    expect(tally(codes)).toEqual({ done: 5, [limited]: 2 });
    expect(await owed(person)).toBe(before + 5);
  });

  test("the code of such a request works", async () => {
    const person = await verified();
    await useUp(person.identifier);
    await world.auth.mail.deliver();
    const before = world.mailbox.messages.length;
    const { requestToken } = await ask("passwordReset", person.identifier, person.knownDevice);
    await world.auth.mail.deliver();
    await world.mailbox.arrival(person.identifier, before);
    const code = world.mailbox.codeTo(person.identifier);
    expect(await outcome(world.auth.mailedCodes.exchange({ requestToken, code }))).toBe("done");
  });

  describe("a device that the account does not know", () => {
    test.each<[string, (person: Person) => Promise<string>]>([
      ["of another account", async () => (await verified()).knownDevice],
      ["with another MAC", async ({ knownDevice }) => knownDevice.replace(/.{4}$/, "AAAA")],
      [
        "of a password that has been replaced",
        async ({ credentialId, knownDevice, password }) => {
          await world.auth.credentials.rotatePassword({ actor: system, credentialId, password: `${password}!` });
          return knownDevice;
        },
      ],
    ])("%s: limited, and nothing is owed or counted", async (_case, device) => {
      const person = await verified();
      const knownDevice = await device(person);
      await useUp(person.identifier);
      const before = await owed(person);
      expect(await outcome(ask("passwordReset", person.identifier, knownDevice))).toBe(limited);
      expect(await owed(person)).toBe(before);
      const { data } = await world.auth.limits.list({ actor: system, of: { identifier: person.identifier } });
      expect(data.filter(({ name }) => name.startsWith("mailbox-device:"))).toEqual([]);
    });

    test("R018: known and unknown addresses are answered alike, after the same requests", async () => {
      const { knownDevice } = await verified();
      const answers: unknown[] = [];
      for (const identifier of [(await verified()).identifier, freshIdentifier()]) {
        await useUp(identifier);
        const auth = world.isolate({ database: world.counting });
        world.counting.reset();
        const { code, retryAfterSeconds } = await refusal(auth.passwordReset.request({ identifier, knownDevice }));
        expect(retryAfterSeconds).toBeGreaterThan(3_500);
        answers.push([code, world.counting.requests]);
      }
      expect(answers).toEqual([
        [limited, 2],
        [limited, 2],
      ]);
    });
  });

  test("an administrator may still start a recovery to the address, and invite it", async () => {
    const { userId } = await verified();
    const [one, other] = [freshIdentifier(), freshIdentifier()];
    await useUp(one);
    await useUp(other);
    await world.auth.recovery.start({ actor: system, userId, identifier: one });
    const { invitation } = await world.auth.invitations.create({ actor: system, identifier: other });
    expect([await owed({ identifier: one }), invitation.identifier]).toEqual([expect.any(Number), other]);
    expect(await owed({ identifier: one })).toBeGreaterThan(0);
  });
});

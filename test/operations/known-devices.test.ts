import { expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { sql } from "../../src/store/sql.ts";
import { setTestClock } from "../../src/testing/clock.ts";
import { freshAddress, otherPassword, outcome, type Person, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt } from "../support/factors.ts";
import { attempt, type Guess, repeat, rightGuess } from "../support/guesses.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";

describeWorld("S22: known device", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  const guess = (input: Guess) => attempt(world, input);

  const { withPasskey, passkeySignIn } = usersWithPasskeys(world);

  async function exhaust(person: Person): Promise<void> {
    await repeat(10, () => guess({ identifier: person.identifier }));
    expect(await guess(rightGuess(person))).toBe(limited);
  }

  test("a stranger's guesses do not lock the owner out", async () => {
    const person = await world.person();
    await exhaust(person);
    expect(await guess(person)).toBe("done");
    expect(await guess(rightGuess(person))).toBe(limited);
  });

  test("guesses from the device itself are counted separately", async () => {
    const { identifier, knownDevice, password } = await world.person();
    expect(tally(await repeat(10, () => guess({ identifier, knownDevice })))).toEqual({ [wrong]: 10 });
    expect(await guess({ identifier, knownDevice, password })).toBe(limited);
    expect(await guess({ identifier, password })).toBe("done");
  });

  test.each<{ case: string; device: (person: Person) => Promise<string> }>([
    { case: "of another account", device: async () => (await world.person()).knownDevice },
    { case: "with another nonce", device: async ({ knownDevice }) => knownDevice.replace(/\.[^.]{4}/, ".AAAA") },
    { case: "with another MAC", device: async ({ knownDevice }) => knownDevice.replace(/.{4}$/, "AAAA") },
    { case: "without a MAC", device: async ({ knownDevice }) => knownDevice.replace(/\.[^.]*$/, ".") },
    { case: "with text after the MAC", device: async ({ knownDevice }) => `${knownDevice}.x` },
    {
      case: "of another account with this credential's id",
      device: async ({ credentialId }) =>
        [credentialId, ...(await world.person()).knownDevice.split(".").slice(1)].join("."),
    },
    { case: "empty", device: async () => "" },
    { case: "garbage", device: async () => "...." },
    {
      case: "from before a password change",
      device: async ({ actor, password, knownDevice }) => {
        await setTestClock(world.database, start);
        await world.rows(sql`delete from attempt`);
        await world.auth.changePassword({
          actor,
          currentPassword: password,
          newPassword: otherPassword,
          transport: "token",
        });
        return knownDevice;
      },
    },
    {
      case: "made with secrets that are no longer listed",
      device: async (person) => {
        const auth = world.isolate({ secrets: toBase64Url(randomBytes(32)) });
        const signedIn = await auth.signIn.password({ identifier: person.identifier, password: person.password });
        return signedIn.mfaRequired ? "" : signedIn.knownDevice;
      },
    },
  ])("a device cookie $case: counted for the account", async ({ device }) => {
    const person = await world.person();
    const knownDevice = await device(person);
    await repeat(10, () => guess({ identifier: person.identifier, password: "not the password" }));
    expect(await guess({ identifier: person.identifier, password: "not the password", knownDevice })).toBe(limited);
  });

  test("a success refunds its own attempt and ends only the device's run of failures", async () => {
    const person = await world.person();
    const { identifier, knownDevice } = person;
    await repeat(9, () => guess({ identifier, knownDevice }));
    for (let time = 0; time < 3; time++) expect(await guess(person)).toBe("done");
    expect(await guess({ identifier, knownDevice })).toBe(wrong);
    expect(await guess(person)).toBe(limited);
    expect(await guess(rightGuess(person))).toBe("done");
  });

  test("R014: enrolling an app in a passkey session keeps the device known for the password", async () => {
    const { person, authenticator } = await withPasskey();
    const { identifier, password } = person;
    const inside = await personAt(world, person, await passkeySignIn(authenticator));
    // The browser has the last cookie that it was given.
    const cookie = (await addApp(world, inside)).person.knownDevice;
    for (let n = 0; n < 11; n++) {
      await outcome(
        auth.signIn.password({ identifier, password: "a stranger's guess", context: { address: freshAddress() } }),
      );
    }
    expect(
      await outcome(
        auth.signIn.password({ identifier, password, knownDevice: cookie, context: { address: freshAddress() } }),
      ),
    ).toBe("done");
  });
});

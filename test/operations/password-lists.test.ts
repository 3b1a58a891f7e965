import { describe, expect, test } from "vitest";
import { breachedPasswords } from "../../src/checkers/breached-passwords.ts";
import { commonPasswords } from "../../src/checkers/common-passwords.ts";
import { freshAddress, freshIdentifier, goodPassword, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { freePort } from "../support/free-port.ts";

describeWorld("lists of passwords", { on: ["pglite", "postgres"] }, (world) => {
  const auth = () => world.isolate({ blocklist: commonPasswords, predictableWords: ["Sallyport"] });
  const refusedBy = async (promise: Promise<unknown>) => {
    const { code, details } = await refusal(promise);
    return [code, details?.reason];
  };
  const predictable = ["invalid_format.password", "too_predictable"];

  describe("R005: a common password is refused before any hash, at", () => {
    const common = "Sunshine-Football!";
    test.each<[string, () => Promise<unknown>]>([
      ["sign-up", async () => auth().signUp({ identifier: freshIdentifier(), password: common })],
      [
        "a change of the password",
        async () => {
          const { actor, password } = await world.person();
          world.hasher.reset();
          return auth().changePassword({ actor, currentPassword: password, newPassword: common, transport: "token" });
        },
      ],
      [
        "an administrator's or the application's rotation",
        async () => {
          const { credentialId } = await world.person();
          world.hasher.reset();
          return auth().credentials.rotatePassword({ actor: system, credentialId, password: common });
        },
      ],
      [
        "a new password of a user",
        async () => {
          const { userId } = await world.person();
          world.hasher.reset();
          const identifier = freshIdentifier();
          return auth().credentials.createPassword({ actor: system, userId, identifier, password: common });
        },
      ],
    ])("%s", async (_case, act) => {
      world.hasher.reset();
      expect(await refusedBy(act())).toEqual(predictable);
      expect(world.hasher.computations).toBe(0);
    });
  });

  test("R005: beside the user's name and the site's; by itself, where a factor allows eight characters", async () => {
    const identifier = `grace.hopper.${freshIdentifier()}`;
    const local = identifier.split("@")[0]!;
    for (const password of [`sunshine${local}`, `${local}-sunshine`, "sunshineSallyport", "Sallyport football 7"]) {
      expect(await refusedBy(auth().signUp({ identifier, password }))).toEqual(predictable);
    }
    const { person } = await addApp(world, await world.person());
    const { actor, password, transport } = person;
    for (const newPassword of ["sunshine", "Sunsh1ne", "sunshine1"]) {
      const change = auth().changePassword({ actor, currentPassword: password, newPassword, transport });
      expect(await refusedBy(change)).toEqual(predictable);
    }
  });

  describe("R005: names that consist of several words are refused in parts and as one word", () => {
    const own = () => world.isolate({ predictableWords: ["Acme Corporation"] });
    test.each([
      "hopperhopperhopper",
      "Gracehopper2026!",
      "GRACE_HOPPER_2026",
      "grace.hopper2026",
      "compilers123456!",
      "compilersexample",
      "acmecorporation1",
      "Acme-Corporation-12",
      "corporation26262",
    ])("%s", async (password) => {
      const identifier = "grace.hopper@compilers.example";
      expect(await refusedBy(own().signUp({ identifier, password }))).toEqual(predictable);
    });

    test.each(["grace and the five compilers", "hopper of the long meadow"])(
      "R004: %s: accepted, because most of it is no name",
      async (password) => {
        const identifier = `grace.hopper@${crypto.randomUUID()}.example`;
        await own().signUp({ identifier, password, context: { address: freshAddress() } });
      },
    );
  });

  test("without the list these passwords are accepted, and with it others are", async () => {
    const signUp = (one: ReturnType<typeof auth>, password: string) =>
      one.signUp({ identifier: freshIdentifier(), password, context: { address: freshAddress() } });
    await signUp(world.auth, "momsanaladventure");
    await signUp(auth(), goodPassword);
    await signUp(auth(), "sunshine on a rainy mountain");
    expect(await refusedBy(signUp(auth(), "momsanaladventure"))).toEqual(predictable);
  });

  describe("a service of breached passwords that cannot be reached", () => {
    const at = async (onUnavailable: "accept" | "refuse") => {
      const url = `http://127.0.0.1:${await freePort()}/range/`;
      const reported: unknown[] = [];
      const isolate = world.isolate({
        isCompromisedPassword: breachedPasswords({ onUnavailable, url }),
        onError: (error) => reported.push(error),
      });
      return { isolate, reported };
    };
    const account = () => ({
      identifier: freshIdentifier(),
      password: goodPassword,
      context: { address: freshAddress() },
    });

    test("accept: the account is made, and the fault is reported once", async () => {
      const { isolate, reported } = await at("accept");
      await isolate.signUp(account());
      expect(reported).toMatchObject([{ code: "UNREACHABLE" }]);
    });

    test("refuse: 503, without a hash and without an account; the next attempt may succeed", async () => {
      const { isolate } = await at("refuse");
      const wanted = account();
      world.hasher.reset();
      const { code, status, retryAfterSeconds } = await refusal(isolate.signUp(wanted));
      expect([code, status, retryAfterSeconds, world.hasher.computations]).toEqual(["unavailable.busy", 503, 5, 0]);
      await world.auth.signUp(wanted);
    });

    test("a password that is in use is never looked up: signing in needs no service", async () => {
      const { isolate, reported } = await at("refuse");
      const { identifier, password } = await world.person();
      await isolate.signIn.password({ identifier, password, context: { address: freshAddress() } });
      expect(reported).toEqual([]);
    });
  });
});

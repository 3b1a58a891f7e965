import { expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import {
  type FullAuth,
  freshIdentifier,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("S57: hashes that a signed-in user requests", { on: ["pglite", "postgres"] }, (world) => {
  const limits = { address: { attempts: 3, windowSeconds: 60 } };
  type Acting = Pick<Person, "userId" | "credentialId"> & { actor: Person["actor"] | typeof system };

  const acts: Record<string, (auth: FullAuth, acting: Acting) => Promise<unknown>> = {
    "a token": (auth, { actor, userId }) =>
      auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] }),
    "a password": (auth, { actor, userId }) =>
      auth.credentials.createPassword({ actor, userId, identifier: freshIdentifier(), password: otherPassword }),
    "a replacement password": (auth, { actor, credentialId }) =>
      auth.credentials.rotatePassword({ actor, credentialId, password: otherPassword }),
    "a plan of a password": (auth, { actor, userId }) =>
      auth.credentials.createPassword.plan({ actor, userId, identifier: freshIdentifier(), password: otherPassword }),
    "a plan of a replacement password": (auth, { actor, credentialId }) =>
      auth.credentials.rotatePassword.plan({ actor, credentialId, password: otherPassword }),
  };

  test.each(Object.entries(acts))("%s: counted from the sixth on, even if it is refused", async (_name, act) => {
    const auth = world.isolate({ limits });
    const [person, other] = [await world.person(), await world.person()];
    await world.age(person.session, 3_600);
    world.hasher.reset();
    const codes = [];
    for (let time = 0; time < 20; time++) codes.push(await outcome(act(auth, person)));
    // The isolate lets five through, then the database lets three through.
    expect([tally(codes).too_many_requests, world.hasher.computations]).toEqual([12, 8]);
    const another = world.isolate({ limits });
    for (let time = 0; time < 20; time++) await outcome(act(another, person));
    expect(world.hasher.computations).toBe(13);
    // Neither another user nor the application is limited.
    expect(await outcome(act(auth, { ...person, actor: other.actor }))).not.toBe("too_many_requests");
    for (let time = 0; time < 10; time++) {
      expect(await outcome(act(auth, { ...person, actor: system }))).not.toBe("too_many_requests");
    }
  });

  const { "a token": _token, ...passwords } = acts;
  test.each(Object.entries(passwords))(
    "%s that is in a list of breached ones: looked up as often as counted",
    async (_name, act) => {
      let lookups = 0;
      const isCompromisedPassword = async () => {
        lookups++;
        return true;
      };
      const auth = world.isolate({ limits, isCompromisedPassword });
      const person = await world.person();
      const codes = [];
      for (let time = 0; time < 20; time++) codes.push(await outcome(act(auth, person)));
      expect(tally(codes)).toEqual({ "invalid_format.password": 8, too_many_requests: 12 });
      expect(lookups).toBe(8);
    },
  );

  test.each(Object.entries(acts))("F13: %s that the hash queue refuses: not counted", async (_name, act) => {
    const hash: PasswordHasher["hash"] = async () => {
      throw new HashQueueFullError();
    };
    const auth = world.isolate({ limits, passwordHasher: { ...quickHasher(), hash } });
    const person = await world.person();
    for (let time = 0; time < 12; time++) expect(await outcome(act(auth, person))).toBe("unavailable.busy");
  });
});

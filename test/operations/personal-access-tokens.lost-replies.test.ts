import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PersonalAccessToken } from "../../src/domain/personal-access-token.ts";
import { freshAddress, openAuth, outcome, type Person, type World } from "../support/auth.ts";
import { faultyDatabase } from "../support/faulty-database.ts";

let world: World;
let ada: Person;
beforeAll(async () => {
  world = await openAuth("pglite");
  ada = await world.person();
});
afterAll(() => world.close());

const create = ({ actor, userId }: Person) =>
  world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] });

describe("F01: personal access tokens, lost replies", () => {
  test.each(["before", "after", "late"] as const)("%s: create makes one token that works", async (fault) => {
    const faulty = faultyDatabase(world.database);
    const auth = world.isolate({ database: faulty });
    const owner = await world.person();
    faulty.reset([fault]);
    const { pat, token } = await auth.personalAccessTokens.create({
      actor: owner.actor,
      userId: owner.userId,
      name: "x",
      scope: ["a"],
    });
    faulty.reset();
    const { data } = await world.auth.personalAccessTokens.list({ actor: owner.actor, userId: owner.userId });
    expect(data).toEqual([pat]);
    expect((await world.auth.personalAccessTokens.verify({ token })).tokenId).toBe(pat.id);
    expect(await world.events({ target: pat.id, action: "identity.pat.create" })).toHaveLength(1);
  });

  test.each(["before", "after", "late"] as const)("%s: revoke happens once", async (fault) => {
    const faulty = faultyDatabase(world.database);
    const auth = world.isolate({ database: faulty });
    const owner = await world.person();
    const { pat } = await create(owner);
    faulty.reset([fault]);
    expect((await auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: pat.id })).status).toBe("revoked");
    faulty.reset();
    expect(await world.events({ target: pat.id, action: "identity.pat.revoke" })).toHaveLength(1);
  });

  test("S68: a check is repeated after its counting reply was lost, and a remembered use as well", async () => {
    const faulty = faultyDatabase(world.database);
    const auth = world.isolate({ database: faulty });
    const { token } = await create(ada);
    const use = () => outcome(auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }));
    faulty.reset(["after"]);
    expect(await use()).toBe("done");
    faulty.reset(["after"]);
    expect(await use()).toBe("done");
    faulty.reset(["before"]);
    expect(await use()).toBe("done");
  });

  test.each(["before", "after", "late"] as const)(
    "S56: %s: a token that is revoked while it is hashed is refused, whatever happens to the second statement",
    async (fault) => {
      const faulty = faultyDatabase(world.database);
      const owner = await world.person();
      let pat: PersonalAccessToken;
      const revokedWhileHashed = {
        ...world.hasher,
        verify: async (hash: string, secret: string) => {
          await world.auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: pat.id });
          return await world.hasher.verify(hash, secret);
        },
      };
      const auth = world.isolate({ database: faulty, passwordHasher: revokedWhileHashed });
      /** Uses a token that is live until it is hashed. */
      const use = async (...faults: (typeof fault)[]) => {
        const made = await create(owner);
        pat = made.pat;
        faulty.reset([undefined, ...faults]);
        return await outcome(
          auth.personalAccessTokens.verify({ token: made.token, context: { address: freshAddress() } }),
        );
      };
      expect(await use(fault)).toBe("pat.revoked");
      // Every try fails: no answer is no permission.
      expect(["unavailable.database", "pat.revoked"]).toContain(await use(fault, fault, fault));
      expect(await use()).toBe("pat.revoked");
    },
  );

  test.each(["before", "after", "late"] as const)(
    "S56: %s: a valid token is accepted once its second statement has answered, and its attempt is refunded at most once",
    async (fault) => {
      const faulty = faultyDatabase(world.database);
      const auth = world.isolate({ database: faulty });
      const { token } = await create(ada);
      const address = freshAddress();
      faulty.reset([undefined, fault]);
      expect(await outcome(auth.personalAccessTokens.verify({ token, context: { address } }))).toBe("done");
      faulty.reset();
      // 60 attempts for the address, of which at most this one was kept.
      const wrong = `${token.slice(0, 37)}${"A".repeat(43)}`;
      const outcomes: string[] = [];
      for (let attempt = 0; attempt < 61; attempt++) {
        outcomes.push(await outcome(auth.personalAccessTokens.verify({ token: wrong, context: { address } })));
      }
      const refused = outcomes.indexOf("too_many_requests");
      expect([59, 60]).toContain(refused);
    },
  );

  test("S56: without an answer from the second statement, no token is accepted", async () => {
    const errors: unknown[] = [];
    const faulty = faultyDatabase(world.database);
    const auth = world.isolate({ database: faulty, onError: (error) => errors.push(error) });
    const { token } = await create(ada);
    faulty.reset([undefined, "before", "before", "before"]);
    expect(await outcome(auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }))).toBe(
      "unavailable.database",
    );
    // A failure to record a wrong token changes nothing: it is refused anyway.
    faulty.reset([undefined, "before", "before"]);
    const wrong = `${token.slice(0, 37)}${"A".repeat(43)}`;
    expect(
      await outcome(auth.personalAccessTokens.verify({ token: wrong, context: { address: freshAddress() } })),
    ).toBe("pat.invalid");
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(String(error)).not.toContain(token.slice(37));
  });
});

import { beforeEach, expect, test } from "vitest";
import { fromBase64Url, randomBytes } from "../../src/crypto/bytes.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshIdentifier, outcome } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { givenPasskey } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld(
  "S26: passkey options for a typed identifier",
  { on: ["pglite", "postgres"], clock: start },
  (world, auth) => {
    beforeEach(() => world.rows(sql`delete from attempt`));
    const { withPasskey } = usersWithPasskeys(world);

    const ids = async (through: FullAuth, identifier: string) =>
      (await through.signIn.passkeyOptions({ identifier })).allowCredentials.map(({ id }) => id);

    test("identifier-first sign-in is off by default: the identifier is ignored", async () => {
      const { person } = await withPasskey();
      expect(await ids(auth, person.identifier)).toEqual([]);
    });

    test("an identifier without passkeys gets as many decoy ids, the same each time", async () => {
      const asking = world.isolate({ identifierFirst: true });
      const known = await withPasskey({ credentialId: randomBytes(20) });
      const { identifier } = await world.person();
      const lists = new Map<string, readonly string[]>();
      for (const one of [
        known.person.identifier,
        identifier,
        "nobody@example.com",
        "no identifier",
        "x".repeat(5_000),
      ]) {
        const first = await ids(asking, one);
        expect(first).toHaveLength(4);
        expect(new Set(first).size).toBe(4);
        expect(await ids(asking, one)).toEqual(first);
        expect(await ids(asking, one.toUpperCase())).toHaveLength(4);
        lists.set(one, first);
      }
      expect(await ids(asking, "NOBODY@example.com")).toEqual(lists.get("nobody@example.com"));
      expect(new Set([...lists.values()].flat()).size).toBe(20);
      expect(lists.get(known.person.identifier)).toContain(known.authenticator.credentialId);
      const places = new Set<number>();
      for (let turn = 0; turn < 24; turn++) {
        const { person, authenticator } = await withPasskey();
        places.add((await ids(asking, person.identifier)).indexOf(authenticator.credentialId));
      }
      expect(places.size).toBeGreaterThan(1);
    });

    test("known and unknown identifiers: one request and the same statement", async () => {
      const asking = world.isolate({ database: world.counting, identifierFirst: true });
      const { person } = await withPasskey();
      const texts: (readonly string[])[] = [];
      for (const identifier of [person.identifier, "nobody@example.com"]) {
        world.counting.reset(1);
        await asking.signIn.passkeyOptions({ identifier });
        texts.push([...world.counting.statements]);
      }
      world.counting.reset();
      expect(texts[0]).toEqual(texts[1]);
    });

    test("a user with five passkeys: as many ids as for an unknown identifier", async () => {
      const person = await world.person();
      for (let n = 0; n < 5; n++) await givenPasskey(world, person.userId);
      const first = world.isolate({ identifierFirst: true });
      const known = await first.signIn.passkeyOptions({ identifier: person.identifier });
      const unknown = await first.signIn.passkeyOptions({ identifier: "nobody@example.com" });
      expect(known.allowCredentials.length).toBe(unknown.allowCredentials.length);
    });

    test.each(["passkey", "security key"])(
      "registering a listed id as a %s: the same refusal for real and decoy ids",
      async (kind) => {
        const first = world.isolate({ identifierFirst: true });
        const { person } = await withPasskey();
        const named = async (identifier: string) =>
          (await first.signIn.passkeyOptions({ identifier })).allowCredentials.map(({ id }) => id);
        const ids = [...(await named(person.identifier)), ...(await named(freshIdentifier()))];
        expect(ids).toHaveLength(8);
        const stranger = await world.person();
        for (const id of ids) {
          const authenticator = await newAuthenticator({ credentialId: fromBase64Url(id)! });
          if (kind === "passkey") {
            const response = await authenticator.create(await first.passkeys.registrationOptions(stranger));
            const answer = outcome(first.passkeys.register({ actor: stranger.actor, response, transport: "token" }));
            expect(await answer).toBe("conflict.duplicate_credential");
          } else {
            const { factor, options } = await first.securityKeys.enroll({ actor: stranger.actor });
            const response = await authenticator.create(options);
            const answer = outcome(
              first.securityKeys.confirm({ actor: stranger.actor, transport: "token", factorId: factor.id, response }),
            );
            expect(await answer).toBe("conflict.duplicate_credential");
          }
        }
      },
    );
  },
);

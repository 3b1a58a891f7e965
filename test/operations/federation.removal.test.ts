import { describe, expect, test } from "vitest";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import type { Feature } from "../../src/engine/feature.ts";
import type { IssuedSession } from "../../src/engine/sessions.ts";
import { accounts } from "../../src/http/features/accounts.ts";
import { createAuth } from "../../src/operations/auth.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, goodPassword, outcome, secret } from "../support/auth.ts";
import { countingDatabase } from "../support/counting-database.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { freshIdentity, givenIdentity, practiceProvider, signInWith } from "../support/practice-provider.ts";

const tenants = "https://login.example/{tenantid}/v2.0";
const issuerOf = (tenant: string) => tenants.replace("{tenantid}", tenant);
const [oneTenant, otherTenant] = ["aaaabbbb-0000-cccc-1111-dddd2222eeee", "aaaabbbb-0000-cccc-1111-dddd2222eeef"];

describeWorld(
  "OC45: sessions of a provider that was taken from the list",
  {
    on: ["pglite", "postgres"],
    auth: {
      signUp: "open",
      federation: { providers: [practiceProvider("practice", [tenants, "https://practice.example"])] },
    },
  },
  (world) => {
    const begun = async (identity: ProvedIdentity = freshIdentity()): Promise<IssuedSession> => {
      const result = await signInWith(world.auth, identity, { context: { address: freshAddress() } });
      if ("linkingRequired" in result || result.mfaRequired) throw new Error("No session was made.");
      return result;
    };
    const listing = (...issuers: string[]) =>
      world.isolate({ federation: { providers: [practiceProvider("practice", issuers)] } });
    const ends = async (
      auth: Pick<typeof world.auth | ReturnType<typeof withOnly>, "sessions">,
      { token }: { token: string },
    ) => {
      const presented = { token, transport: "cookie" } as const;
      return [await outcome(auth.sessions.verify(presented)), await outcome(auth.sessions.refresh(presented))];
    };
    const withOnly = (...features: Feature[]) =>
      createAuth({
        database: world.database,
        secrets: secret,
        origins: ["http://localhost:8787"],
        clientAddress: () => undefined,
        features: [accounts(), ...features],
      });
    const refused = ["unauthorized.session_expired", "unauthorized.session_expired"];

    test("attack: a session outlives its provider: neither verified nor refreshed, in one request each", async () => {
      const held = await begun();
      const database = countingDatabase(world.database);
      const providers = [practiceProvider("practice", ["https://another.example"])];
      expect(await ends(world.isolate({ database, federation: { providers } }), held)).toEqual(refused);
      expect(database.requests).toBe(2);
    });

    test("the session is not ended: it goes on if the provider comes back", async () => {
      const held = await begun();
      expect(await ends(listing("https://another.example"), held)).toEqual(refused);
      expect(await ends(world.auth, held)).toEqual(["done", "done"]);
    });

    test("a listed tenant's session goes on, another tenant's does not", async () => {
      const [held, other] = [
        await begun(freshIdentity({ issuer: issuerOf(oneTenant) })),
        await begun(freshIdentity({ issuer: issuerOf(otherTenant) })),
      ];
      const auth = listing(issuerOf(oneTenant));
      expect(await ends(auth, held)).toEqual(["done", "done"]);
      expect(await ends(auth, other)).toEqual(refused);
    });

    test("an issuer with wildcards of SQL in its name lists no other issuer", async () => {
      const held = await begun();
      for (const issuer of ["https://practice_example", "https://practice.exampl_", "https://%", "%"]) {
        expect(await ends(listing(issuer), held)).toEqual(refused);
      }
    });

    test("a session that began with a password or at another listed provider goes on", async () => {
      const { token } = await world.person({ transport: "cookie" });
      expect(await ends(listing("https://another.example"), { token })).toEqual(["done", "done"]);
    });

    test("an empty list of a feature: no session of an identity", async () => {
      const held = await begun();
      const empty: Feature<object> = { name: "without-providers", make: () => ({ operations: {} }), issuers: () => [] };
      expect(await ends(withOnly(empty), held)).toEqual(refused);
    });

    test("an application without a feature that has providers verifies what others began", async () => {
      expect(await ends(withOnly(), await begun())).toEqual(["done", "done"]);
    });

    describe("a ticket for a second factor, made while the provider was listed", () => {
      const pending = async () => {
        const person = await world.person();
        const { app } = await addApp(world, person);
        const identity = freshIdentity();
        const credentialId = await givenIdentity(world, person.userId, "active", identity);
        const result = await signInWith(world.auth, identity, { context: { address: freshAddress() } });
        if ("linkingRequired" in result || !result.mfaRequired) throw new Error("No second factor was asked for.");
        const { ticket } = result;
        return { ticket, transport: "cookie", userId: person.userId, credentialId, app } as const;
      };
      const spend = async (auth: FullAuth, { app, ticket, transport }: Awaited<ReturnType<typeof pending>>) =>
        await outcome(
          auth.signIn.factor({
            ticket,
            transport,
            proof: { type: "totp", code: await app.code() },
          }),
        );
      const unlisted = () => listing("https://another.example");

      test("it makes no session, and asks for no security key", async () => {
        const held = await pending();
        const before = await world.liveSessions(held.userId);
        expect(await spend(unlisted(), held)).toBe("unauthorized.invalid_ticket");
        expect(await world.liveSessions(held.userId)).toBe(before);
        expect(await outcome(unlisted().passkeys.proofOptions(held))).toBe("unauthorized.invalid_ticket");
      });

      test("it is spent where the provider is listed, or comes back", async () => {
        const held = await pending();
        expect(await spend(unlisted(), held)).toBe("unauthorized.invalid_ticket");
        expect(await spend(world.auth, held)).toBe("done");
      });

      test("Flametrench's exchange of tickets, in two steps: neither of them", async () => {
        const held = await pending();
        const { app, ticket, transport, userId, credentialId } = held;
        const proof = { type: "totp", code: await app.code() } as const;
        const asked = { ticket, transport, userId, proof };
        expect(await outcome(unlisted().verifyMfa(asked))).toBe("unauthorized.invalid_ticket");
        const upgraded = await world.auth.verifyMfa(asked);
        const grant = { ticket: upgraded.ticket, transport, userId, credentialId };
        expect(await outcome(unlisted().sessions.create(grant))).toBe("unauthorized.invalid_ticket");
        expect(await outcome(world.auth.sessions.create(grant))).toBe("done");
      });

      test("a ticket of a password goes on", async () => {
        const person = await world.person();
        const { app } = await addApp(world, person);
        const { identifier, userId } = person;
        const result = await world.auth.signIn.password({ identifier, password: goodPassword, transport: "cookie" });
        if (!result.mfaRequired) throw new Error("No second factor was asked for.");
        const held = {
          ticket: result.ticket,
          transport: "cookie",
          userId,
          credentialId: person.credentialId,
          app,
        } as const;
        expect(await spend(unlisted(), held)).toBe("done");
      });
    });

    test("a session that another SDK began is that SDK's to end", async () => {
      const held = await begun();
      await world.rows(
        sql`update ses set transport = null where id = (select id from ses order by created_at desc limit 1)`,
      );
      const presented = { token: held.token, transport: "token" } as const;
      expect(await outcome(listing("https://another.example").sessions.verify(presented))).toBe("done");
    });
  },
);

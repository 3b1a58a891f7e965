import { describe, expect, test } from "vitest";
import { type CredentialId, uuidFor } from "../../src/domain/id.ts";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import type { SignedIn } from "../../src/operations/sign-in.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { answerOf, freshIdentity, practiceIssuer, practiceProvider, signInWith } from "../support/practice-provider.ts";

const tenants = "https://login.example/{tenantid}/v2.0";
const tenantIssuer = tenants.replace("{tenantid}", "aaaabbbb-0000-cccc-1111-dddd2222eeee");
const context = () => ({ address: freshAddress() });
type Session = Extract<SignedIn, { mfaRequired: false }>;

describeWorld("signing in with a provider", { on: ["pglite", "postgres"], auth: { signUp: "open" } }, (world) => {
  const session = async (
    identity: ProvedIdentity,
    more: Parameters<typeof signInWith>[2] = {},
    auth = world.auth,
  ): Promise<Session> => {
    const result = await signInWith(auth, identity, { context: context(), ...more });
    if ("linkingRequired" in result || result.mfaRequired) throw new Error("No session was made.");
    return result;
  };
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const withAddress = (email: string, more: Partial<ProvedIdentity> = {}) =>
    freshIdentity({ email, emailVerified: true, ...more });
  const link = async ({ actor }: Pick<Person, "actor">, identity: ProvedIdentity, auth = world.auth) => {
    const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
    const { attempt } = started;
    return await auth.federation.finishLink({
      provider: "practice",
      attempt,
      answer: answerOf(started, identity),
      actor,
    });
  };
  const usersOf = async ({ subject }: ProvedIdentity) =>
    await world.rows(
      sql<{ id: string; status: string }>`select usr_id as id, status from cred where oidc_subject = ${subject}`,
    );

  describe("OC41: the identity decides", () => {
    test("a new identity makes an account, and signs in to it from then on", async () => {
      const identity = freshIdentity({ name: "Ada" });
      const first = await session(identity);
      const again = await session(identity);
      expect(again.user.id).toBe(first.user.id);
      expect(first.user.displayName).toBe("Ada");
      expect(first.session).toMatchObject({ amr: ["fed"], transport: "cookie" });
      const { user } = await world.auth.sessions.verify({ token: again.token, transport: "cookie" });
      expect(user).toMatchObject({ id: first.user.id, identifier: null });
      const events = await world.events({ actor: first.user.id });
      expect(events.map(({ action, outcome: how, metadata }) => [action, how, metadata.outcome])).toEqual([
        ["identity.sign_up", "success", "create"],
        ["identity.sign_in", "success", "sign_in"],
      ]);
    });

    test.each([
      [true, true],
      [false, undefined],
      [undefined, undefined],
      // A provider that an application wrote itself may say anything.
      ["false" as never, undefined],
    ])("OC33: an address of a relay, %j: the events say %j", async (isPrivateEmail, expected) => {
      const address = { email: "x1@privaterelay.appleid.com", isPrivateEmail };
      const identity = freshIdentity(address);
      const { user } = await session(identity);
      await session(identity);
      const person = await world.person();
      await link(person, freshIdentity(address));
      const events = [
        ...(await world.events({ actor: user.id })),
        ...(await world.events({ actor: person.userId, action: "identity.credential.link" })),
      ];
      expect(events.map(({ action, metadata }) => [action, metadata.private_email])).toEqual([
        ["identity.sign_up", expected],
        ["identity.sign_in", expected],
        ["identity.credential.link", expected],
      ]);
    });

    test("R087: the same subject at another issuer is another identity", async () => {
      const other = "https://other.example";
      const auth = world.isolate({
        federation: { providers: [practiceProvider(), practiceProvider("other", [other])] },
      });
      const identity = freshIdentity();
      const first = await session(identity, {}, auth);
      const second = await session({ ...identity, issuer: other }, { provider: "other" }, auth);
      expect(second.user.id).not.toBe(first.user.id);
    });

    test("R086: an issuer that is not the provider's is refused", async () => {
      const identity = freshIdentity({ issuer: "https://evil.example" });
      expect(await outcome(signInWith(world.auth, identity))).toBe("unauthorized.provider");
      expect(await usersOf(identity)).toEqual([]);
    });

    test("OC34: a provider of many tenants: each tenant's identities, and no others", async () => {
      const auth = world.isolate({ federation: { providers: [practiceProvider("practice", [tenants])] } });
      const identity = freshIdentity({ issuer: tenantIssuer });
      const other = { ...identity, issuer: tenants.replace("{tenantid}", "bbbbcccc-1111-dddd-2222-eeee3333ffff") };
      const first = await session(identity, {}, auth);
      expect((await session(identity, {}, auth)).user.id).toBe(first.user.id);
      expect((await session(other, {}, auth)).user.id).not.toBe(first.user.id);
      for (const issuer of [tenants, `${tenantIssuer}/`, tenantIssuer.replace("login", "evil")]) {
        expect(await outcome(signInWith(auth, { ...identity, issuer }))).toBe("unauthorized.provider");
      }
    });

    test("R087: an address never identifies: a second identity with it must be linked by its account's owner", async () => {
      const email = freshIdentifier();
      const [first, second] = [withAddress(email), withAddress(email)];
      const owner = await session(first);
      const asked = await signInWith(world.auth, second, { context: context() });
      if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
      const { actor, asOf } = await world.auth.sessions.verify({ token: owner.token, transport: "cookie" });
      await world.auth.federation.link({ actor, identity: asked.identity, now: asOf });
      expect((await session(second)).user.id).toBe(owner.user.id);
    });

    test("an address that an identity holds is taken for passwords of others, and free for its owner", async () => {
      const email = freshIdentifier();
      const { token } = await session(withAddress(email));
      const taken = world.auth.signUp({ identifier: email, password: goodPassword, context: context() });
      expect(await outcome(taken)).toBe("conflict.duplicate_credential");
      const { actor, user } = await world.auth.sessions.verify({ token, transport: "cookie" });
      const added = await world.auth.credentials.createPassword({
        actor,
        userId: user.id,
        identifier: email,
        password: goodPassword,
      });
      expect(added).toMatchObject({ identifier: email, status: "active" });
    });

    test.each(["", "é", "a".repeat(256), "line\nend"])(
      "a subject that is not 1 to 255 ASCII characters: %j",
      async (subject) => {
        expect(await outcome(signInWith(world.auth, freshIdentity({ subject })))).toBe("unauthorized.provider");
      },
    );
  });

  describe("OC42: an account has the address", () => {
    test("R088: verified on both sides: its owner signs in, and then links", async () => {
      const person = await verified();
      const identity = withAddress(person.identifier);
      const asked = await signInWith(world.auth, identity, { context: context() });
      if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
      expect(await usersOf(identity)).toEqual([]);
      const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
      const linked = await world.auth.federation.link({ actor, identity: asked.identity, now: asOf });
      expect(linked).toMatchObject({ userId: person.userId, issuer: practiceIssuer, provider: "practice" });
      expect((await session(identity)).user.id).toBe(person.userId);
    });

    test("B29: an address that the provider has not verified never links, and makes an account of its own", async () => {
      const person = await verified();
      const signedIn = await session(freshIdentity({ email: person.identifier, emailVerified: false }));
      expect(signedIn.user.id).not.toBe(person.userId);
    });

    test("B29, pre-hijacking: an address that the account has not proved never links, even at a trusted issuer", async () => {
      const squatter = await world.person();
      const auth = world.isolate({ federation: { linkByVerifiedEmail: { trusted: [practiceIssuer] } } });
      const identity = withAddress(squatter.identifier);
      expect(await outcome(signInWith(auth, identity, { context: context() }))).toBe("conflict.duplicate_credential");
      expect(await usersOf(identity)).toEqual([]);
    });

    test("a trusted issuer links at once, and the link leaves an event", async () => {
      const person = await verified();
      const auth = world.isolate({ federation: { linkByVerifiedEmail: { trusted: [practiceIssuer] } } });
      const signedIn = await session(withAddress(person.identifier), {}, auth);
      expect(signedIn.user.id).toBe(person.userId);
      const events = await world.events({ actor: person.userId, action: "identity.credential.link" });
      expect(events).toMatchObject([{ outcome: "success", metadata: { provider: "practice", by: "address" } }]);
    });

    test("an issuer that is not in the list of trusted ones is asked for as usual", async () => {
      const person = await verified();
      const auth = world.isolate({ federation: { linkByVerifiedEmail: { trusted: ["https://other.example"] } } });
      expect(await signInWith(auth, withAddress(person.identifier), { context: context() })).toMatchObject({
        linkingRequired: true,
      });
    });

    test("with `never`, it is taken as at any sign-up", async () => {
      const person = await verified();
      const auth = world.isolate({ federation: { linkByVerifiedEmail: "never" } });
      const refused = signInWith(auth, withAddress(person.identifier), { context: context() });
      expect(await outcome(refused)).toBe("conflict.duplicate_credential");
    });

    test("the address is compared in its normal form", async () => {
      const person = await verified();
      const [name, domain] = person.identifier.split("@");
      const identity = withAddress(` ${name}@${domain!.toUpperCase()}. `);
      expect(await signInWith(world.auth, identity, { context: context() })).toMatchObject({ linkingRequired: true });
    });

    test("what it waits with counts for ten minutes, unchanged, and for a fresh session only", async () => {
      const person = await verified();
      const asked = await signInWith(world.auth, withAddress(person.identifier), { context: context() });
      if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
      const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
      const tryLink = (identity: string | undefined, now = asOf) =>
        outcome(world.auth.federation.link({ actor, identity, now }));
      expect(await tryLink(asked.identity, new Date(asOf.getTime() + 601_000))).toBe("unauthorized.provider");
      expect(await tryLink(undefined)).toBe("unauthorized.provider");
      expect(await tryLink(asked.identity.replace(/.$/, (last) => (last === "A" ? "B" : "A")))).toBe(
        "unauthorized.provider",
      );
      await world.age(person.session, 700);
      expect(await tryLink(asked.identity)).toBe("unauthorized.reauthentication_required");
    });
  });

  describe("R088: whose identity is linked, and by whose word", () => {
    const trusting = (...issuers: string[]) =>
      world.isolate({ federation: { linkByVerifiedEmail: { trusted: issuers } } });
    const weak = "https://weak.example";
    const bothTrusting = (...issuers: string[]) =>
      world.isolate({
        federation: {
          providers: [practiceProvider(), practiceProvider("weak", [weak])],
          linkByVerifiedEmail: { trusted: issuers },
        },
      });

    test("an identity that waits for one account is not linked to another, in whose session its browser is", async () => {
      const [attacker, victim] = [await verified(), await verified()];
      const asked = await signInWith(world.auth, withAddress(attacker.identifier), { context: context() });
      if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
      const { actor, asOf: now } = await world.auth.sessions.verify({
        token: victim.token,
        transport: victim.transport,
      });
      expect(await outcome(world.auth.federation.link({ actor, identity: asked.identity, now }))).toBe(
        "unauthorized.provider",
      );
    });

    test("a trusted issuer does not link to an account whose address only another issuer vouches for", async () => {
      const email = freshIdentifier();
      const auth = bothTrusting(practiceIssuer);
      const squatted = await session(withAddress(email, { issuer: weak }), { provider: "weak" }, auth);
      const result = await signInWith(auth, withAddress(email), { context: context() });
      expect(result).toMatchObject({ linkingRequired: true });
      expect(squatted.user.status).toBe("active");
    });

    test("a suspended identity vouches for no address", async () => {
      const email = freshIdentifier();
      const auth = trusting(practiceIssuer);
      const first = await session(withAddress(email), {}, auth);
      await world.auth.credentials.suspend({ actor: system, credentialId: first.session.credentialId });
      expect(await outcome(signInWith(auth, withAddress(email), { context: context() }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("what was unlinked does not come back by itself", async () => {
      const person = await verified();
      const auth = trusting(practiceIssuer);
      const identity = withAddress(person.identifier);
      const { session: made } = await session(identity, {}, auth);
      await world.auth.credentials.revoke({ actor: system, credentialId: made.credentialId });
      expect(await signInWith(auth, identity, { context: context() })).toMatchObject({ linkingRequired: true });
    });

    test("linking takes no address that another account has", async () => {
      const [owner, thief] = [await verified(), await world.person()];
      await link(thief, withAddress(owner.identifier));
      await world.auth.credentials.revoke({ actor: system, credentialId: owner.credentialId });
      const again = world.auth.credentials.createPassword({
        actor: system,
        userId: owner.userId,
        identifier: owner.identifier,
        password: goodPassword,
      });
      expect(await outcome(again)).toBe("done");
    });

    test("a known identity takes no address that another account has, when its address changes", async () => {
      const owner = await verified();
      const identity = withAddress(freshIdentifier());
      await session(identity);
      await session({ ...identity, email: owner.identifier });
      const signedIn = await session(withAddress(owner.identifier), {}, trusting(practiceIssuer));
      expect(signedIn.user.id).toBe(owner.userId);
    });

    test("the owner does not undo a suspension by unlinking, nor by closing the account", async () => {
      const person = await world.person();
      const linked = await link(person, freshIdentity());
      await world.auth.credentials.suspend({ actor: system, credentialId: linked.id });
      const { actor, userId } = person;
      expect(await outcome(world.auth.federation.unlink({ actor, credentialId: linked.id }))).toBe("forbidden");
      const closing = world.auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword });
      expect(await outcome(closing)).toBe("forbidden");
    });

    test("R081: an attempt to link counts once", async () => {
      const { actor } = await world.person();
      const started = await world.auth.federation.start({ provider: "practice", purpose: "link", actor });
      const { attempt } = started;
      const use = async () =>
        await world.auth.federation.finishLink({
          provider: "practice",
          attempt,
          answer: answerOf(started, freshIdentity()),
          actor,
        });
      await use();
      expect(await outcome(use())).toBe("unauthorized.provider");
    });

    test("a cookie keeps no more of a provider's answer than is stored", async () => {
      const person = await verified();
      const identity = { ...withAddress(person.identifier), name: "a".repeat(6_000), access_token: "a secret" };
      const asked = await signInWith(world.auth, identity as ProvedIdentity, { context: context() });
      if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
      expect(asked.identity.length).toBeLessThan(1_000);
      expect(atob(asked.identity.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))).not.toContain("a secret");
    });

    test.each([{ email: 1 }, { name: {} }, { subject: 5 }, { authTime: "now" }, { authTime: 1e300 }])(
      "an answer of another type: %j",
      async (more) => {
        const identity = { ...freshIdentity(), ...more } as unknown as ProvedIdentity;
        expect(await outcome(signInWith(world.auth, identity, { context: context() }))).toBe("unauthorized.provider");
      },
    );

    test("without a condition, no issuer is trusted with a second factor", async () => {
      const auth = world.isolate({ federation: { trustsMfa: [{ issuer: practiceIssuer, amr: [] }] } });
      await expect(auth.federation.start({ provider: "practice" })).rejects.toThrow("trustsMfa");
    });
  });

  describe("who may sign up", () => {
    test.each(["closed", "invited"] as const)("%s: no one with a new identity", async (signUp) => {
      const identity = freshIdentity();
      expect(await outcome(signInWith(world.isolate({ signUp }), identity, { context: context() }))).toBe(
        "forbidden.sign_up_closed",
      );
      expect(await usersOf(identity)).toEqual([]);
    });

    test("verify-first: only with an address that the provider has verified", async () => {
      const auth = world.isolate({ signUp: "verify-first" });
      expect(await outcome(signInWith(auth, freshIdentity(), { context: context() }))).toBe("forbidden.sign_up_closed");
      // The text of a claim that a provider of the application's own passes on.
      const told = { ...withAddress(freshIdentifier()), emailVerified: "false" as never };
      expect(await outcome(signInWith(auth, told, { context: context() }))).toBe("forbidden.sign_up_closed");
      expect((await session(withAddress(freshIdentifier()), {}, auth)).user.status).toBe("active");
    });

    test.each(["closed", "invited"] as const)("%s: whoever has an account signs in", async (signUp) => {
      const identity = freshIdentity();
      const { user } = await session(identity);
      expect((await session(identity, {}, world.isolate({ signUp }))).user.id).toBe(user.id);
    });
  });

  describe("OC45: refused on every path", () => {
    test("a user who is suspended", async () => {
      const identity = freshIdentity();
      const { user } = await session(identity);
      await world.auth.users.suspend({ actor: system, userId: user.id });
      expect(await outcome(signInWith(world.auth, identity, { context: context() }))).toBe("unauthorized.provider");
    });

    test("an identity that is suspended makes no second account", async () => {
      const identity = freshIdentity();
      const { session: made } = await session(identity);
      await world.auth.credentials.suspend({ actor: system, credentialId: made.credentialId });
      expect(await outcome(signInWith(world.auth, identity, { context: context() }))).toBe("unauthorized.provider");
      expect(await usersOf(identity)).toHaveLength(1);
    });

    test("OC22: an attempt at a provider whose name has another issuer since", async () => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const moved = world.isolate({
        federation: { providers: [practiceProvider("practice", ["https://elsewhere.example"])] },
      });
      const identity = freshIdentity({ issuer: "https://elsewhere.example" });
      const finish = moved.federation.finish({
        ...{ provider: "practice", attempt: started.attempt, context: { address: freshAddress() } },
        answer: answerOf(started, identity),
      });
      expect(await outcome(finish)).toBe("unauthorized.provider");
    });

    test("a provider that was taken from the list: start, callback and link", async () => {
      const person = await verified();
      const identity = withAddress(person.identifier);
      const started = await world.auth.federation.start({ provider: "practice" });
      const asked = await signInWith(world.auth, identity, { context: context() });
      const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
      const auth = world.isolate({ federation: { providers: [practiceProvider("another")] } });
      expect(await outcome(auth.federation.start({ provider: "practice" }))).toBe("not_found");
      const answer = answerOf(started, identity);
      const { attempt } = started;
      expect(await outcome(auth.federation.finish({ provider: "practice", attempt, answer }))).toBe("not_found");
      const proved = "linkingRequired" in asked ? asked.identity : undefined;
      expect(await outcome(auth.federation.link({ actor, identity: proved, now: asOf }))).toBe("not_found");
    });
  });

  describe("R081: an attempt belongs to a browser, a provider and a purpose, and is used once", () => {
    test("used twice, it makes one session", async () => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const asked = {
        provider: "practice",
        attempt: started.attempt,
        answer: answerOf(started, freshIdentity()),
        context: context(),
      };
      expect(await outcome(world.auth.federation.finish(asked))).toBe("done");
      await expect(world.auth.federation.finish(asked)).rejects.toMatchObject({
        code: "unauthorized.provider",
        details: { reason: "used" },
      });
    });

    test("login CSRF: another browser's answer is refused", async () => {
      const [mine, thief] = [
        await world.auth.federation.start({ provider: "practice" }),
        await world.auth.federation.start({ provider: "practice" }),
      ];
      const answer = answerOf(thief, freshIdentity());
      const refused = world.auth.federation.finish({ provider: "practice", attempt: mine.attempt, answer });
      await expect(refused).rejects.toMatchObject({ details: { reason: "state_mismatch" } });
    });

    test.each([undefined, "", "x", "0.e30.AAAA"])("without a genuine attempt, such as %j", async (attempt) => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const answer = answerOf(started, freshIdentity());
      expect(await outcome(world.auth.federation.finish({ provider: "practice", attempt, answer }))).toBe(
        "unauthorized.provider",
      );
    });

    test("B41: an attempt at one provider is none at another", async () => {
      const auth = world.isolate({ federation: { providers: [practiceProvider(), practiceProvider("other")] } });
      const started = await auth.federation.start({ provider: "other" });
      const answer = answerOf(started, freshIdentity());
      const { attempt } = started;
      expect(await outcome(auth.federation.finish({ provider: "practice", attempt, answer }))).toBe(
        "unauthorized.provider",
      );
    });

    test("an attempt to link signs no one in, and the reverse", async () => {
      const person = await world.person();
      const { federation } = world.auth;
      const linking = await federation.start({ provider: "practice", purpose: "link", actor: person.actor });
      const signingIn = await federation.start({ provider: "practice" });
      const of = (started: typeof linking) => ({
        provider: "practice",
        attempt: started.attempt,
        answer: answerOf(started, freshIdentity()),
      });
      expect(await outcome(federation.finish(of(linking)))).toBe("unauthorized.provider");
      expect(await outcome(federation.finishLink({ ...of(signingIn), actor: person.actor }))).toBe(
        "unauthorized.provider",
      );
    });

    test("the cookie holds no secret: neither state, nonce nor verifier", async () => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const state = new URL(started.url).searchParams.get("state")!;
      const [, encoded] = started.attempt.split(".");
      expect(atob(encoded!.replaceAll("-", "+").replaceAll("_", "/"))).not.toContain(state);
    });
  });

  describe("OC44: a second factor of ours", () => {
    const withFactor = async () => {
      const { person } = await addApp(world, await world.person());
      const identity = freshIdentity({ amr: ["mfa", "pwd"], acr: "gold" });
      await world.levelTwo(person.session);
      await link(person, identity);
      return { person, identity };
    };

    test("is asked for", async () => {
      const { identity } = await withFactor();
      const needed = await signInWith(world.auth, identity, { context: context() });
      expect(needed).toMatchObject({ mfaRequired: true, factors: ["totp"], enroll: false });
    });

    test.each([
      { case: "the method", trust: { amr: ["mfa"] }, isTrusted: true },
      { case: "the context", trust: { acr: ["gold", "silver"] }, isTrusted: true },
      { case: "both", trust: { acr: ["gold"], amr: ["mfa"] }, isTrusted: true },
      { case: "another method", trust: { amr: ["hwk"] }, isTrusted: false },
      { case: "another context", trust: { acr: ["silver"] }, isTrusted: false },
      { case: "one of two", trust: { acr: ["gold"], amr: ["hwk"] }, isTrusted: false },
    ])("$case of a trusted issuer: counts $isTrusted", async ({ trust, isTrusted }) => {
      const { identity } = await withFactor();
      const auth = world.isolate({ federation: { trustsMfa: [{ issuer: practiceIssuer, ...trust }] } });
      const result = await signInWith(auth, identity, { context: context() });
      if ("linkingRequired" in result) throw new Error("It is linked.");
      expect(result.mfaRequired).toBe(!isTrusted);
      if (!result.mfaRequired) expect(result.session.amr).toEqual(["fed", "mfa"]);
    });

    test("S32: a user who must have one, has none and may not enroll gets none", async () => {
      const identity = freshIdentity();
      const { user } = await session(identity);
      await world.requireFactor(user.id, new Date(0));
      expect(await outcome(signInWith(world.auth, identity, { context: context() }))).toBe(
        "forbidden.enrollment_not_granted",
      );
    });
  });

  describe("linking and unlinking", () => {
    test("an identity is linked, listed and unlinked, and its sessions end", async () => {
      const person = await world.person();
      const identity = freshIdentity({ email: "ada@example.org" });
      const linked = await link(person, identity);
      const signedIn = await session(identity);
      const { data } = await world.auth.federation.list({ actor: person.actor, userId: person.userId });
      expect(data).toMatchObject([{ id: linked.id, provider: "practice", label: "ada@example.org", status: "active" }]);
      await world.auth.federation.unlink({ actor: person.actor, credentialId: linked.id });
      expect(await outcome(world.auth.sessions.verify({ token: signedIn.token, transport: "cookie" }))).toBe(
        "unauthorized.session_expired",
      );
      expect((await world.auth.federation.list({ actor: person.actor, userId: person.userId })).data).toEqual([]);
      // It is free again.
      expect((await session(identity)).user.id).not.toBe(person.userId);
    });

    test("what is known of an identity ends with it, however it ends", async () => {
      const [person, closing] = [await world.person(), await world.person()];
      const [unlinked, closed] = [
        await link(person, withAddress(freshIdentifier())),
        await link(closing, freshIdentity()),
      ];
      await world.auth.federation.unlink({ actor: person.actor, credentialId: unlinked.id });
      const { actor, userId } = closing;
      await world.auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword });
      const ids = [unlinked, closed].map(({ id }) => uuidFor("cred", id));
      expect(await world.rows(sql`select * from linked_identity where cred_id = any(${ids}::uuid[])`)).toEqual([]);
    });

    test("OC41: an identity of another account", async () => {
      const identity = freshIdentity();
      await session(identity);
      expect(await outcome(link(await world.person(), identity))).toBe("conflict.identity_in_use");
    });

    test("an identity of one's own, twice", async () => {
      const [person, identity] = [await world.person(), freshIdentity()];
      await link(person, identity);
      expect(await outcome(link(person, identity))).toBe("conflict.identity_in_use");
    });

    test("only within ten minutes of a proof", async () => {
      const person = await world.person();
      await world.age(person.session, 700);
      expect(await outcome(link(person, freshIdentity()))).toBe("unauthorized.reauthentication_required");
    });

    test("in the session that began it", async () => {
      const [person, other] = [await world.person(), await world.person()];
      const started = await world.auth.federation.start({ provider: "practice", purpose: "link", actor: person.actor });
      const refused = world.auth.federation.finishLink({
        provider: "practice",
        attempt: started.attempt,
        answer: answerOf(started, freshIdentity()),
        actor: other.actor,
      });
      await expect(refused).rejects.toMatchObject({ details: { reason: "other_session" } });
    });

    test("at most as many as the option says", async () => {
      const person = await verified();
      const auth = world.isolate({
        federation: { maxPerUser: 2, linkByVerifiedEmail: { trusted: [practiceIssuer] } },
      });
      await link(person, freshIdentity(), auth);
      await link(person, freshIdentity(), auth);
      expect(await outcome(link(person, freshIdentity(), auth))).toBe("precondition.limit_reached");
      const third = withAddress(person.identifier);
      expect(await outcome(signInWith(auth, third, { context: context() }))).toBe("precondition.limit_reached");
      expect(await usersOf(third)).toEqual([]);
    });

    test("S33: the last way in cannot be unlinked; with another one it can", async () => {
      const identity = freshIdentity();
      const signedIn = await session(identity);
      const { actor } = await world.auth.sessions.verify({ token: signedIn.token, transport: "cookie" });
      const unlink = (credentialId: CredentialId) => outcome(world.auth.federation.unlink({ actor, credentialId }));
      expect(await unlink(signedIn.session.credentialId)).toBe("conflict.last_way_in");
      await link({ actor }, freshIdentity());
      expect(await unlink(signedIn.session.credentialId)).toBe("done");
    });

    test("S33: an identity of an enabled provider lets its owner remove the password; of another it does not", async () => {
      const person = await world.person();
      await link(person, freshIdentity());
      const remove = (auth: typeof world.auth) =>
        outcome(
          auth.credentials.revokeOwnPassword({
            actor: person.actor,
            credentialId: person.credentialId,
            currentPassword: goodPassword,
          }),
        );
      const without = world.isolate({
        federation: { providers: [practiceProvider("other", ["https://other.example"])] },
      });
      expect(await remove(without)).toBe("conflict.last_way_in");
      expect(await remove(world.auth)).toBe("done");
    });

    test("S33: an identity of a tenant is a way in", async () => {
      const person = await world.person();
      const auth = world.isolate({ federation: { providers: [practiceProvider("practice", [tenants])] } });
      const { actor, credentialId } = person;
      const remove = () =>
        outcome(auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword }));
      expect(await remove()).toBe("conflict.last_way_in");
      await link(person, freshIdentity({ issuer: tenantIssuer }), auth);
      expect(await remove()).toBe("done");
    });

    test("a credential of another type is not found", async () => {
      const { actor, credentialId } = await world.person();
      expect(await outcome(world.auth.federation.unlink({ actor, credentialId }))).toBe("not_found");
    });

    test("S11: the first verification, by the mailbox alone, ends what was linked before it", async () => {
      const squatter = await world.person();
      const identity = freshIdentity();
      await link(squatter, identity);
      const { token } = await mailed(world, "reset", squatter.identifier);
      await world.auth.passwordReset.confirm({ token, password: otherPassword, context: context() });
      expect(await usersOf(identity)).toEqual([{ id: uuidFor("usr", squatter.userId), status: "revoked" }]);
      expect((await session(identity)).user.id).not.toBe(squatter.userId);
    });

    test("S11: a reset of a verified address keeps it", async () => {
      const person = await verified();
      const identity = freshIdentity();
      await link(person, identity);
      const { token } = await mailed(world, "reset", person.identifier);
      await world.auth.passwordReset.confirm({ token, password: otherPassword, context: context() });
      expect((await session(identity)).user.id).toBe(person.userId);
    });
  });

  test("S47: the session that the browser presents ends", async () => {
    const identity = freshIdentity();
    const first = await session(identity);
    await session(identity, { presentedToken: first.token });
    expect(await outcome(world.auth.sessions.verify({ token: first.token, transport: "cookie" }))).toBe(
      "unauthorized.session_expired",
    );
  });

  test("LX11: a session that is not remembered", async () => {
    const { session: made } = await session(freshIdentity(), { remember: false });
    expect(made.remember).toBe(false);
  });

  test.each([
    ["access_denied", "unauthorized.provider"],
    ["issuer_timeout", "unavailable.provider"],
    ["temporarily_unavailable", "unavailable.provider"],
    ["configuration_error", "unavailable.provider"],
    ["Any other <text>", "unauthorized.provider"],
  ])("B42: the provider's error %j is a refusal: %s", async (error, code) => {
    const started = await world.auth.federation.start({ provider: "practice" });
    const finished = world.auth.federation.finish({
      provider: "practice",
      attempt: started.attempt,
      answer: answerOf(started, { error }),
    });
    const refusal = await finished.catch((refused: unknown) => refused);
    expect(refusal).toMatchObject({ code });
    expect(JSON.stringify((refusal as { details?: object }).details ?? {})).not.toContain("<");
  });

  test("sign-ins from one address are limited, and the refusal makes nothing", async () => {
    const auth = world.isolate({ limits: { address: { attempts: 2, windowSeconds: 300 } } });
    const one = context();
    await signInWith(auth, freshIdentity(), { context: one });
    await signInWith(auth, freshIdentity(), { context: one });
    const identity = freshIdentity();
    expect(await outcome(signInWith(auth, identity, { context: one }))).toBe("too_many_requests");
    expect(await usersOf(identity)).toEqual([]);
  });

  test("OC50: no request to the database to begin, one to end, one to link", async () => {
    const { counting } = world;
    const person = await world.person();
    const identity = freshIdentity();
    const count = async <Result>(work: () => Promise<Result>): Promise<[number, Result]> => {
      const before = counting.requests;
      const result = await work();
      return [counting.requests - before, result];
    };
    const [begun, started] = await count(() => world.auth.federation.start({ provider: "practice" }));
    const answer = answerOf(started, identity);
    const [ended] = await count(() =>
      world.auth.federation.finish({ provider: "practice", attempt: started.attempt, answer, context: context() }),
    );
    const [linked] = await count(() => link(person, freshIdentity()));
    expect([begun, ended, linked]).toEqual([0, 1, 1]);
  });

  test("the credential is the specification's: type, issuer and subject", async () => {
    const identity = freshIdentity();
    const { session: made } = await session(identity);
    const credential = await world.auth.credentials.get({ actor: system, credentialId: made.credentialId });
    expect(credential).toMatchObject({ type: "oidc", oidcIssuer: practiceIssuer, oidcSubject: identity.subject });
    expect(uuidFor("cred", credential.id)).toMatch(/^[0-9a-f-]{36}$/);
  });
});

/** S04: the named import permission, which only the application has. @module */
import { expect, test } from "vitest";
import { type UserId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshIdentifier, freshName, outcome, type Person, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { freshIdentity, practiceIssuer, practiceProvider, signInWith } from "../support/practice-provider.ts";

describeWorld("S04: importing an identity", { on: ["pglite", "postgres"] }, (world) => {
  type Given = Omit<Partial<Parameters<FullAuth["federation"]["import"]>[0]>, "userId">;
  const imported = (userId: UserId, given: Given = {}, auth = world.auth) =>
    auth.federation.import({
      actor: system,
      userId,
      provider: "practice",
      subject: freshIdentity().subject,
      ...given,
    });
  const newUser = async () => (await world.auth.users.create({ actor: system, displayName: "Ada" })).id;
  const eventsOf = (id: string) => world.events({ target: id, action: "identity.credential.import" });

  test("its user signs in with it, and the event names the application", async () => {
    const userId = await newUser();
    const { subject } = freshIdentity();
    const identity = await imported(userId, { subject, name: "ada" });
    expect(identity).toMatchObject({
      userId,
      provider: "practice",
      issuer: practiceIssuer,
      label: "ada",
      status: "active",
    });
    const { data } = await world.auth.federation.list({ actor: system, userId });
    expect(data).toEqual([identity]);
    const signedIn = await signInWith(world.auth, { issuer: practiceIssuer, subject, emailVerified: false });
    expect(signedIn).toMatchObject({ user: { id: userId } });
    expect(await eventsOf(identity.id)).toMatchObject([
      { outcome: "success", auth: { kind: "system" }, metadata: { provider: "practice" } },
    ]);
    expect((await world.auth.activity.list({ actor: system, userId })).data).toContainEqual(
      expect.objectContaining({ type: "identity_linked", by: "application" }),
    );
  });

  test("importing it again returns it as it is, also if it is suspended by now, without an event", async () => {
    const userId = await newUser();
    const { subject } = freshIdentity();
    const first = await imported(userId, { subject, name: "ada" });
    expect(await imported(userId, { subject, name: "another" })).toEqual(first);
    await world.auth.credentials.suspend({ actor: system, credentialId: first.id });
    expect(await imported(userId, { subject })).toEqual({ ...first, status: "suspended" });
    expect(await eventsOf(first.id)).toHaveLength(1);
  });

  test("one that the user has unlinked does not come back, and another user may have it", async () => {
    const { userId, actor } = await world.person();
    const { subject } = freshIdentity();
    const { id } = await imported(userId, { subject });
    await world.auth.federation.unlink({ actor, credentialId: id });
    expect(await outcome(imported(userId, { subject }))).toBe("conflict.already_terminal");
    expect(await outcome(imported(await newUser(), { subject }))).toBe("done");
    expect(await outcome(imported(userId, { subject }))).toBe("conflict.identity_in_use");
  });

  test("B39: one that another user holds, active or suspended, is refused, and stays with that user", async () => {
    const [owner, other] = [await newUser(), await newUser()];
    const { subject } = freshIdentity();
    const { id } = await imported(owner, { subject });
    expect(await outcome(imported(other, { subject }))).toBe("conflict.identity_in_use");
    await world.auth.credentials.suspend({ actor: system, credentialId: id });
    expect(await outcome(imported(other, { subject }))).toBe("conflict.identity_in_use");
    expect((await world.auth.federation.list({ actor: system, userId: other })).data).toEqual([]);
  });

  test("of twenty imports of one identity for ten users at once, those of one user succeed", async () => {
    const users = await Promise.all(Array.from({ length: 10 }, newUser));
    const { subject } = freshIdentity();
    const asked = Array.from({ length: 20 }, (_, index) => outcome(imported(users[index % 10]!, { subject })));
    expect(tally(await Promise.all(asked))).toEqual({ done: 2, "conflict.identity_in_use": 18 });
    const rows = await world.rows(sql`select from cred where oidc_subject = ${subject}`);
    expect(rows).toHaveLength(1);
  });

  test("a verified address is the account's, and an unverified one is not", async () => {
    const [one, two] = [await newUser(), await newUser()];
    const [email, unverified] = [freshIdentifier(), freshIdentifier()];
    expect((await imported(one, { email: email.toUpperCase(), emailVerified: true })).label).toBe(email.toUpperCase());
    await imported(two, { email: unverified });
    const at = async (address: string) => {
      const asked = await signInWith(world.auth, freshIdentity({ email: address, emailVerified: true }));
      return "linkingRequired" in asked ? "asked" : asked.mfaRequired ? "factor" : asked.user.id;
    };
    expect(await at(email)).toBe("asked");
    const stranger = await at(unverified);
    expect([one, two, "asked"]).not.toContain(stranger);
  });

  test("a verified address that another account has is not taken from it", async () => {
    const { identifier: email } = await world.person();
    const { id } = await imported(await newUser(), { email, emailVerified: true });
    const rows = await world.rows(sql<{ email: string | null }>`
      select email from linked_identity where cred_id = ${uuidFor("cred", id)}::uuid`);
    expect(rows).toEqual([{ email: null }]);
  });

  test.each([
    ["a provider that is not listed", { provider: "nowhere" }, "not_found"],
    ["another issuer", { issuer: "https://evil.example" }, "not_found"],
    ["an empty subject", { subject: "" }, "invalid_format.subject_id"],
    ["a long subject", { subject: "x".repeat(256) }, "invalid_format.subject_id"],
    ["a subject beyond ASCII", { subject: "\u00e4da" }, "invalid_format.subject_id"],
    ["a subject that is a number", { subject: 1 as never }, "invalid_format.subject_id"],
    ["the longest subject", { subject: `${freshName()} ${"x".repeat(255)}`.slice(0, 255) }, "done"],
    ["its issuer", { issuer: practiceIssuer }, "done"],
  ] as const)("%s", async (_case, given, expected) => {
    expect(await outcome(imported(await newUser(), given))).toBe(expected);
  });

  test("a provider of many tenants needs the tenant's issuer", async () => {
    const issuers = ["https://login.example/{tenantid}/v2.0"];
    const auth = world.isolate({ federation: { providers: [practiceProvider("many", issuers)] } });
    const userId = await newUser();
    const tenant = (id: string) => issuers[0]!.replace("{tenantid}", id);
    const given = { provider: "many" };
    expect(await outcome(imported(userId, given, auth))).toBe("not_found");
    expect(await outcome(imported(userId, { ...given, issuer: issuers[0]! }, auth))).toBe("not_found");
    expect(await outcome(imported(userId, { ...given, issuer: tenant("common") }, auth))).toBe("not_found");
    const issuer = tenant("11111111-2222-3333-4444-555555555555");
    expect((await imported(userId, { ...given, issuer }, auth)).issuer).toBe(issuer);
  });

  test("the user must exist, be active, and have room", async () => {
    const { userId } = await world.person();
    const auth = world.isolate({ federation: { providers: [practiceProvider()], maxPerUser: 1 } });
    const { subject } = freshIdentity();
    expect(await outcome(imported(userId, { subject }, auth))).toBe("done");
    expect(await outcome(imported(userId, {}, auth))).toBe("precondition.limit_reached");
    expect(await outcome(imported(userId, { subject }, auth))).toBe("done");
    await world.auth.users.suspend({ actor: system, userId });
    expect(await outcome(imported(userId, { subject }))).toBe("precondition.user_not_active");
    await world.auth.users.revoke({ actor: system, userId });
    expect(await outcome(imported(userId))).toBe("precondition.user_not_active");
    expect(await outcome(imported("usr_0190f2a81b3c7abc8123456789abcdef" as UserId))).toBe("not_found");
  });

  test("no user may, nor an administrator: an import proves nothing", async () => {
    const [ada, admin] = [await world.person(), await world.administrator()];
    const as = (person: Person, userId: UserId) => outcome(imported(userId, { actor: person.actor as never }));
    expect(await as(ada, ada.userId)).toBe("not_found");
    expect(await as(ada, admin.userId)).toBe("not_found");
    expect(await as(admin, ada.userId)).toBe("forbidden");
    expect((await world.auth.federation.list({ actor: system, userId: ada.userId })).data).toEqual([]);
    expect(await world.events({ actor: ada.userId, action: "identity.credential.import" })).toMatchObject([
      { outcome: "denied" },
      { outcome: "denied" },
    ]);
  });

  test("with a new user and the application's rows: all of it, or nothing", async () => {
    const { subject } = freshIdentity();
    const create = async () => await world.auth.users.create.plan({ actor: system, displayName: "Grace" });
    const add = (userId: UserId) =>
      world.auth.federation.import.plan({ actor: system, userId, provider: "practice", subject });
    const user = await create();
    const [made, identity] = await world.auth.batch([user, await add(user.known.userId)]);
    expect(identity.userId).toBe(made.id);
    const second = await create();
    expect(await outcome(world.auth.batch([second, await add(second.known.userId)]))).toBe("conflict.identity_in_use");
    expect(await outcome(world.auth.users.get({ actor: system, userId: second.known.userId }))).toBe("not_found");
  });

  test("it owes no message: the user has done nothing", async () => {
    const person = await world.person();
    await world.rows(
      sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${person.identifier}`,
    );
    const owed = () => world.rows(sql`select from mail_message`);
    const before = (await owed()).length;
    await imported(person.userId);
    expect((await owed()).length).toBe(before);
  });
});

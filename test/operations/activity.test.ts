import { describe, expect, test } from "vitest";
import { everyAct } from "../../build/every-act.node.ts";
import { type ActivityEvent, activityEvent, shownEvents } from "../../src/domain/activity.ts";
import { listActivity } from "../../src/domain/acts/activity.ts";
import { generateId, type UserId, uuidFor } from "../../src/domain/id.ts";
import { mostEventsRead, selectActivity } from "../../src/store/activity.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { organizationsIn } from "../support/organizations.ts";

const token = "token" as const;

/** Acts that no user sees in their activity, each for a reason. */
const hidden: Readonly<Record<string, string>> = {
  "identity.identifier.request_change": "leads to address_changed, and changes nothing",
  "identity.identifier.request_verification": "leads to address_verified, and changes nothing",
  "identity.password.request_reset": "names no account: the answer must be the same for every address",
  "identity.sign_in.request_link": "as for a reset",
  "identity.sign_up.request": "as for a reset",
  "identity.sign_in.start": "only sends the browser to a provider",
  "identity.credential.link.start": "only sends the browser to a provider",
  "identity.session.step_up.start": "only sends the browser to a provider",
  "identity.deployment_invitation.create": "there is no account yet",
  "identity.deployment_invitation.revoke": "there is no account yet",
  "identity.user.merge": "its account has ended; the one that is kept shows it",
  "identity.mailed_code.exchange": "leads to what the link does",
  "identity.session.step_up": "a session goes on; only a wrong factor is news",
  "identity.pat.verify": "the application sees the uses of its tokens",
  "identity.limit.lift": "concerns counters, not an account",
  "tenancy.org.update": "concerns the organization, not its members' accounts",
  "tenancy.org.suspend": "as for its name",
  "tenancy.org.reinstate": "as for its name",
  "tenancy.org.revoke": "as for its name",
  "tenancy.inv.create": "concerns the invited person, who may have no account",
  "tenancy.inv.revoke": "as for its creation",
  "tenancy.inv.decline": "the secret does not say which account",
  "tenancy.org.set_security_policy": "as for its name",
  "tenancy.org.read_security_policy": "a read",
  "tenancy.org.add_domain": "as for its name",
  "tenancy.org.list_domains": "a read",
  "tenancy.org.prove_domain": "as for its name",
  "tenancy.org.set_domain_joining": "as for its name",
  "tenancy.org.remove_domain": "as for its name",
  "tenancy.org.recheck_domain": "as for its name",
  "tenancy.org.list_joinable": "a read",
  "tenancy.org.withdraw_join_request": "changes nothing: the user is no member",
  "tenancy.org.list_join_requests": "a read",
  "tenancy.org.decline_join_request": "as for its withdrawal",
  "authz.tup.create": "concerns the object; its application shows who can see it",
  "authz.tup.delete": "as for its creation",
  "authz.tup.delete_all": "as for its creation",
  "tenancy.mem.list_of_user": "a read",
  "tenancy.mem.history": "a read",
};

describe("activity: the table of what is shown", () => {
  test("each type is the type of an event", () => {
    expect(new Set(shownEvents().map(({ type }) => type))).toEqual(new Set(activityEvent.type));
  });

  test("each act that changes something is shown, or hidden for a reason", () => {
    const done = new Set(shownEvents().flatMap(({ action, outcome }) => (outcome === "failure" ? [] : [action])));
    const others = everyAct.map(({ action }) => action).filter((action) => !done.has(action));
    expect(others.length).toBeGreaterThan(10);
    const unexplained = others.filter((action) => !/\.(read|list|find)$/.test(action) && !(action in hidden));
    expect(unexplained).toEqual([]);
    expect(Object.keys(hidden).filter((action) => done.has(action))).toEqual([]);
  });

  test("no two rows of the table show one event", () => {
    const keys = shownEvents().map(({ action, outcome, detail = "" }) => `${action} ${outcome} ${detail}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { action, outcome, detail } of shownEvents()) {
      if (detail !== undefined) expect(keys).not.toContain(`${action} ${outcome} `);
    }
  });
});

describeWorld("activity of an account", { on: ["pglite", "postgres"] }, (world) => {
  const list = async ({ userId }: { userId: UserId }): Promise<readonly ActivityEvent[]> =>
    (await world.auth.activity.list({ actor: system, userId })).data;
  const typesOf = async (person: { userId: UserId }): Promise<string[]> => (await list(person)).map(({ type }) => type);
  const newest = async (person: { userId: UserId }): Promise<ActivityEvent> => (await list(person))[0]!;

  const steps: Record<string, { act: (person: Person) => Promise<unknown>; types: string[] }> = {
    "sign-in": { act: (person) => world.signIn(person), types: ["signed_in"] },
    "sign-in with a wrong password": {
      act: ({ identifier }) => outcome(world.auth.signIn.password({ identifier, password: otherPassword })),
      types: ["sign_in_failed"],
    },
    "a ticket, then a session for it": {
      act: async (person) => {
        const { ticket, userId, credentialId } = await world.auth.verifyPassword(person);
        await world.auth.sessions.create({ ticket, userId, credentialId });
      },
      types: ["signed_in", "first_factor_proved"],
    },
    "refresh: nothing": {
      act: (person) => world.auth.sessions.refresh({ token: person.token, transport: token }),
      types: [],
    },
    "reuse of a refreshed token": {
      act: async (person) => {
        const auth = world.isolate({ lifetimes: { retrySeconds: 0 } });
        await auth.sessions.refresh({ token: person.token, transport: token });
        await outcome(auth.sessions.refresh({ token: person.token, transport: token }));
      },
      types: ["session_token_reused"],
    },
    "sign-out": {
      act: (person) => world.auth.sessions.signOut({ token: person.token, transport: token }),
      types: ["signed_out"],
    },
    "password change": {
      act: ({ actor }) =>
        world.auth.changePassword({
          actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: token,
        }),
      types: ["password_changed"],
    },
    "password change with a wrong password": {
      act: ({ actor }) =>
        outcome(
          world.auth.changePassword({ actor, currentPassword: "x", newPassword: otherPassword, transport: token }),
        ),
      types: ["password_check_failed"],
    },
    "an authenticator app": {
      act: (person) => addApp(world, person),
      types: ["factor_added"],
    },
    "a personal access token, made and ended": {
      act: async ({ actor, userId }) => {
        const { pat } = await world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] });
        await world.auth.personalAccessTokens.revoke({ actor, tokenId: pat.id });
      },
      types: ["token_revoked", "token_created"],
    },
    "terms, accepted twice": {
      act: async ({ actor, userId }) => {
        const { version } = world.auth.terms.current;
        for (let time = 0; time < 2; time++) await world.auth.terms.accept({ actor, userId, version });
      },
      types: ["terms_accepted"],
    },
    "another name": {
      act: ({ actor, userId }) => world.auth.users.update({ actor, userId, displayName: "Ada" }),
      types: ["profile_changed"],
    },
    "reading one's own account: nothing": {
      act: async ({ actor, userId }) => {
        await world.auth.users.get({ actor, userId });
        await world.auth.activity.list({ actor, userId });
      },
      types: [],
    },
  };

  test.each(Object.entries(steps))("%s", async (_name, { act, types }) => {
    const person = await world.person();
    await act(person);
    expect(await typesOf(person)).toEqual([...types, "account_created"]);
  });

  test("what an administrator did: shown, without the administrator's address and browser", async () => {
    const person = await world.person();
    const { token: value } = await world.administrator();
    const context = { address: "192.0.2.7", userAgent: "Mozilla/5.0 (X11; Linux) Firefox/140.0" };
    const { actor } = await world.auth.sessions.verify({ token: value, transport: token, context });
    await world.auth.sessions.revoke({ actor, sessionId: person.session.id });
    expect(await newest(person)).toMatchObject({
      type: "session_ended",
      by: "administrator",
      address: null,
      userAgent: null,
    });
    await world.auth.credentials.suspend({ actor, credentialId: person.credentialId });
    expect((await newest(person)).type).toBe("credential_suspended");
    expect(JSON.stringify(await list(person))).not.toContain("192.0.2.7");
  });

  test("what an organization's owner does to a member: shown to the member, not to the owner", async () => {
    const { form, join } = organizationsIn(world);
    const owner = await form();
    const member = await join(owner.organizationId, "member");
    const asked = { actor: owner.actor, membershipId: member.membershipId };
    await world.auth.memberships.suspend(asked);
    await world.auth.memberships.reinstate(asked);
    const { id } = await world.auth.memberships.changeRole({ ...asked, role: "guest" });
    await world.auth.memberships.remove({ ...asked, membershipId: id });
    expect(await typesOf(member)).toEqual([
      "membership_ended",
      "membership_role_changed",
      "membership_reinstated",
      "membership_suspended",
      "membership_added",
      "account_created",
    ]);
    expect(await newest(member)).toMatchObject({ by: "administrator", address: null, userAgent: null });
    expect(await typesOf(owner)).toEqual(["organization_created", "account_created"]);
    const heir = await join(owner.organizationId, "member");
    const { organizationId, membershipId: fromMembershipId } = owner;
    const { from } = await world.auth.memberships.transferOwnership({
      actor: owner.actor,
      organizationId,
      fromMembershipId,
      toMembershipId: heir.membershipId,
    });
    await world.auth.memberships.leave({ actor: owner.actor, membershipId: from.id });
    expect(await typesOf(owner)).toEqual([
      "membership_ended",
      "ownership_handed_over",
      "organization_created",
      "account_created",
    ]);
  });

  test("what the application did: shown as the application's", async () => {
    const person = await world.person();
    await world.auth.users.suspend({ actor: system, userId: person.userId });
    expect(await newest(person)).toMatchObject({ type: "account_suspended", by: "application", address: null });
  });

  test("a failed sign-in: shown with the address and the browser of the attempt", async () => {
    const person = await world.person();
    const context = { address: "198.51.100.9", userAgent: "curl/8.5.0" };
    await outcome(world.auth.signIn.password({ identifier: person.identifier, password: otherPassword, context }));
    expect(await newest(person)).toMatchObject({
      type: "sign_in_failed",
      by: "unknown",
      address: "198.51.100.9",
      userAgent: "curl/8.5.0",
    });
  });

  test("past the limit, sign-ins fail without further events", async () => {
    const person = await world.person();
    for (let time = 0; time < 15; time++) {
      await outcome(world.auth.signIn.password({ identifier: person.identifier, password: otherPassword }));
    }
    expect((await typesOf(person)).filter((type) => type === "sign_in_failed")).toHaveLength(10);
  });

  test("S41: an administrator's acts on other accounts are no part of their own activity", async () => {
    const [administrator, person] = [await world.administrator(), await world.person()];
    const before = await typesOf(administrator);
    const { actor } = administrator;
    await world.auth.users.get({ actor, userId: person.userId });
    await world.auth.sessions.revoke({ actor, sessionId: person.session.id });
    await world.auth.users.suspend({ actor, userId: person.userId });
    expect(await typesOf(administrator)).toEqual(before);
  });

  test("S41: a refused attempt at another user's object shows in neither activity", async () => {
    const [thief, owner] = [await world.person(), await world.person()];
    const before = [await typesOf(thief), await typesOf(owner)];
    const { actor } = thief;
    expect(await outcome(world.auth.sessions.revoke({ actor, sessionId: owner.session.id }))).toBe("not_found");
    expect(await outcome(world.auth.credentials.revoke({ actor, credentialId: owner.credentialId }))).toBe("not_found");
    expect([await typesOf(thief), await typesOf(owner)]).toEqual(before);
  });

  test("an identifier that another account has had: its new owner sees nothing from before", async () => {
    const identifier = freshIdentifier();
    const first = await world.person({ identifier });
    await outcome(world.auth.signIn.password({ identifier, password: otherPassword }));
    await world.auth.users.revoke({ actor: system, userId: first.userId });
    const second = await world.person({ identifier });
    await outcome(world.auth.signIn.password({ identifier, password: otherPassword }));
    expect(await typesOf(second)).toEqual(["sign_in_failed", "account_created"]);
    expect((await typesOf(first)).filter((type) => type === "sign_in_failed")).toHaveLength(1);
  });

  test("S41: another user's activity is not found; an administrator may read it, which leaves an event", async () => {
    const [person, other, administrator] = [await world.person(), await world.person(), await world.administrator()];
    const { userId } = person;
    expect(await outcome(world.auth.activity.list({ actor: other.actor, userId }))).toBe("not_found");
    expect(await outcome(world.auth.activity.list({ actor: other.actor, userId: generateId("usr") }))).toBe(
      "not_found",
    );
    await world.auth.activity.list({ actor: person.actor, userId });
    expect(await world.events({ target: userId, action: listActivity.action })).toEqual([]);
    await world.auth.activity.list({ actor: administrator.actor, userId });
    expect(await world.events({ target: userId, action: listActivity.action })).toMatchObject([
      { outcome: "success", actorUserId: uuidFor("usr", administrator.userId) },
    ]);
    expect((await typesOf(person)).length).toBe(1);
  });

  test("pages: each event once, newest first, in any size", async () => {
    const person = await world.person();
    for (let time = 0; time < 5; time++) await world.signIn(person);
    const whole = await list(person);
    expect(whole).toHaveLength(6);
    for (const limit of [1, 2, 5, 6]) {
      const seen: ActivityEvent[] = [];
      let cursor: string | undefined;
      do {
        const page = await world.auth.activity.list({ actor: person.actor, userId: person.userId, limit, cursor });
        expect(page.data.length).toBeLessThanOrEqual(limit);
        seen.push(...page.data);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(seen).toEqual(whole);
    }
  });

  test.each(["", "1", generateId("usr"), "aud_x", "x".repeat(100_000)])(
    "a cursor that no page gave: %.20s",
    async (cursor) => {
      const { actor, userId } = await world.person();
      expect(await outcome(world.auth.activity.list({ actor, userId, cursor }))).toBe("invalid_format.cursor");
    },
  );

  test("the trigger takes events of an application in any form", async () => {
    const person = await world.person();
    const odd = [
      ["login", "login_x", '{"user": "no uuid"}'],
      ["login", "login_x", '{"user": {"a": 1}}'],
      ["usr", "usr_1", "{}"],
      ["cred", "", "{}"],
      ["ses", "ses_zz", "[]"],
      ["order", "7", "{}"],
    ];
    for (const [kind, target, metadata] of odd) {
      await world.rows(sql`
        insert into aud (id, occurred_at, action, target_kind, target_id, outcome, metadata)
        values (gen_random_uuid(), sallyport_now(), 'shop.order', ${kind!}, ${target!}, 'success', ${metadata!}::jsonb)`);
    }
    expect(await typesOf(person)).toEqual(["account_created"]);
  });
});

describeWorld("activity in a long log", { on: ["pglite", "postgres"] }, (world) => {
  /** Events of an account, newer than all others, that are not shown. */
  const addHidden = (userId: UserId, count: number) =>
    world.rows(sql`
      insert into aud (id, occurred_at, actor_usr_id, action, target_kind, target_id, outcome)
      select ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, sallyport_now(), ${uuidFor("usr", userId)}::uuid,
        'shop.order', 'order', n::text, 'success'
      from generate_series(1, ${count}::int) n`);

  test("a page reads a bounded number of events and says that others follow", async () => {
    const person = await world.person();
    await addHidden(person.userId, 2 * mostEventsRead);
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await world.auth.activity.list({ actor: person.actor, userId: person.userId, cursor });
      sizes.push(page.data.length);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(sizes).toEqual([0, 0, 1]);
  });

  test("a page reads a range of one index: its work does not grow with the log", async () => {
    const person = await world.person();
    for (let time = 0; time < 3; time++) await world.signIn(person);
    const rows = (from: number, to: number) =>
      world.rows(sql`
        insert into aud (id, occurred_at, actor_usr_id, action, target_kind, target_id, outcome)
        select gen_random_uuid(), sallyport_now(), gen_random_uuid(), 'identity.sign_in', 'login', n::text, 'success'
        from generate_series(${from}::int, ${to}::int) n`);
    const asked = {
      actor: person.actor,
      auditId: uuidFor("aud", generateId("aud")),
      userId: uuidFor("usr", person.userId),
    };
    const read = async () => {
      const statement = selectActivity({ ...asked, shown: shownEvents(), before: undefined, limit: 50 });
      const plan = JSON.stringify(
        await world.rows(sql`explain (analyze, buffers, costs off, timing off) ${statement}`),
      );
      expect(plan).toContain("aud_subject");
      expect(plan).not.toContain("Seq Scan on aud");
      // The line of the plan's root: hit and read pages of the whole statement.
      return [...plan.matchAll(/shared (?:hit|read)=(\d+)/g)].map(([, pages]) => Number(pages))[0]!;
    };
    await rows(1, 1_000);
    await world.rows(sql`analyze aud`);
    const short = await read();
    await rows(1_001, 40_000);
    await world.rows(sql`analyze aud`);
    await read();
    const long = await read();
    expect(long).toBeLessThanOrEqual(short + 20);
    expect(long).toBeLessThan(120);
  });
});

import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { SignUpMode } from "../../src/engine/core.ts";
import { accounts } from "../../src/http/features/accounts.ts";
import { invitations } from "../../src/http/features/invitations.ts";
import { passwords } from "../../src/http/features/passwords.ts";
import { signUp } from "../../src/http/features/sign-up.ts";
import { createAuth } from "../../src/operations/auth.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  quickDecoy,
  secret,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { invited } from "../support/invitations.ts";
import { mailed } from "../support/links.ts";

const invalid = "unauthorized.invalid_link";
const taken = "conflict.duplicate_credential";

describeWorld(
  "S10: invitations to the deployment",
  { on: ["pglite", "postgres"], auth: { signUp: "invited" } },
  (world) => {
    const accept = (token: string, more: { password?: string; displayName?: string | null } = {}) =>
      world.auth.invitations.accept({ token, password: goodPassword, ...more, context: { address: freshAddress() } });
    const create = (identifier: string, more: object = {}) =>
      world.auth.invitations.create({ actor: system, identifier, ...more });
    const usersOf = async (identifier: string) =>
      await world.rows(sql`select usr_id from cred where identifier = ${identifier}`);
    const open = () => world.isolate({ signUp: "open" });
    const person = async (identifier = freshIdentifier()) => {
      const made = await open().signUp({ identifier, password: goodPassword, context: { address: freshAddress() } });
      const { actor } = await world.auth.sessions.verify({ token: made.token, transport: "token" });
      return { identifier, actor, userId: made.user.id, session: made.session, token: made.token };
    };
    const administrator = async () => {
      const one = await person();
      await world.makeAdministrator(one.userId);
      await world.levelTwo(one.session);
      return one;
    };

    describe("accepting", () => {
      test("S10: the mailed link makes an account with a verified address and a session", async () => {
        const { identifier, mailedToken } = await invited(world, { displayName: "Ada" });
        expect(await usersOf(identifier)).toEqual([]);
        const account = await accept(mailedToken);
        expect(account.user).toMatchObject({ displayName: "Ada", status: "active" });
        const { user } = await world.auth.sessions.verify({ token: account.token, transport: "token" });
        expect(user).toMatchObject({ identifier, identifierVerified: true });
        expect(await outcome(world.auth.signIn.password({ identifier, password: goodPassword }))).toBe("done");
      });

      test("S10: who copies the link for another's address gets an account whose address is not verified", async () => {
        const { identifier, token, mailedToken } = await invited(world, { identifier: "Victim@Example.COM" });
        expect(identifier).toBe("Victim@Example.COM");
        const account = await accept(token, { displayName: "Eve" });
        const { user } = await world.auth.sessions.verify({ token: account.token, transport: "token" });
        expect(user).toMatchObject({ identifier: "victim@example.com", identifierVerified: false, displayName: "Eve" });
        // The mailbox does not get the account by the invitation, and takes it back by a new password.
        expect(await outcome(accept(mailedToken))).toBe(invalid);
        const { token: reset } = await mailed(world, "reset", "victim@example.com");
        await world.auth.passwordReset.confirm({ token: reset, password: otherPassword });
        expect(await outcome(world.auth.sessions.verify({ token: account.token, transport: "token" }))).toBe(
          "unauthorized.session_expired",
        );
      });

      test.each(["token", "mailedToken"] as const)("once: after the %s, both are dead", async (first) => {
        const made = await invited(world);
        expect(await outcome(accept(made[first]))).toBe("done");
        for (const secretOf of [made.token, made.mailedToken]) expect(await outcome(accept(secretOf))).toBe(invalid);
        expect(await usersOf(made.identifier)).toHaveLength(1);
        const [row] = await world.rows<{ status: string; hasUser: boolean }>(sql`
        select status, usr_id is not null as "hasUser" from deployment_invitation where identifier = ${made.identifier}`);
        expect(row).toEqual({ status: "accepted", hasUser: true });
      });

      test("the name: the invitation's, one's own, or none", async () => {
        const names: unknown[] = [];
        for (const displayName of [undefined, "Grace", null]) {
          const { token } = await create(freshIdentifier(), { displayName: "Ada" });
          names.push((await accept(token, displayName === undefined ? {} : { displayName })).user.displayName);
        }
        expect(names).toEqual(["Ada", "Grace", null]);
      });

      test("a session of the browser ends, so that none is carried into the account", async () => {
        const before = await person();
        const { token } = await create(freshIdentifier());
        const presented = { token: before.token, transport: "token" } as const;
        await world.auth.invitations.accept({ token, password: goodPassword, presentedToken: before.token });
        expect(await outcome(world.auth.sessions.verify(presented))).toBe("unauthorized.session_expired");
      });

      test.each<[SignUpMode, string]>([
        ["closed", "forbidden.sign_up_closed"],
        ["invited", "done"],
        ["verify-first", "done"],
        ["open", "done"],
      ])("in the mode %s: %s", async (mode, expected) => {
        const { token } = await create(freshIdentifier());
        const { invitations: those } = world.isolate({ signUp: mode });
        const account = { token, password: goodPassword };
        expect(await outcome(those.look({ token }))).toBe(expected);
        expect(await outcome(those.create({ actor: system, identifier: freshIdentifier() }))).toBe(expected);
        expect(await outcome(those.accept.plan(account))).toBe(expected);
        expect(await outcome(those.accept(account))).toBe(expected);
      });

      test("S39: strangers are refused as before", async () => {
        const stranger = world.auth.signUp({ identifier: freshIdentifier(), password: goodPassword });
        expect(await outcome(stranger)).toBe("forbidden.sign_up_closed");
      });

      test("an account that was made in the meantime keeps the address", async () => {
        const { identifier, token, mailedToken } = await invited(world);
        await person(identifier);
        for (const either of [token, mailedToken]) expect(await outcome(accept(either))).toBe(taken);
        expect(await usersOf(identifier)).toHaveLength(1);
      });

      test.each<[string, { password?: string; displayName?: string }, string]>([
        ["a short password", { password: "tuldnbfp" }, "invalid_format.password"],
        ["an enormous password", { password: "x".repeat(2_000) }, "invalid_format.password"],
        ["an enormous name", { displayName: "x".repeat(100_000) }, "invalid_format.name"],
        ["a name with NUL", { displayName: "a\0b" }, "invalid_format.text"],
      ])("%s makes nothing, and the link still works", async (_case, more, code) => {
        const { invitation, token } = await create(freshIdentifier());
        expect(await outcome(accept(token, more))).toBe(code);
        expect(await usersOf(invitation.identifier)).toEqual([]);
        expect(await outcome(accept(token))).toBe("done");
      });

      test("S58: an unknown, used, revoked, renewed, expired or forsaken secret: the same answer and the same work", async () => {
        const used = await create(freshIdentifier());
        await accept(used.token);
        const revoked = await create(freshIdentifier());
        await world.auth.invitations.revoke({ actor: system, invitationId: revoked.invitation.id });
        const renewed = await create(freshIdentifier());
        await create(renewed.invitation.identifier);
        const expired = await create(freshIdentifier());
        await world.rows(sql`
        update deployment_invitation set expires_at = sallyport_now()
        where id = ${uuidFor("join", expired.invitation.id)}::uuid`);
        const former = await administrator();
        const forsaken = await world.auth.invitations.create({ actor: former.actor, identifier: freshIdentifier() });
        await administrator();
        await world.auth.administrators.remove({ actor: system, userId: former.userId });
        const dead = { unknown: "A".repeat(43), used, revoked, renewed, expired, forsaken };
        const seen: unknown[] = [];
        for (const one of Object.values(dead)) {
          const token = typeof one === "string" ? one : one.token;
          world.counting.reset();
          world.hasher.reset();
          const codes = [await outcome(accept(token)), await outcome(world.auth.invitations.look({ token }))];
          seen.push([...codes, world.counting.requests, world.hasher.computations]);
        }
        expect(seen).toEqual(Object.keys(dead).map(() => [invalid, invalid, 2, 0]));
      });

      test.each(["", "x", "A".repeat(42), `pat_${"A".repeat(39)}`, "é".repeat(43), "A".repeat(1_000_000), "\0"])(
        "a malformed secret (%#) is refused unread",
        async (token) => {
          world.counting.reset();
          expect(await outcome(accept(token))).toBe(invalid);
          expect(await outcome(world.auth.invitations.look({ token }))).toBe(invalid);
          expect(world.counting.requests).toBe(0);
        },
      );

      test("S57: passwords beside one secret are hashed ten times", async () => {
        const { token } = await create(freshIdentifier());
        const busy = world.isolate({ passwordHasher: world.hasher, isCompromisedPassword: async () => true });
        const codes: string[] = [];
        for (let time = 0; time < 12; time++) {
          const context = { address: freshAddress() };
          codes.push(await outcome(busy.invitations.accept({ token, password: goodPassword, context })));
        }
        expect(tally(codes)).toEqual({ "invalid_format.password": 10, too_many_requests: 2 });
      });

      test("S03: a plan commits the application's own row with the account, or neither", async () => {
        await world.rows(sql`create table if not exists profile (usr_id uuid primary key references usr (id))`);
        const { token } = await create(freshIdentifier());
        const plan = () => world.auth.invitations.accept.plan({ token, password: goodPassword });
        const failing = await plan();
        await expect(world.auth.batch([failing, sql`insert into missing_table values (1)`])).rejects.toThrow();
        const planned = await plan();
        const userId = uuidFor("usr", planned.known.userId);
        const [account] = await world.auth.batch([planned, sql`insert into profile values (${userId}::uuid)`]);
        expect(account.user.id).toBe(planned.known.userId);
        expect(await outcome(plan())).toBe(invalid);
      });

      test("its event names the invitation, the user, the session and the kind of secret", async () => {
        const { invitation, mailedToken } = await invited(world);
        const { user, session } = await accept(mailedToken);
        const [event] = await world.events({ action: "identity.deployment_invitation.accept", target: invitation.id });
        expect(event).toMatchObject({
          outcome: "success",
          actorUserId: uuidFor("usr", user.id),
          metadata: { mailed: true, session: session.id },
        });
      });
    });

    describe("the inviter's rights are those of the moment of acceptance", () => {
      test.each<[string, (userId: `usr_${string}`) => Promise<unknown>, string]>([
        ["still an administrator", async () => undefined, "done"],
        ["no longer one", (userId) => world.auth.administrators.remove({ actor: system, userId }), invalid],
        ["suspended", (userId) => world.auth.users.suspend({ actor: system, userId }), invalid],
        ["closed", (userId) => world.auth.users.revoke({ actor: system, userId }), invalid],
      ])("S10: %s: %s", async (_case, change, expected) => {
        await administrator();
        const inviter = await administrator();
        const { token, mailedToken } = await invited(world, { actor: inviter.actor });
        await change(inviter.userId);
        expect(await outcome(accept(token))).toBe(expected);
        expect(await outcome(accept(mailedToken))).toBe(invalid);
      });

      test("S10: rights that end after the reservation are seen by the statement that accepts", async () => {
        await administrator();
        const inviter = await administrator();
        const { token } = await world.auth.invitations.create({ actor: inviter.actor, identifier: freshIdentifier() });
        const planned = await world.auth.invitations.accept.plan({ token, password: goodPassword });
        await world.auth.administrators.remove({ actor: system, userId: inviter.userId });
        expect(await outcome(world.auth.batch([planned]))).toBe(invalid);
      });

      test("S10: another administrator who renews it stands for it", async () => {
        const [first, second] = [await administrator(), await administrator()];
        const made = await invited(world, { actor: first.actor });
        await world.auth.administrators.remove({ actor: system, userId: first.userId });
        const renewed = await invited(world, { actor: second.actor, identifier: made.identifier });
        expect(renewed.invitation).toMatchObject({ id: made.invitation.id, invitedBy: second.userId });
        for (const old of [made.token, made.mailedToken]) expect(await outcome(accept(old))).toBe(invalid);
        expect(await outcome(accept(renewed.mailedToken))).toBe("done");
      });

      test("the application's has no inviter, and stays", async () => {
        const { invitation, token } = await create(freshIdentifier());
        expect(invitation.invitedBy).toBeNull();
        expect(await outcome(accept(token))).toBe("done");
      });
    });

    describe("creating", () => {
      test("the answer, the message and the database: only the message has its secret", async () => {
        const inviter = await administrator();
        const identifier = freshIdentifier();
        const made = await world.auth.invitations.create({ actor: inviter.actor, identifier, displayName: "Ada" });
        expect(made.invitation).toMatchObject({
          identifier,
          displayName: "Ada",
          status: "pending",
          mailed: true,
          invitedBy: inviter.userId,
          userId: null,
          endedAt: null,
        });
        expect(made.url).toBe(`https://example.com/invitation?token=${made.token}`);
        const dump = async () => {
          const [row] = await world.rows<{ all: string }>(sql`
          select (select string_agg(i::text, '') from deployment_invitation i) || (select string_agg(m::text, '') from mail_message m)
            || (select string_agg(a::text, '') from aud a) as all`);
          return row!.all;
        };
        const before = await dump();
        await world.auth.mail.deliver();
        await world.mailbox.arrival(identifier);
        const secretOfMail = world.mailbox.secretTo(identifier);
        const { subject, text } = world.mailbox.newestTo(identifier);
        expect(subject).toBe("You are invited to example.com");
        expect(text).toContain(`https://example.com/invitation?token=${secretOfMail}`);
        expect(secretOfMail).not.toBe(made.token);
        expect(JSON.stringify([made, await world.auth.invitations.list({ actor: inviter.actor })])).not.toContain(
          secretOfMail,
        );
        for (const stored of [before, await dump()]) {
          expect(stored).not.toContain(secretOfMail);
          expect(stored).not.toContain(made.token);
        }
        const events = await world.events({ target: made.invitation.id });
        expect(events.map(({ action, metadata }) => [action, metadata])).toEqual([
          ["identity.deployment_invitation.create", { again: false, mailed: true }],
        ]);
      });

      test("again: one invitation of an address, both secrets are new, and the old message is not sent", async () => {
        const identifier = freshIdentifier();
        const first = await create(identifier, { displayName: "Ada" });
        const second = await invited(world, { identifier, displayName: "Grace" });
        expect(second.invitation).toMatchObject({ id: first.invitation.id, displayName: "Grace" });
        expect(world.mailbox.messages.filter(({ to }) => to === identifier)).toHaveLength(1);
        expect(await outcome(accept(first.token))).toBe(invalid);
        expect(await outcome(accept(second.token))).toBe("done");
        const events = await world.events({
          target: first.invitation.id,
          action: "identity.deployment_invitation.create",
        });
        expect(events.map(({ metadata }) => metadata.again)).toEqual([false, true]);
      });

      test("S79: a key makes one invitation: a form that is sent twice neither renews it nor mails again", async () => {
        const inviter = await administrator();
        const identifier = freshIdentifier();
        const make = () => create(identifier, { actor: inviter.actor, idempotencyKey: "form-1" });
        const { token } = await make();
        expect(await outcome(make())).toBe("conflict.idempotency_key_used");
        expect(await outcome(create(identifier, { actor: inviter.actor, idempotencyKey: "ä" }))).toBe(
          "invalid_format.idempotency_key",
        );
        expect(await outcome(accept(token))).toBe("done");
        await world.auth.mail.deliver();
        expect(world.mailbox.messages.filter(({ to }) => to === identifier)).toEqual([]);
      });

      test("who may invite: administrators, also long after their proof, and the application", async () => {
        const [stranger, one] = [await person(), await administrator()];
        await world.rows(sql`
        update ses set created_at = created_at - interval '1 hour', mfa_verified_at = sallyport_now() - interval '31 minutes'
        where id = ${uuidFor("ses", one.session.id)}::uuid`);
        const answers = [];
        for (const actor of [stranger.actor, one.actor, system]) {
          answers.push(await world.auth.invitations.mayInvite({ actor }));
        }
        expect(answers).toEqual([false, true, true]);
        await world.auth.sessions.signOut({ token: one.token, transport: "token" });
        expect(await world.auth.invitations.mayInvite({ actor: one.actor })).toBe(false);
      });

      test("S38: other spellings of an address are the same invitation", async () => {
        const name = freshIdentifier();
        const first = await create(name);
        const spelled = ` ${name.toUpperCase().replace(/@(.*)$/, "@$1.")} `;
        expect((await create(spelled)).invitation).toMatchObject({ id: first.invitation.id, identifier: name });
        expect(await outcome(accept(first.token))).toBe(invalid);
      });

      test("S38: a spelling that another SDK stored for an account is taken", async () => {
        const { identifier } = await person();
        await world.rows(sql`update cred set identifier = upper(identifier) where identifier = ${identifier}`);
        expect(await outcome(create(identifier))).toBe(taken);
      });

      test("an address that has an account is refused, and nothing is mailed or made", async () => {
        const active = await person();
        const suspended = await person();
        await world.auth.credentials.suspend({ actor: system, credentialId: suspended.session.credentialId });
        await world.auth.mail.deliver();
        const inviter = await administrator();
        const before = world.mailbox.messages.length;
        for (const { identifier } of [active, suspended]) {
          expect(await outcome(create(identifier, { actor: inviter.actor }))).toBe(taken);
          expect(await world.rows(sql`select from deployment_invitation where identifier = ${identifier}`)).toEqual([]);
        }
        await world.auth.mail.deliver();
        expect(world.mailbox.messages).toHaveLength(before);
      });

      test("an address gets at most five an hour, and what is refused makes nothing", async () => {
        const identifier = freshIdentifier();
        const codes: string[] = [];
        for (let time = 0; time < 7; time++) codes.push(await outcome(create(identifier)));
        expect(tally(codes)).toEqual({ done: 5, too_many_requests: 2 });
        const events = await world.events({ action: "identity.deployment_invitation.create" });
        expect(events.filter((event) => event.outcome === "denied" && event.actorUserId === null)).toHaveLength(1);
      });

      test("an administrator makes as many as an address limit allows; the application makes any number", async () => {
        const limited = world.isolate({ limits: { address: { attempts: 3, windowSeconds: 60 } } });
        const inviter = await administrator();
        const codes: string[] = [];
        for (let time = 0; time < 5; time++) {
          const identifier = freshIdentifier();
          codes.push(await outcome(limited.invitations.create({ actor: inviter.actor, identifier })));
          expect(await outcome(limited.invitations.create({ actor: system, identifier: freshIdentifier() }))).toBe(
            "done",
          );
        }
        expect(tally(codes)).toEqual({ done: 3, too_many_requests: 2 });
      });

      test("a user name gets no message, only the link to copy", async () => {
        const name = `ada-${freshIdentifier().split("@")[0]}`;
        const { invitation, token } = await create(name);
        expect(invitation).toMatchObject({ identifier: name, mailed: false });
        expect(await outcome(accept(token))).toBe("done");
      });

      test.each([
        "",
        " ",
        "ä@example.com",
        "ada@127.0.0.1",
        `${"a".repeat(300)}@example.com`,
        "a".repeat(1_000_000),
        "a\0b",
      ])("an identifier that no account may have (%#) is refused", async (identifier) => {
        expect(await outcome(create(identifier))).toBe("invalid_format.identifier");
      });

      test.each(["ada@example.com,eve@example.com", "<ada@example.com>", "a@b@c.example"])(
        "R029: %j gets no message",
        async (identifier) => {
          expect((await create(identifier).catch(() => undefined))?.invitation.mailed ?? false).toBe(false);
        },
      );

      test.each([59, 60.5, 30 * 86_400 + 1, Number.NaN, -1, Number.POSITIVE_INFINITY])(
        "a lifetime of %d seconds is refused",
        async (ttlSeconds) => {
          await expect(create(freshIdentifier(), { ttlSeconds })).rejects.toThrow(RangeError);
        },
      );

      test.each([
        [undefined, 7 * 86_400],
        [60, 60],
        [30 * 86_400, 30 * 86_400],
      ])("ttlSeconds %d: it lasts %d seconds", async (ttlSeconds, seconds) => {
        const { invitation } = await create(freshIdentifier(), { ttlSeconds });
        const [row] = await world.rows<{ seconds: number }>(sql`
        select extract(epoch from expires_at - created_at)::int as seconds from deployment_invitation
        where id = ${uuidFor("join", invitation.id)}::uuid`);
        expect(row!.seconds).toBe(seconds);
      });

      test.each([
        [{ lifetimeSeconds: 59 }, /lifetimeSeconds/],
        [{ lifetimeSeconds: 30 * 86_400 + 1 }, /lifetimeSeconds/],
        [{ linkPath: "https://evil.example/" }, /linkPath/],
        [{ linkPath: "//evil.example/" }, /linkPath/],
        [{ linkPath: "/a?b" }, /linkPath/],
      ])("the options %j are refused by name", async (options, name) => {
        const { invitations: those } = world.isolate({ invitations: options });
        await expect(those.create({ actor: system, identifier: freshIdentifier() })).rejects.toThrow(name);
      });

      test("another path serves both links", async () => {
        const other = world.isolate({ invitations: { linkPath: "/app/welcome" } });
        const identifier = freshIdentifier();
        const { url } = await other.invitations.create({ actor: system, identifier });
        expect(url).toMatch(/^https:\/\/example\.com\/app\/welcome\?token=/);
        await world.auth.mail.deliver();
        await world.mailbox.arrival(identifier);
        expect(world.mailbox.newestTo(identifier).text).toContain("https://example.com/app/welcome?token=");
      });

      test("without the feature mail, there is only the link to copy", async () => {
        const plain = createAuth({
          database: world.database,
          secrets: secret,
          origins: ["https://example.com"],
          clientAddress: () => undefined,
          features: [
            passwords({ hasher: world.hasher, decoyHash: quickDecoy }),
            signUp({ mode: "invited" }),
            accounts(),
            invitations(),
          ],
        });
        const owed = async () => (await world.rows(sql`select from mail_message where status = 'owed'`)).length;
        const before = await owed();
        const { invitation, token } = await plain.invitations.create({ actor: system, identifier: freshIdentifier() });
        expect([invitation.mailed, await owed()]).toEqual([false, before]);
        const { user } = await plain.sessions.verify({
          token: (await plain.invitations.accept({ token, password: goodPassword })).token,
          transport: "token",
        });
        expect(user.identifierVerified).toBe(false);
      });
    });

    describe("looking, listing and revoking", () => {
      test("looking shows the address and the name, and spends nothing", async () => {
        const { identifier, token, mailedToken } = await invited(world, { displayName: "Ada" });
        for (const either of [token, mailedToken]) {
          expect(await world.auth.invitations.look({ token: either })).toEqual({ identifier, displayName: "Ada" });
        }
        expect(await outcome(accept(mailedToken))).toBe("done");
      });

      test("the list has what is open or expired, in pages", async () => {
        await world.rows(sql`delete from deployment_invitation`);
        const made = [];
        for (let index = 0; index < 4; index++) made.push((await create(freshIdentifier())).invitation);
        await world.auth.invitations.revoke({ actor: system, invitationId: made[1]!.id });
        await world.rows(sql`
        update deployment_invitation set expires_at = sallyport_now() where id = ${uuidFor("join", made[2]!.id)}::uuid`);
        const first = await world.auth.invitations.list({ actor: system, limit: 2 });
        const rest = await world.auth.invitations.list({ actor: system, limit: 2, cursor: first.nextCursor! });
        expect([...first.data, ...rest.data].map(({ id, status }) => [id, status])).toEqual([
          [made[0]!.id, "pending"],
          [made[2]!.id, "expired"],
          [made[3]!.id, "pending"],
        ]);
        expect(rest.nextCursor).toBeNull();
        const wrong = world.auth.invitations.list({ actor: system, cursor: made[0]!.id.replace("join", "usr") });
        expect(await outcome(wrong)).toBe("invalid_format.cursor");
      });

      test("revoking ends both links and the message, and can be repeated", async () => {
        const identifier = freshIdentifier();
        const { invitation, token } = await create(identifier);
        const revoke = () => world.auth.invitations.revoke({ actor: system, invitationId: invitation.id });
        const revoked = await revoke();
        expect(revoked).toMatchObject({ id: invitation.id, status: "revoked" });
        expect(await revoke()).toEqual(revoked);
        await world.auth.mail.deliver();
        expect(world.mailbox.messages.filter(({ to }) => to === identifier)).toEqual([]);
        expect(await outcome(accept(token))).toBe(invalid);
        expect(
          await world.events({ action: "identity.deployment_invitation.revoke", target: invitation.id }),
        ).toHaveLength(1);
        // The address is free for a new invitation.
        expect((await create(identifier)).invitation.id).not.toBe(invitation.id);
      });

      test("one that was accepted stays accepted", async () => {
        const { invitation, token } = await create(freshIdentifier());
        const { user } = await accept(token);
        const after = await world.auth.invitations.revoke({ actor: system, invitationId: invitation.id });
        expect(after).toMatchObject({ status: "accepted", userId: user.id });
      });

      test("a purge removes what ended a month ago, and nothing else", async () => {
        const [old, recent, live] = [
          await create(freshIdentifier()),
          await create(freshIdentifier()),
          await create(freshIdentifier()),
        ];
        for (const { invitation } of [old, recent]) {
          await world.auth.invitations.revoke({ actor: system, invitationId: invitation.id });
        }
        await world.rows(sql`
        update deployment_invitation set ended_at = ended_at - interval '31 days'
        where id = ${uuidFor("join", old.invitation.id)}::uuid`);
        await world.auth.purge();
        const left = await world.rows<{ id: string }>(sql`select id from deployment_invitation`);
        const ids = left.map(({ id }) => id);
        expect(ids).not.toContain(uuidFor("join", old.invitation.id));
        expect(ids).toEqual(
          expect.arrayContaining([recent, live].map(({ invitation }) => uuidFor("join", invitation.id))),
        );
      });
    });
  },
);

import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { Session } from "../../src/domain/session.ts";
import type { IssuedSession } from "../../src/engine/sessions.ts";
import { sql } from "../../src/store/sql.ts";
import { setTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, goodPassword, otherPassword, outcome, type Person } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, appOf, personAt, registrationBy } from "../support/factors.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");
const [hour, week] = [3_600, 7 * 86_400];
const remember = false;

describeWorld("LX11: a session that is not remembered", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  const { withPasskey } = usersWithPasskeys(world);
  const after = (seconds: number) => setTestClock(world.database, new Date(start.getTime() + seconds * 1000));
  const idleOf = async ({ id }: Pick<Session, "id">) =>
    (
      await world.rows<{ idle: number }>(
        sql`select idle_seconds as idle from ses where id = ${uuidFor("ses", id)}::uuid`,
      )
    )[0]!.idle;
  const signIn = async ({ identifier, password }: Person, transport: "cookie" | "token" = "token") => {
    const made = await auth.signIn.password({
      identifier,
      password,
      transport,
      remember,
      context: { address: freshAddress() },
    });
    if (made.mfaRequired) throw new Error("A second factor is demanded.");
    return made;
  };
  const forgotten = async (person: Person): Promise<Person> => await personAt(world, person, await signIn(person));
  const ticketOf = async ({ identifier, password }: Person, choice?: boolean) => {
    const asked = await auth.signIn.password({
      identifier,
      password,
      remember: choice,
      context: { address: freshAddress() },
    });
    if (!asked.mfaRequired) throw new Error("No second factor is demanded.");
    return asked.ticket;
  };

  test("ends after 12 hours without use, to the second; each use begins them again", async () => {
    const [first, second] = [await signIn(await world.person()), await signIn(await world.person())];
    const use = (token: string) => outcome(auth.sessions.verify({ token, transport: "token" }));
    await after(12 * hour - 1);
    expect(await use(first.token)).toBe("done");
    await after(12 * hour);
    expect(await use(first.token)).toBe("done");
    expect(await use(second.token)).toBe("unauthorized.session_expired");
    await after(24 * hour - 2);
    expect(await use(first.token)).toBe("done");
  });

  test("ends at the same time as any other in any case", async () => {
    const person = await world.person();
    const { session } = await signIn(person);
    expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(30 * 86_400_000);
    expect(session.remember).toBe(false);
    expect(await idleOf(session)).toBe(12 * hour);
  });

  test("a session is remembered unless the choice says otherwise", async () => {
    const person = await world.person();
    for (const choice of [{}, { remember: true }, { remember: undefined }]) {
      const made = await auth.signIn.password({ ...person, ...choice, context: { address: freshAddress() } });
      if (made.mfaRequired) throw new Error("A second factor is demanded.");
      expect([made.session.remember, await idleOf(made.session)]).toEqual([true, week]);
    }
  });

  const ways: Record<string, { make: () => Promise<IssuedSession>; idle: number }> = {
    "sign-up": {
      make: () => auth.signUp({ identifier: freshIdentifier(), password: goodPassword, remember }),
      idle: 12 * hour,
    },
    "a planned sign-up": {
      make: async () =>
        (
          await auth.batch([
            await auth.signUp.plan({ identifier: freshIdentifier(), password: goodPassword, remember }),
          ])
        )[0],
      idle: 12 * hour,
    },
    "sign-up with a mailed link": {
      make: async () => {
        const { token } = await mailed(world, "signUp", freshIdentifier());
        return await auth.mailedSignUp.confirm({ token, password: goodPassword, remember });
      },
      idle: 12 * hour,
    },
    "a mailed link": {
      make: async () => {
        const { identifier } = await withVerifiedAddress(world, await world.person());
        const { token } = await mailed(world, "signIn", identifier);
        return (await auth.mailedSignIn.confirm({ token, remember })) as IssuedSession;
      },
      idle: 12 * hour,
    },
    "a passkey, which has less time than that": {
      make: async () => {
        const { authenticator } = await withPasskey();
        const response = await authenticator.get(await auth.signIn.passkeyOptions());
        return await auth.signIn.passkey({ response, remember });
      },
      idle: hour,
    },
    "a ticket": {
      make: async () => {
        const { ticket, userId, credentialId } = await auth.verifyPassword({ ...(await world.person()), remember });
        return await auth.sessions.create({ ticket, userId, credentialId });
      },
      idle: 12 * hour,
    },
    "a second factor after the password": {
      make: async () => {
        const { app, person } = await addApp(world, await world.person());
        const ticket = await ticketOf(person, remember);
        return await auth.signIn.factor({ ticket, proof: { type: "totp", code: await app.code() } });
      },
      idle: hour,
    },
    "a second factor, then the better ticket": {
      make: async () => {
        const { app, person } = await addApp(world, await world.person());
        const { userId, credentialId } = person;
        const proof = { type: "totp", code: await app.code() } as const;
        const { ticket } = await auth.verifyMfa({ ticket: await ticketOf(person, remember), userId, proof });
        return await auth.sessions.create({ ticket, userId, credentialId });
      },
      idle: hour,
    },
    "a factor that had to be set up first": {
      make: async () => {
        const person = await world.person();
        await world.requireFactor(person.userId, new Date(start.getTime() + 3_600_000));
        await world.rows(
          sql`update usr_mfa_policy set grace_until = null where usr_id = ${uuidFor("usr", person.userId)}::uuid`,
        );
        const ticket = await ticketOf(person, remember);
        const app = appOf(world, await auth.factors.enrollTotp({ ticket, label: "phone" }));
        return await auth.factors.confirmTotp({
          ticket,
          transport: "token",
          factorId: app.factorId,
          code: await app.code(-1),
        });
      },
      idle: hour,
    },
  };

  test.each(Object.entries(ways))("after %s: not remembered", async (_way, { make, idle }) => {
    const { session } = await make();
    expect([session.remember, await idleOf(session)]).toEqual([false, idle]);
  });

  test("the ticket of a remembered sign-in makes a remembered session", async () => {
    const { app, person } = await addApp(world, await world.person());
    const ticket = await ticketOf(person);
    const { session } = await auth.signIn.factor({ ticket, proof: { type: "totp", code: await app.code() } });
    expect(session.remember).toBe(true);
  });

  const heirs: Record<string, (person: Person) => Promise<{ session: Session }>> = {
    "a refresh": ({ token, transport }) => auth.sessions.refresh({ token, transport }),
    "two refreshes": async ({ token, transport }) =>
      await auth.sessions.refresh({ token: (await auth.sessions.refresh({ token, transport })).token, transport }),
    "a step-up": ({ actor, transport, password }) =>
      auth.stepUp({ actor, transport, proof: { type: "password", password } }),
    "a password change": ({ actor, transport, password }) =>
      auth.changePassword({ actor, transport, currentPassword: password, newPassword: otherPassword }),
    "the confirmation of a factor": async (person) => (await addApp(world, person)).person,
    "the registration of a passkey": async (person) => {
      const { actor, transport } = person;
      const response = await registrationBy(world, person, await newAuthenticator());
      return await auth.passkeys.register({ actor, transport, response });
    },
  };

  test.each(Object.entries(heirs))("goes on as it is through %s; a remembered one too", async (_way, act) => {
    const person = await world.person();
    expect((await act(await forgotten(person))).session.remember).toBe(false);
    const other = await world.person();
    expect((await act(other)).session.remember).toBe(true);
  });

  test("12 hours are the limit after a refresh as well", async () => {
    const { token } = await signIn(await world.person());
    const next = await auth.sessions.refresh({ token, transport: "token" });
    expect(await idleOf(next.session)).toBe(12 * hour);
    await after(12 * hour);
    expect(await outcome(auth.sessions.refresh({ token: next.token, transport: "token" }))).toBe(
      "unauthorized.session_expired",
    );
  });

  test("a configured limit below 12 hours stays", async () => {
    const short = world.isolate({ lifetimes: { level1: { absoluteSeconds: 7_200, idleSeconds: 600 } } });
    const person = await world.person();
    const made = await short.signIn.password({ ...person, remember, context: { address: freshAddress() } });
    expect(await idleOf((made as IssuedSession).session)).toBe(600);
  });
});

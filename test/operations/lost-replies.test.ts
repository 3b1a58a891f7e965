import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  refusal,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, appOf, givenApp, givenPasskey, registrationBy, ticketFor } from "../support/factors.ts";
import { type Fault, type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";
import { holdLock } from "../support/held-lock.ts";

const token = "token" as const;
const unavailable = "unavailable.database";

interface Write {
  name: string;
  /** The event that tells how often it happened. */
  action: string;
  /** How many requests it takes. The last one is the one that changes something. */
  requests: number;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: FullAuth, person: Person, prepared: never) => Promise<unknown>;
  /** What a caller who repeats it after it has happened is told. */
  repeated: string;
  /** Checks what it gave. */
  check?: (world: World, result: never, person: Person) => Promise<void>;
}

const context = () => ({ address: freshAddress() });
const opens = async (world: World, result: { token: string }) =>
  expect(await outcome(world.auth.sessions.verify({ token: result.token, transport: token }))).toBe("done");
const hasStatus = (status: string) => async (_world: World, result: { status: string }) =>
  expect(result.status).toBe(status);
const claimOf = async ({ auth }: World, person: Person) => {
  const { ticket, userId, credentialId } = await auth.verifyPassword({ ...person, context: context() });
  return { ticket, userId, credentialId };
};

/** Somebody with an authenticator app, a code that has not been used, recovery codes, and the ticket of their password. */
const withApp = async (world: World, one: Person) => {
  const { app, person } = await addApp(world, one);
  const { codes } = await world.auth.factors.replaceRecoveryCodes(person);
  const totp = { type: "totp", code: await app.code() } as const;
  const recovery = { type: "recovery", code: codes[4]! } as const;
  return { app, person, ticket: await ticketFor(world, person), totp, recovery };
};
type WithApp = Awaited<ReturnType<typeof withApp>>;

const withPendingApp = async (world: World, { userId }: Person) => {
  const { factorId, code } = await givenApp(world, userId, "pending");
  return { factorId, code: await code(), transport: token };
};
type Confirmation = Awaited<ReturnType<typeof withPendingApp>>;

const factorWrites: readonly Write[] = [
  {
    name: "factors.enrollTotp",
    action: "identity.mfa.enroll",
    requests: 1,
    act: (auth, { actor }) => auth.factors.enrollTotp({ actor, label: "phone" }),
    repeated: "done",
    check: async (world, enrolled: Parameters<typeof appOf>[1], { actor }) => {
      const { factorId, code } = appOf(world, enrolled);
      const confirmation = { actor, transport: token, factorId, code: await code() };
      expect(await outcome(world.auth.factors.confirmTotp(confirmation))).toBe("done");
    },
  },
  {
    name: "factors.confirmTotp",
    action: "identity.mfa.confirm",
    requests: 2,
    prepare: withPendingApp,
    act: (auth, { actor }, confirmation: Confirmation) => auth.factors.confirmTotp({ actor, ...confirmation }),
    repeated: "unauthorized.invalid_token",
    check: async (world, result: { token: string; factor: { status: string } }) => {
      expect(result.factor.status).toBe("active");
      await opens(world, result);
    },
  },
  {
    name: "factors.confirmTotp, by a ticket",
    action: "identity.mfa.confirm",
    requests: 2,
    prepare: async (world, person) => {
      await world.requireFactor(person.userId);
      return { ticket: await ticketFor(world, person), ...(await withPendingApp(world, person)) };
    },
    act: (auth, _person, confirmation: Confirmation & { ticket: string }) =>
      auth.factors.confirmTotp({ context: context(), ...confirmation }),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  },
  ...(["totp", "recovery"] as const).map((type) => ({
    name: `signInWithFactor, ${type}`,
    action: "identity.mfa.verify",
    requests: 2,
    prepare: withApp,
    act: (auth: FullAuth, _person: Person, { ticket, ...made }: WithApp) =>
      auth.signIn.factor({ ticket, proof: made[type], context: context() }),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  })),
  {
    name: "verifyMfa",
    action: "identity.mfa.verify",
    requests: 2,
    prepare: withApp,
    act: (auth, { userId }, { ticket, totp }: WithApp) =>
      auth.verifyMfa({ ticket, userId, proof: totp, context: context() }),
    repeated: "unauthorized.invalid_ticket",
    check: async (world, { ticket }: { ticket: string }, { userId, credentialId }) =>
      expect(await outcome(world.auth.sessions.create({ ticket, userId, credentialId }))).toBe("done"),
  },
  {
    name: "stepUp",
    action: "identity.session.step_up",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { totp, person: { actor } }: WithApp) => auth.stepUp({ actor, transport: token, proof: totp }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "stepUp, with the password",
    action: "identity.session.step_up",
    requests: 2,
    act: (auth, { actor, password }) => auth.stepUp({ actor, transport: token, proof: { type: "password", password } }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "factors.replaceRecoveryCodes",
    action: "identity.mfa.enroll",
    requests: 2,
    prepare: (world, person) => addApp(world, person),
    act: (auth, _person, { person: { actor } }: { person: Person }) => auth.factors.replaceRecoveryCodes({ actor }),
    repeated: "done",
    check: async (world, { codes }: { codes: string[] }, person) => {
      const ticket = await ticketFor(world, person);
      const proof = { type: "recovery", code: codes[0]! } as const;
      expect(await outcome(world.auth.signIn.factor({ ticket, proof, context: context() }))).toBe("done");
    },
  },
  {
    name: "factors.revoke",
    action: "identity.mfa.revoke",
    requests: 1,
    prepare: (world, { userId }) => givenApp(world, userId, "active"),
    act: (auth, _person, { factorId }: { factorId: string }) => auth.factors.revoke({ actor: system, factorId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "mfaPolicies.set",
    action: "identity.mfa_policy.set",
    requests: 1,
    act: (auth, { userId }) => auth.mfaPolicies.set({ actor: system, userId, required: true }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ required: true, graceUntil: null }),
  },
  {
    name: "mfaPolicies.grantEnrollment",
    action: "identity.mfa.grant_enrollment",
    requests: 1,
    act: (auth, { userId }) => auth.mfaPolicies.grantEnrollment({ actor: system, userId }),
    repeated: "done",
  },
  {
    name: "passkeys.register",
    action: "identity.passkey.register",
    requests: 1,
    prepare: async (world, person) => {
      // With a passkey, a password alone is fresh no longer.
      await world.levelTwo(person.session);
      return await registrationBy(world, person, await newAuthenticator());
    },
    act: (auth, { actor }, response: unknown) => auth.passkeys.register({ actor, response, name: "laptop" }),
    repeated: "invalid_format.webauthn",
    check: async (_world, passkey: object) =>
      expect(passkey).toMatchObject({ status: "active", name: "laptop", transports: ["hybrid", "internal"] }),
  },
  {
    name: "passkeys.rename",
    action: "identity.passkey.rename",
    requests: 1,
    prepare: (world, { userId }) => givenPasskey(world, userId),
    act: (auth, { actor }, passkeyId: string) => auth.passkeys.rename({ actor, passkeyId, name: "laptop" }),
    repeated: "done",
    check: async (_world, passkey: object) => expect(passkey).toMatchObject({ name: "laptop" }),
  },
  {
    name: "passkeys.signIn",
    action: "identity.sign_in",
    requests: 2,
    prepare: async (world, person) => {
      const device = await newAuthenticator();
      const response = await registrationBy(world, person, device);
      await world.auth.passkeys.register({ actor: person.actor, response });
      return await device.get(await world.auth.signIn.passkeyOptions());
    },
    act: (auth, _person, response: unknown) => auth.signIn.passkey({ response, context: context() }),
    repeated: "unauthorized.invalid_credential",
    check: opens,
  },
  {
    name: "securityKeys.confirm",
    action: "identity.mfa.confirm",
    requests: 1,
    prepare: async ({ auth }, { actor }) => {
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      return { factorId: factor.id, response: await (await newAuthenticator()).create(options), transport: token };
    },
    act: (auth, { actor }, made: { factorId: string; response: unknown; transport: typeof token }) =>
      auth.securityKeys.confirm({ actor, ...made }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
];

const writes: readonly Write[] = [
  ...factorWrites,
  {
    name: "sign-up",
    action: "identity.sign_up",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, _person, identifier: string) => auth.signUp({ identifier, password: goodPassword, context: context() }),
    repeated: "conflict.duplicate_credential",
    check: opens,
  },
  {
    name: "sign-in",
    action: "identity.sign_in",
    requests: 2,
    act: (auth, person) => auth.signIn.password({ ...person, context: context() }),
    repeated: "done",
    check: opens,
  },
  {
    name: "verifyPassword",
    action: "identity.sign_in",
    requests: 2,
    act: (auth, person) => auth.verifyPassword({ ...person, context: context() }),
    repeated: "done",
    check: async (world, { ticket, userId, credentialId }: { ticket: string; userId: string; credentialId: string }) =>
      expect(await outcome(world.auth.sessions.create({ ticket, userId, credentialId }))).toBe("done"),
  },
  {
    name: "a session for a ticket",
    action: "identity.session.create",
    requests: 1,
    prepare: claimOf,
    act: (auth, _person, claim: Awaited<ReturnType<typeof claimOf>>) => auth.sessions.create(claim),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  },
  {
    name: "refresh",
    action: "identity.session.refresh",
    requests: 1,
    act: (auth, { token: value }) => auth.sessions.refresh({ token: value, transport: token }),
    repeated: "done",
    check: opens,
  },
  {
    name: "sign-out",
    action: "identity.session.sign_out",
    requests: 1,
    act: (auth, { token: value }) => auth.sessions.signOut({ token: value, transport: token }),
    repeated: "done",
  },
  {
    name: "sessions.revoke",
    action: "identity.session.revoke",
    requests: 1,
    prepare: (world, person) => world.signIn(person),
    act: (auth, { actor }, { session }: Person) => auth.sessions.revoke({ actor, sessionId: session.id }),
    repeated: "done",
    check: async (_world, { revokedAt }: { revokedAt: Date | null }) => expect(revokedAt).not.toBeNull(),
  },
  {
    name: "revokeOthers",
    action: "identity.session.revoke_others",
    requests: 1,
    prepare: async (world, person) => [await world.signIn(person), await world.signIn(person)],
    act: (auth, { actor }) => auth.sessions.revokeOthers({ actor }),
    repeated: "done",
    check: async (_world, result: { revoked: number }) => expect(result).toEqual({ revoked: 2 }),
  },
  {
    name: "change of password",
    action: "identity.password.change",
    requests: 2,
    act: (auth, { actor }) =>
      auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: token }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "users.create",
    action: "identity.user.create",
    requests: 1,
    act: (auth) => auth.users.create({ actor: system, displayName: "Ada" }),
    repeated: "done",
    check: async (_world, { displayName }: { displayName: string }) => expect(displayName).toBe("Ada"),
  },
  {
    name: "users.update",
    action: "identity.user.update",
    requests: 1,
    act: (auth, { actor, userId }) => auth.users.update({ actor, userId, displayName: "Ada" }),
    repeated: "done",
    check: async (_world, { displayName }: { displayName: string }) => expect(displayName).toBe("Ada"),
  },
  {
    name: "users.suspend",
    action: "identity.user.suspend",
    requests: 1,
    act: (auth, { userId }) => auth.users.suspend({ actor: system, userId }),
    repeated: "done",
    check: hasStatus("suspended"),
  },
  {
    name: "users.reinstate",
    action: "identity.user.reinstate",
    requests: 1,
    prepare: ({ auth }, { userId }) => auth.users.suspend({ actor: system, userId }),
    act: (auth, { userId }) => auth.users.reinstate({ actor: system, userId }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "users.revoke",
    action: "identity.user.revoke",
    requests: 1,
    act: (auth, { userId }) => auth.users.revoke({ actor: system, userId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "credentials.createPassword",
    action: "identity.credential.create",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, { userId }, identifier: string) =>
      auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword }),
    repeated: "conflict.duplicate_credential",
    check: hasStatus("active"),
  },
  {
    name: "credentials.createOwnPassword",
    action: "identity.credential.create",
    requests: 2,
    prepare: async () => freshIdentifier(),
    act: (auth, { actor, userId }, identifier: string) =>
      auth.credentials.createOwnPassword({
        actor,
        userId,
        identifier,
        password: otherPassword,
        currentPassword: goodPassword,
      }),
    repeated: "conflict.duplicate_credential",
    check: hasStatus("active"),
  },
  {
    name: "credentials.rotatePassword",
    action: "identity.credential.rotate",
    requests: 1,
    act: (auth, { credentialId }) =>
      auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
    repeated: "conflict.credential_not_active",
    check: async (_world, { replaces }: { replaces: string }, { credentialId }) => expect(replaces).toBe(credentialId),
  },
  {
    name: "credentials.rotateOwnPassword",
    action: "identity.credential.rotate",
    requests: 2,
    act: (auth, { actor, credentialId }) =>
      auth.credentials.rotateOwnPassword({
        actor,
        credentialId,
        currentPassword: goodPassword,
        password: otherPassword,
      }),
    repeated: "unauthorized.invalid_token",
    check: async (_world, { replaces }: { replaces: string }, { credentialId }) => expect(replaces).toBe(credentialId),
  },
  {
    name: "credentials.suspend",
    action: "identity.credential.suspend",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    repeated: "done",
    check: hasStatus("suspended"),
  },
  {
    name: "credentials.reinstate",
    action: "identity.credential.reinstate",
    requests: 1,
    prepare: ({ auth }, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    act: (auth, { credentialId }) => auth.credentials.reinstate({ actor: system, credentialId }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "credentials.revoke",
    action: "identity.credential.revoke",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.revoke({ actor: system, credentialId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "administrators.grant",
    action: "authz.administrator.grant",
    requests: 1,
    prepare: (world, { userId }) => world.enroll(userId),
    act: (auth, { userId }) => auth.administrators.grant({ actor: system, userId }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ granted: true }),
  },
  {
    name: "administrators.remove",
    action: "authz.administrator.remove",
    requests: 1,
    prepare: async (world, { userId }) => {
      await world.administrator();
      await world.makeAdministrator(userId);
    },
    act: (auth, { userId }) => auth.administrators.remove({ actor: system, userId }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ removed: true }),
  },
  {
    name: "a batch of two plans",
    action: "identity.user.create",
    requests: 1,
    act: async (auth, { actor, userId }) =>
      auth.batch([
        await auth.users.create.plan({ actor: system }),
        await auth.users.update.plan({ actor, userId, displayName: "x" }),
      ]),
    repeated: "done",
    check: async (_world, result: unknown[]) =>
      expect(result).toMatchObject([{ status: "active" }, { displayName: "x" }]),
  },
];

/** Reads, and what is refused: nothing that fails may be taken for a yes. */
const reads: Record<string, (auth: Auth, person: Person) => Promise<unknown>> = {
  verify: (auth, { token: value }) => auth.sessions.verify({ token: value, transport: token }),
  "users.get": (auth, { actor, userId }) => auth.users.get({ actor, userId }),
  "users.list": (auth) => auth.users.list({ actor: system }),
  "sessions.list": (auth, { actor, userId }) => auth.sessions.list({ actor, userId }),
  "credentials.listForUser": (auth, { actor, userId }) => auth.credentials.listForUser({ actor, userId }),
  "credentials.findByIdentifier": (auth, { identifier }) =>
    auth.credentials.findByIdentifier({ actor: system, type: "password", identifier }),
  "tuples.check": (auth, { userId }) =>
    auth.tuples.check({
      subjectType: "usr",
      subjectId: userId,
      relation: "viewer",
      objectType: "doc",
      objectId: crypto.randomUUID(),
    }),
};

/** Sets everything up on the database itself, and acts through one that fails by plan. */
async function prepareWrite(world: World, { prepare }: Write) {
  const person = await world.person();
  const prepared = (await prepare?.(world, person)) as never;
  const known = new Set((await world.events({})).map(({ id }) => id));
  const happened = async (action: string): Promise<number> =>
    (await world.events({ action })).filter(({ id, outcome }) => !known.has(id) && outcome === "success").length;
  return { person, prepared, happened };
}

describe.each(["pglite", "postgres"] as const)("F01, F02, T05 by the calls of the port, %s", (name) => {
  let world: World;
  let faulty: FaultyDatabase;
  let auth: FullAuth;
  beforeAll(async () => {
    world = await openAuth(name);
    faulty = faultyDatabase(world.database);
    auth = world.isolate({ database: faulty });
  });
  beforeEach(() => faulty.reset());
  afterAll(() => world.close());

  describe.each(["before", "after", "late"] as const)("the request that changes something fails: %s", (fault) => {
    test.each(writes)("$name: it happens once, and the caller gets its answer", async (write) => {
      const { person, prepared, happened } = await prepareWrite(world, write);
      faulty.reset([...Array<undefined>(write.requests - 1).fill(undefined), fault]);
      const result = await write.act(auth, person, prepared);
      faulty.reset();
      expect(await happened(write.action)).toBe(1);
      await write.check?.(world, result as never, person);
    });
  });

  describe("the network stays away after that: 503, and it has happened never or once", () => {
    test.each(writes.flatMap((write) => (["before", "after"] as const).map((fault) => ({ ...write, fault }))))(
      "$name, $fault",
      async ({ fault, ...write }) => {
        const { person, prepared, happened } = await prepareWrite(world, write);
        faulty.reset((request) =>
          request < write.requests - 1 ? undefined : request === write.requests - 1 ? fault : "before",
        );
        const { code, status, retryAfterSeconds } = await refusal(write.act(auth, person, prepared));
        faulty.reset();
        expect([code, status, retryAfterSeconds]).toEqual([unavailable, 503, 1]);
        // Where it may simply run again (sign-out), the second try is as lost as the first.
        expect(await happened(write.action)).toBe(fault === "after" ? 1 : 0);
        const repeated = await outcome(write.act(world.auth, person, prepared));
        expect(repeated).toBe(fault === "after" ? write.repeated : "done");
        if (write.repeated !== "done") expect(await happened(write.action)).toBe(1);
      },
    );
  });

  describe("S21: what is only counted is not repeated by us", () => {
    test.each(
      writes
        .filter(({ requests }) => requests === 2)
        .flatMap((write) => (["before", "after"] as const).map((fault) => ({ ...write, fault }))),
    )(
      "$name: the reservation fails, $fault: 503, nothing is looked at, and the caller may repeat it",
      async ({ fault, ...write }) => {
        const { person, prepared, happened } = await prepareWrite(world, write);
        world.hasher.reset();
        faulty.reset([fault]);
        expect(await outcome(write.act(auth, person, prepared))).toBe(unavailable);
        expect([faulty.requests, world.hasher.computations]).toEqual([1, 0]);
        expect(await happened(write.action)).toBe(0);
        expect(await outcome(write.act(auth, person, prepared))).toBe("done");
        expect(await happened(write.action)).toBe(1);
      },
    );

    test("a failed sign-in whose event cannot be told of is not allowed, and is recorded once", async () => {
      for (const fault of ["before", "after", "late"] as const) {
        const { identifier } = await world.person();
        const known = (await world.events({ action: "identity.sign_in" })).length;
        faulty.reset([undefined, fault]);
        expect(await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }))).toBe(
          "unauthorized.invalid_credential",
        );
        faulty.reset();
        expect((await world.events({ action: "identity.sign_in" })).length).toBe(known + 1);
        faulty.reset([undefined, "before", "before", "before"]);
        expect(await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }))).toBe(
          unavailable,
        );
        faulty.reset();
      }
    });
  });

  test.each(["before", "after", "late"] as const)(
    "securityKeys.enroll, %s: its challenge is of the reply, so one that is lost is refused, and begun anew",
    async (fault) => {
      const { actor, userId } = await world.person();
      faulty.reset([fault]);
      expect(await outcome(auth.securityKeys.enroll({ actor }))).toBe(unavailable);
      expect(faulty.requests).toBe(1);
      // What was late comes before it.
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      faulty.reset();
      expect((await world.auth.factors.list({ actor, userId })).map(({ id }) => id)).toEqual([factor.id]);
      const response = await (await newAuthenticator()).create(options);
      const confirmation = { actor, factorId: factor.id, response, transport: token };
      expect(await outcome(world.auth.securityKeys.confirm(confirmation))).toBe("done");
    },
  );

  test.each(["before", "after", "late"] as const)(
    "securityKeys.confirm of a key that is somebody else's, %s: refused for that, and it still waits",
    async (fault) => {
      const [{ actor }, other, device] = [await world.person(), await world.person(), await newAuthenticator()];
      const theirs = await registrationBy(world, other, device);
      await world.auth.passkeys.register({ actor: other.actor, response: theirs });
      const { factor, options } = await world.auth.securityKeys.enroll({ actor });
      const response = await device.create(options);
      faulty.reset([fault]);
      const confirmation = { actor, factorId: factor.id, response, transport: token };
      expect(await outcome(auth.securityKeys.confirm(confirmation))).toBe("conflict.duplicate_credential");
      faulty.reset();
      const [waiting] = await world.auth.factors.list({ actor, userId: actor.userId! });
      expect([waiting!.id, waiting!.status]).toEqual([factor.id, "pending"]);
    },
  );

  test("a proof that was wrong and whose event cannot be told of is not allowed, and is counted once", async () => {
    for (const fault of ["before", "after", "late"] as const) {
      const { ticket } = await withApp(world, await world.person());
      const attempt = () =>
        outcome(auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" }, context: context() }));
      const events = async () => (await world.events({ action: "identity.mfa.verify" })).length;
      const known = await events();
      faulty.reset([undefined, fault]);
      expect(await attempt()).toBe("unauthorized.invalid_factor");
      faulty.reset();
      expect(await events()).toBe(known + 1);
      faulty.reset([undefined, "before", "before", "before"]);
      expect(await attempt()).toBe(unavailable);
      faulty.reset();
      // S20: both are among the five that a ticket bears.
      for (let time = 0; time < 3; time++) expect(await attempt()).toBe("unauthorized.invalid_factor");
      expect(await attempt()).toBe("unauthorized.invalid_ticket");
    }
  });

  test("refresh without a window: its own repeat is not taken for theft", async () => {
    const strict = world.isolate({ database: faulty, lifetimes: { retrySeconds: 0 } });
    for (const fault of ["before", "after", "late"] as const) {
      const person = await world.person();
      faulty.reset([fault]);
      const child = await strict.sessions.refresh({ token: person.token, transport: token });
      faulty.reset();
      await opens(world, child);
      expect(await world.liveSessions(person.userId)).toBe(1);
    }
  });

  test("a sign-up whose identifier somebody else took while its reply was lost is told so", async () => {
    const { identifier } = await world.person();
    for (const fault of ["before", "after", "late"] as const) {
      faulty.reset([fault]);
      expect(await outcome(auth.signUp({ identifier, password: goodPassword, context: context() }))).toBe(
        "conflict.duplicate_credential",
      );
      faulty.reset();
    }
  });

  describe("batches", () => {
    test("with an application's own rows: whether they were made cannot be told, and is not guessed", async () => {
      await world.rows(sql`create table note (body text unique)`);
      const send = async (faults: readonly (Fault | undefined)[], body: string) => {
        const plan = await auth.users.create.plan({ actor: system });
        faulty.reset(faults);
        const code = await outcome(auth.batch([plan, sql`insert into note values (${body})`]));
        faulty.reset();
        const [row] = await world.rows<{ n: number }>(sql`select count(*)::int as n from note where body = ${body}`);
        const [user] = await world.rows<{ n: number }>(
          sql`select count(*)::int as n from usr where id = ${uuidFor("usr", plan.known.userId)}::uuid`,
        );
        return [code, row!.n, user!.n];
      };
      expect(await send([], "a")).toEqual(["done", 1, 1]);
      expect(await send(["after"], "b")).toEqual(["unavailable.reply_lost", 1, 1]);
      expect(await send(["before"], "c")).toEqual([unavailable, 0, 0]);
      expect(await send(["before", "before"], "d")).toEqual([unavailable, 0, 0]);
    });

    test("of an application's rows alone: nobody repeats them", async () => {
      faulty.reset(["before"]);
      expect(await outcome(auth.batch([sql`select 1`]))).toBe(unavailable);
      expect(faulty.requests).toBe(1);
    });

    test("with a plan that finds nothing to do beside one that does", async () => {
      const { userId } = await world.person();
      await world.auth.users.suspend({ actor: system, userId });
      for (const fault of ["before", "after"] as const) {
        const plans = [
          await auth.users.suspend.plan({ actor: system, userId }),
          await auth.users.create.plan({ actor: system }),
        ];
        faulty.reset([fault]);
        expect(await outcome(auth.batch(plans))).toBe(fault === "before" ? "done" : "unavailable.reply_lost");
        faulty.reset();
      }
    });
  });

  test("T07: of 600 calls with three faults in ten, none is allowed by error, none fails otherwise than with 503", async () => {
    const random = mulberry32(7);
    // An attempt whose reply was lost stays counted, so many would be refused.
    const auth = world.isolate({ database: faulty, limits: { account: { attempts: 100, windowSeconds: 60 } } });
    const [person, stranger] = [await world.person(), await world.person()];
    await world.auth.sessions.signOut({ token: stranger.token, transport: token });
    const faults: readonly Fault[] = ["before", "after", "late"];
    const codes: string[] = [];
    for (let round = 0; round < 100; round++) {
      const { identifier, actor, userId } = person;
      const calls: [() => Promise<unknown>, readonly string[]][] = [
        [() => auth.sessions.verify({ token: person.token, transport: token }), ["done"]],
        [() => auth.sessions.verify({ token: stranger.token, transport: token }), ["unauthorized.session_expired"]],
        [() => auth.sessions.refresh({ token: stranger.token, transport: token }), ["unauthorized.session_expired"]],
        [
          () => auth.signIn.password({ identifier: freshIdentifier(), password: goodPassword, context: context() }),
          ["unauthorized.invalid_credential"],
        ],
        [() => auth.signIn.password({ identifier, password: person.password, context: context() }), ["done"]],
        [() => auth.users.suspend({ actor, userId: stranger.userId }), ["not_found"]],
        [() => auth.users.update({ actor, userId, displayName: `${round}` }), ["done"]],
      ];
      for (const [call, allowed] of calls) {
        faulty.reset(() => (random() < 0.3 ? faults[Math.floor(random() * 3)] : undefined));
        const code = await outcome(call());
        faulty.reset();
        expect([...allowed, unavailable]).toContain(code);
        codes.push(code === unavailable ? code : "as without faults");
      }
    }
    expect(tally(codes)[unavailable]).toBeGreaterThan(50);
    expect(tally(codes)["as without faults"]).toBeGreaterThan(300);
  });
});

/** A small generator with a seed, so that a failure can be had again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe("F01, F10, T05 by the wire, postgres-over-neon", () => {
  let world: World;
  let pending: (NeonFault | undefined)[] = [];
  let always: NeonFault | undefined;
  beforeAll(async () => {
    world = await openAuth("postgres-over-neon", { faults: () => (pending.length > 0 ? pending.shift() : always) });
  });
  beforeEach(() => {
    pending = [];
    always = undefined;
  });
  afterAll(() => world.close());

  describe.each(["500", "garbage", "drop-before", "drop-after-commit"] as const)("%s", (fault) => {
    test.each(writes)("$name: it happens once, and the caller gets its answer", async (write) => {
      const { person, prepared, happened } = await prepareWrite(world, write);
      pending = [...Array<undefined>(write.requests - 1).fill(undefined), fault];
      const result = await write.act(world.auth, person, prepared);
      expect(await happened(write.action)).toBe(1);
      await write.check?.(world, result as never, person);
    });

    test.each(Object.keys(reads))("%s, for good: 503", async (read) => {
      const person = await world.person();
      always = fault;
      expect(await outcome(reads[read]!(world.auth, person))).toBe(unavailable);
      always = undefined;
      pending = [fault];
      expect(await outcome(reads[read]!(world.auth, person))).toBe("done");
    });
  });

  test("R129: no refusal holds a secret, an identifier or the way to the database", async () => {
    const person = await world.person();
    for (const fault of ["500", "garbage", "drop-before"] as const) {
      always = fault;
      for (const act of [
        () => reads.verify!(world.auth, person),
        () => world.auth.signIn.password({ ...person, context: context() }),
      ]) {
        const error = await refusal(act());
        const whole = `${error.stack} ${String((error.cause as Error | undefined)?.stack)} ${JSON.stringify(error)}`;
        for (const secret of [person.token, person.password, person.identifier, "postgres://", "sallyport:"]) {
          expect(whole).not.toContain(secret);
        }
      }
      always = undefined;
    }
  });
});

describe.each(["postgres", "postgres-over-neon"] as const)("F10: a database that hangs, %s", (name) => {
  let world: World;
  /** Another way into the same database, for the locks that make it hang. */
  let direct: string;
  beforeAll(async () => {
    world = await openAuth(name);
    const [row] = await world.rows<{ name: string }>(sql`select current_database() as name`);
    const other = name === "postgres" ? undefined : await openAuth("postgres");
    const url = new URL((other ?? world).backend.connectionString!);
    url.pathname = `/${row!.name}`;
    direct = url.href;
    await other?.close();
  });
  afterAll(() => world.close());

  /** A call that is already late is no help to a client that waits five seconds. */
  const patienceMilliseconds = 5_000;
  const tables: Record<string, Statement<unknown>> = {
    usr: sql`lock table usr in access exclusive mode`,
    ses: sql`lock table ses in access exclusive mode`,
    ...(name === "postgres" && { aud: sql`lock table aud in access exclusive mode` }),
  };

  /** Calls at once while a table is locked. Few enough that what is timed is the wait, not the work of this machine. */
  async function callsDuring(lock: Statement<unknown>, some: readonly Write[]): Promise<void> {
    const rows = await Promise.all(some.map(async (write) => ({ write, ...(await prepareWrite(world, write)) })));
    const [reader, outsider] = [await world.person(), await world.person()];
    const held = await holdLock(direct, lock);
    const timed = async (act: () => Promise<unknown>) => {
      const started = performance.now();
      const code = await outcome(act());
      return { code, milliseconds: performance.now() - started };
    };
    const answers = await Promise.all([
      ...rows.map(({ write, person, prepared }) => timed(() => write.act(world.auth, person, prepared))),
      ...Object.values(reads).map((read) => timed(() => read(world.auth, reader))),
      timed(() => world.auth.users.suspend({ actor: outsider.actor, userId: reader.userId })),
    ]);
    await held.release();
    expect(Math.max(...answers.map(({ milliseconds }) => milliseconds))).toBeLessThan(patienceMilliseconds);
    const codes = answers.map(({ code }) => code);
    expect(codes.filter((code) => ![unavailable, "done", "not_found"].includes(code))).toEqual([]);
    expect(tally(codes)[unavailable]).toBeGreaterThan(0);
    expect(codes.at(-1)).not.toBe("done");
    expect((await world.auth.users.get({ actor: system, userId: reader.userId })).status).toBe("active");
    for (const [index, { write, happened }] of rows.entries()) {
      if (codes[index] === "done") expect([write.name, (await happened(write.action)) > 0]).toEqual([write.name, true]);
    }
  }

  test.each(Object.keys(tables))(
    "in %s: every call is answered within 5 s, with what it would say otherwise or 503",
    async (table) => {
      for (let at = 0; at < writes.length; at += 12) await callsDuring(tables[table]!, writes.slice(at, at + 12));
    },
  );
});

describe("F11, T06: connections that are cut", () => {
  test("300 calls while every connection is ended again and again: 503 or the answer, and nothing twice", async () => {
    const world = await openAuth("postgres");
    const people = await Promise.all(Array.from({ length: 10 }, () => world.person()));
    const killer = new pg.Client({ connectionString: world.backend.connectionString! });
    await killer.connect();
    let isDone = false;
    const killing = (async () => {
      while (!isDone) {
        await killer.query(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and random() < 0.2`);
      }
    })();
    const calls = Array.from({ length: 300 }, async (_, index) => {
      const person = people[index % 10]!;
      if (index % 3 === 0) return await outcome(world.auth.users.create({ actor: system, displayName: `n${index}` }));
      if (index % 3 === 1) return await outcome(world.auth.sessions.verify({ token: person.token, transport: token }));
      return await outcome(world.auth.users.update({ actor: system, userId: person.userId, displayName: `u${index}` }));
    });
    const codes = await Promise.all(calls);
    isDone = true;
    await killing;
    await killer.end();
    expect(codes.filter((code) => code !== "done" && code !== unavailable)).toEqual([]);
    expect(tally(codes).done).toBeGreaterThan(0);
    const made = await world.rows<{ name: string; n: number }>(sql`
      select display_name as name, count(*)::int as n from usr where display_name like 'n%' group by 1`);
    expect(made.every(({ n }) => n === 1)).toBe(true);
    for (const [index, code] of codes.entries()) {
      if (index % 3 === 0 && code === "done") expect(made.some(({ name }) => name === `n${index}`)).toBe(true);
    }
    const orphans = sql<{ n: number }>`
      select count(*)::int as n from usr where display_name like 'n%'
        and not exists (select from aud where target_id = 'usr_' || replace(usr.id::text, '-', ''))`;
    expect((await world.rows(orphans))[0]!.n).toBe(0);
    await world.close();
  });
});

describe("F03, B48: an isolate remembers nothing", () => {
  test.each(["pglite", "postgres-over-neon"] as const)(
    "a life in which every call is made by a new one, %s",
    async (name) => {
      const world = await openAuth(name);
      const fresh = (): Auth => world.isolate();
      const identifier = freshIdentifier();
      const proof = (password: string, more: object = {}) => ({ identifier, password, context: context(), ...more });

      const signedUp = await fresh().signUp(proof(goodPassword));
      const { actor } = await fresh().sessions.verify({ token: signedUp.token, transport: token });
      const { ticket, userId, credentialId } = await fresh().verifyPassword(proof(goodPassword));
      const created = await fresh().sessions.create({ ticket, userId, credentialId });
      const child = await fresh().sessions.refresh({ token: created.token, transport: token });
      expect(await fresh().sessions.refresh({ token: created.token, transport: token })).toEqual(child);
      const guess = () => outcome(fresh().signIn.password(proof(otherPassword)));
      for (let time = 0; time < 10; time++) expect(await guess()).toBe("unauthorized.invalid_credential");
      expect(await guess()).toBe("too_many_requests");
      const known = await fresh().signIn.password(proof(goodPassword, { knownDevice: signedUp.knownDevice }));
      expect(known.mfaRequired).toBe(false);
      expect(
        await outcome(
          fresh().changePassword({
            actor,
            currentPassword: goodPassword,
            newPassword: otherPassword,
            transport: token,
          }),
        ),
      ).toBe("done");
      const [replaced] = await fresh().credentials.listForUser({ actor: system, userId });
      expect([replaced!.id, replaced!.status]).toEqual([credentialId, "revoked"]);
      for (const value of [signedUp.token, created.token, child.token]) {
        expect(await outcome(fresh().sessions.verify({ token: value, transport: token }))).toBe(
          "unauthorized.session_expired",
        );
        expect(await outcome(fresh().sessions.refresh({ token: value, transport: token }))).toBe(
          "unauthorized.session_expired",
        );
      }
      await world.close();
    },
  );
});

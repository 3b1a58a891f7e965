/** Slow: a thousand concurrent callers, several times. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { type CredentialId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  openAuth,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { addApp, appOf, personAt } from "../support/factors.ts";
import { isUserLock, untilItLeaks } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const callers = 1_000;

/** The default limits would refuse nearly all of them before the race. These count, and refuse none. */
const unlimited = (text: string): string => text.replace("bool_and(count <= maximum and not closed)", "bool_and(true)");

let world: World;
/** Ten isolates with the real statements. */
let isolates: readonly FullAuth[];
beforeAll(async () => {
  world = await openAuth("postgres", { timeoutMilliseconds: 120_000 });
  const database = rewritingDatabase(world.database, unlimited);
  isolates = Array.from({ length: 10 }, () => world.isolate({ database }));
});
afterAll(() => world.close());

/** The same without one condition: the race must break it. */
function twin(...changes: (readonly [condition: string | RegExp, instead: string])[]): FullAuth {
  return world.isolate({
    database: rewritingDatabase(world.database, (text) =>
      changes.reduce((changed, [condition, instead]) => changed.replace(condition, instead), unlimited(text)),
    ),
  });
}

/** Login tickets of one login, as if its owner had proved the password many times. */
async function ticketsOf({ userId, credentialId }: Person, count: number): Promise<string[]> {
  const tickets = Array.from({ length: count }, () => generateOpaqueToken());
  const hashes = await Promise.all(tickets.map(sha256Hex));
  await world.rows(sql`
    insert into login_ticket (token_hash, usr_id, cred_id, factors, mfa_required, transport, purpose, expires_at)
    select decode(hash, 'hex'), ${uuidFor("usr", userId)}::uuid, ${uuidFor("cred", credentialId)}::uuid, array['pwd'], true,
      'token', 'sign_in', sallyport_now() + interval '5 minutes'
    from unnest(${hashes}::text[]) as hash`);
  return tickets;
}

/** A user with a password and a passkey, which they have just proved. */
async function withTwoWaysIn() {
  const person = await world.person();
  const authenticator = await newAuthenticator();
  const options = await world.auth.passkeys.registrationOptions(person);
  const response = await authenticator.create(options);
  const { passkey } = await world.auth.passkeys.register({ actor: person.actor, response, transport: "token" });
  const signedIn = await world.auth.signIn.passkey({
    response: await authenticator.get(await world.auth.signIn.passkeyOptions()),
    context: { address: freshAddress() },
  });
  return { person: await personAt(world, person, signedIn), ids: [person.credentialId, passkey.id] };
}

/** The outcomes of all of them, sent at once. */
async function race(count: number, act: (auth: FullAuth, index: number) => Promise<unknown>, auths = isolates) {
  const acts = Array.from({ length: count }, (_, index) => outcome(act(auths[index % auths.length]!, index)));
  return tally(await Promise.all(acts));
}

const signIn = (ticket: string, type: "totp" | "recovery", code: string) => (auth: FullAuth) =>
  auth.signIn.factor({ ticket, proof: { type, code }, context: { address: freshAddress() } });

describe("R033: racing sign-ins with one code of an authenticator app", () => {
  async function prepared(count: number) {
    const { app, person } = await addApp(world, await world.person());
    const tickets = await ticketsOf(person, count);
    // Just after the clock has moved on, so that the step lasts.
    const code = await app.code(1);
    return { tickets, code, person };
  }

  test(`${callers} logins at once: one succeeds`, async () => {
    const { tickets, code, person } = await prepared(callers);
    const before = await world.liveSessions(person.userId);
    const codes = await race(callers, (auth, index) => signIn(tickets[index]!, "totp", code)(auth));
    expect(codes).toEqual({ done: 1, "unauthorized.replayed_totp": callers - 1 });
    expect(await world.liveSessions(person.userId)).toBe(before + 1);
  });

  test("planted fault, the last step is ignored: several succeed", async () => {
    const { tickets, code } = await prepared(50);
    const naive = twin([/coalesce\(mfa\.totp_last_step, -1\) < \$\d+::bigint/, "(true or $&)"]);
    const codes = await race(50, (auth, index) => signIn(tickets[index]!, "totp", code)(auth), [naive]);
    expect(codes.done).toBeGreaterThan(1);
  });
});

describe("R036: racing sign-ins with one recovery code", () => {
  async function prepared(count: number) {
    const { person } = await addApp(world, await world.person());
    const { codes } = await world.auth.factors.replaceRecoveryCodes(person);
    return { tickets: await ticketsOf(person, count), code: codes[4]!, person };
  }

  test(`${callers} logins at once: one succeeds`, async () => {
    const { tickets, code } = await prepared(callers);
    const codes = await race(callers, (auth, index) => signIn(tickets[index]!, "recovery", code)(auth));
    expect(codes).toEqual({ done: 1, "unauthorized.invalid_factor": callers - 1 });
  });

  test("planted fault, used codes are not checked: several succeed", async () => {
    const { tickets, code } = await prepared(50);
    const naive = twin([/not mfa\.recovery_consumed\[\$\d+::int\]/, "(true or $&)"]);
    const codes = await race(50, (auth, index) => signIn(tickets[index]!, "recovery", code)(auth), [naive]);
    expect(codes.done).toBeGreaterThan(1);
  });
});

describe("S20: racing uses of one ticket", () => {
  test("ten right codes at once: one session, and at most five attempts", async () => {
    for (let round = 0; round < 10; round++) {
      const { person } = await addApp(world, await world.person());
      const { codes } = await world.auth.factors.replaceRecoveryCodes(person);
      const [ticket] = await ticketsOf(person, 1);
      const before = await world.liveSessions(person.userId);
      const results = await race(10, (auth, index) => signIn(ticket!, "recovery", codes[index]!)(auth));
      expect(results).toEqual({ done: 1, "unauthorized.invalid_ticket": 9 });
      expect(await world.liveSessions(person.userId)).toBe(before + 1);
      const [used] = await world.rows<{ n: number }>(sql`
        select count(*)::int as n from mfa, unnest(recovery_consumed) as used
        where usr_id = ${uuidFor("usr", person.userId)}::uuid and type = 'recovery' and status = 'active' and used`);
      // A login that lost the ticket has not used up the code.
      expect(used!.n).toBe(1);
    }
  });

  test(`${callers} wrong codes at once: five are checked`, async () => {
    const { person } = await addApp(world, await world.person());
    const [ticket] = await ticketsOf(person, 1);
    expect(await race(callers, signIn(ticket!, "totp", "000000"))).toEqual({
      "unauthorized.invalid_factor": 5,
      "unauthorized.invalid_ticket": callers - 5,
    });
  });

  test("planted fault, the number of attempts is read but not limited: more are checked", async () => {
    const { person } = await addApp(world, await world.person());
    const [ticket] = await ticketsOf(person, 1);
    const naive = twin([/t\.attempts < \$\d+::int/, "(true or $&)"]);
    const codes = await race(50, signIn(ticket!, "totp", "000000"), [naive]);
    expect(codes["unauthorized.invalid_factor"]).toBeGreaterThan(5);
  });

  test(`an upgraded ticket spent ${callers} times at once: one session`, async () => {
    const { app, person } = await addApp(world, await world.person());
    const { userId, credentialId } = person;
    const [first] = await ticketsOf(person, 1);
    const proof = { type: "totp", code: await app.code() } as const;
    const { ticket } = await world.auth.verifyMfa({ ticket: first!, userId, proof });
    expect(await race(callers, (auth) => auth.sessions.create({ ticket, userId, credentialId }))).toEqual({
      done: 1,
      "unauthorized.invalid_ticket": callers - 1,
    });
  });
});

describe("S46: racing answers to one challenge", () => {
  async function prepared(): Promise<{ person: Person; authenticator: Authenticator; response: unknown }> {
    const person = await world.person();
    // Without a counter, so that only the challenge can prevent it.
    const authenticator = await newAuthenticator({ counts: false });
    const options = await world.auth.passkeys.registrationOptions(person);
    await world.auth.passkeys.register({
      actor: person.actor,
      response: await authenticator.create(options),
      transport: "token",
    });
    const response = await authenticator.get(await world.auth.signIn.passkeyOptions());
    return { person, authenticator, response };
  }
  const use = (response: unknown) => (auth: FullAuth) =>
    auth.signIn.passkey({ response, context: { address: freshAddress() } });

  test(`${callers} answers at once: one succeeds`, async () => {
    const { person, response } = await prepared();
    const before = await world.liveSessions(person.userId);
    expect(await race(callers, use(response))).toEqual({
      done: 1,
      "unauthorized.invalid_credential": callers - 1,
    });
    expect(await world.liveSessions(person.userId)).toBe(before + 1);
  });

  test("planted fault, the challenge is not spent: several succeed", async () => {
    const { response } = await prepared();
    const naive = twin([
      "on conflict (digest) do nothing",
      "on conflict (digest) do update set digest = excluded.digest",
    ]);
    expect((await race(50, use(response), [naive])).done).toBeGreaterThan(1);
  });

  test("a registration answered 200 times at once makes one passkey", async () => {
    const { person } = await withTwoWaysIn();
    const options = await world.auth.passkeys.registrationOptions(person);
    const response = await (await newAuthenticator()).create(options);
    const { actor, userId } = person;
    const before = await world.liveSessions(userId);
    const codes = await race(200, (auth) => auth.passkeys.register({ actor, response, transport: "token" }));
    expect(codes).toEqual({ done: 1, "unauthorized.invalid_token": 199 });
    expect((await world.auth.passkeys.list({ actor: system, userId })).data).toHaveLength(2);
    expect(await world.liveSessions(userId)).toBe(before);
  });

  /** How many sessions more than one 20 registrations in one session leave, with a challenge and an authenticator each. */
  async function excess(database = world.database): Promise<number> {
    const auth = world.isolate({ database });
    const { actor, userId } = await world.person();
    const responses: unknown[] = [];
    while (responses.length < 20) {
      responses.push(await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor })));
    }
    const codes = responses.map((response) => outcome(auth.passkeys.register({ actor, response, transport: "token" })));
    expect(tally(await Promise.all(codes)).done).toBeGreaterThan(0);
    return (await world.liveSessions(userId)) - 1;
  }

  test("S14: 20 registrations in one session at once: one passkey, and one session in its place", async () => {
    for (let round = 0; round < 5; round++) expect(await excess()).toBe(0);
  });

  test("planted fault, registration takes no lock: one session is replaced by several", async () => {
    const database = rewritingDatabase(world.database, (text) => (isUserLock(text) ? undefined : text));
    await untilItLeaks(60, () => excess(database));
    expect(database.rewritten).toBeGreaterThan(0);
  });

  test("S27: two users who register one credential id at once: one gets it", async () => {
    for (let round = 0; round < 20; round++) {
      const credentialId = crypto.getRandomValues(new Uint8Array(32));
      const people = [await world.person(), await world.person()];
      const responses = await Promise.all(
        people.map(async (person) =>
          (await newAuthenticator({ credentialId })).create(await world.auth.passkeys.registrationOptions(person)),
        ),
      );
      const codes = await race(2, (auth, index) =>
        auth.passkeys.register({ actor: people[index]!.actor, response: responses[index], transport: "token" }),
      );
      expect(codes).toEqual({ done: 1, "conflict.duplicate_credential": 1 });
    }
  });
});

describe("WebAuthn §7.2 step 22: racing assertions with one sign count", () => {
  async function prepared(count: number) {
    const person = await world.person();
    const authenticator = await newAuthenticator();
    const options = await world.auth.passkeys.registrationOptions(person);
    await world.auth.passkeys.register({
      actor: person.actor,
      response: await authenticator.create(options),
      transport: "token",
    });
    return await Promise.all(
      Array.from({ length: count }, async () =>
        authenticator.get(await world.auth.signIn.passkeyOptions(), { signCount: 7 }),
      ),
    );
  }
  const use = (responses: readonly unknown[]) => (auth: FullAuth, index: number) =>
    auth.signIn.passkey({ response: responses[index], context: { address: freshAddress() } });

  test("200 assertions by an authenticator and its clones: one succeeds", async () => {
    const responses = await prepared(200);
    expect(await race(200, use(responses))).toEqual({ done: 1, "unauthorized.invalid_credential": 199 });
  });

  test("planted fault, only the isolate compares the count: several succeed", async () => {
    const responses = await prepared(50);
    const naive = twin([/\(cred\.passkey_sign_count < .*?= 0\)\)/s, "(true or $&)"]);
    expect((await race(50, use(responses), [naive])).done).toBeGreaterThan(1);
  });
});

describe("S33: racing removals of the last way in or the last factor", () => {
  /** Proves the password for itself, and the passkey a while later, so that both are about to end. */
  const end = async (auth: FullAuth, verb: "suspend" | "revoke", person: Person, credentialId: CredentialId) => {
    const act = { actor: person.actor, credentialId };
    return credentialId === person.credentialId
      ? await auth.credentials[`${verb}OwnPassword`]({ ...act, currentPassword: person.password })
      : await auth.credentials[verb](act);
  };

  const waysIn = async ({ userId }: Person): Promise<number> =>
    (
      await world.rows<{ n: number }>(sql`
        select count(*)::int as n from cred where usr_id = ${uuidFor("usr", userId)}::uuid and status = 'active'`)
    )[0]!.n;

  test("two ways in, removed at once, 50 rounds: one is left", async () => {
    for (let round = 0; round < 50; round++) {
      const { person, ids } = await withTwoWaysIn();
      const verb = round % 2 ? "revoke" : "suspend";
      await race(2, (auth, index) => end(auth, verb, person, ids[index]!));
      expect(await waysIn(person)).toBe(1);
    }
  });

  test("planted fault, no lock: both are removed", async () => {
    const naive = world.isolate({
      database: rewritingDatabase(world.database, (text) => (isUserLock(text) ? undefined : text)),
    });
    for (let round = 0; round < 200; round++) {
      const { person, ids } = await withTwoWaysIn();
      await race(2, (auth, index) => end(auth, "revoke", person, ids[index]!), [naive]);
      if ((await waysIn(person)) === 0) return;
    }
    throw new Error("The planted fault has not leaked.");
  });

  test("two factors, removed at once under a policy, 30 rounds: one is left", async () => {
    for (let round = 0; round < 30; round++) {
      const made = await addApp(world, await world.person());
      const { securityKeys } = world.auth;
      const { factor, options } = await securityKeys.enroll({ actor: made.person.actor });
      const response = await (await newAuthenticator()).create(options);
      const { actor, transport } = made.person;
      const confirmed = await securityKeys.confirm({ actor, factorId: factor.id, response, transport });
      const person = await personAt(world, made.person, confirmed);
      await world.auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      const ids = [made.app.factorId, factor.id];
      const codes = await race(2, (auth, index) => auth.factors.revoke({ actor: person.actor, factorId: ids[index]! }));
      expect(codes).toEqual({ done: 1, "conflict.last_factor": 1 });
    }
  });
});

describe("S16: confirming a factor × ending its user", () => {
  const ends = {
    suspension: (auth: FullAuth, { userId }: Person) => auth.users.suspend({ actor: system, userId }),
    revocation: (auth: FullAuth, { userId }: Person) => auth.users.revoke({ actor: system, userId }),
    "a change of password": (auth: FullAuth, { credentialId }: Person) =>
      auth.credentials.rotatePassword({ actor: system, credentialId, password: "gnqjwzfbkcymxhvp" }),
  };
  test.each(Object.entries(ends))("%s, 40 rounds: no session is left", async (_name, end) => {
    for (let round = 0; round < 40; round++) {
      const person = await world.person();
      const { actor, transport, userId } = person;
      const app = appOf(world, await world.auth.factors.enrollTotp({ actor, label: "phone" }));
      const code = await app.code();
      const acts = [
        (auth: FullAuth) => auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code }),
        (auth: FullAuth) => end(auth, person),
      ];
      if (round % 2) acts.reverse();
      await race(2, (auth, index) => acts[index]!(auth));
      await world.rows(sql`update usr set status = 'active' where id = ${uuidFor("usr", userId)}::uuid`);
      expect(await world.liveSessions(userId)).toBe(0);
    }
  });
});

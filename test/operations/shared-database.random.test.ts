/**
 * S66, S67: ten thousand random steps, each by Sallyport or by the reference, on one adopted database. In the end, both serve
 * every user.
 *
 * @module
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, otherPassword, outcome, system } from "../support/auth.ts";
import { appOf } from "../support/factors.ts";
import {
  codeNow,
  decomposed,
  openShared,
  personOf,
  type SharedWorld,
  signInHere,
  userOf,
  uuid,
} from "./shared-database.ts";

const stepCount = 10_000;
const userCount = 40;

/** What both sides should know of a user. Ids are UUIDs. */
interface Model {
  readonly userId: string;
  credentialId: string;
  readonly identifier: string;
  password: string;
  suspended: boolean;
  locked: boolean;
  app: { id: string; secret: Uint8Array } | undefined;
  codes: string[];
  sessions: { id: string; token: string; credentialId: string }[];
  tokens: { id: string; token: string }[];
  objects: Set<string>;
}

let shared: SharedWorld;
beforeAll(async () => {
  shared = await openShared("0.3.0");
});
afterAll(() => shared.world.close());

/** A repeatable source: mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Both sides' steps for one user. `here`: Sallyport's. */
function player(draw: (below: number) => number) {
  const { world, sdk } = shared;
  const { auth } = world;
  const passwords = [goodPassword, otherPassword, decomposed, `${otherPassword} \ufb01 \u30ab\u3099`] as const;
  const anyPassword = () => passwords[draw(passwords.length)]!;
  const login = ({ identifier, password }: Model) => ({ identifier, password });
  const isOpen = (user: Model) => !user.suspended && !user.locked;

  async function create(here: boolean): Promise<Model> {
    const plain = freshIdentifier();
    const spellings = [plain, plain.toUpperCase(), `ren\u00e9.${plain}`, ` ${plain}`];
    const password = anyPassword();
    const rest = {
      password,
      suspended: false,
      locked: false,
      app: undefined,
      codes: [],
      tokens: [],
      objects: new Set<string>(),
    };
    if (here) {
      const context = { address: freshAddress() };
      const { session, token } = await auth.signUp({ identifier: spellings[draw(2)]!, password, context });
      const ids = { userId: uuid(session.userId), credentialId: uuid(session.credentialId) };
      return {
        ...rest,
        ...ids,
        identifier: plain,
        sessions: [{ id: uuid(session.id), token, credentialId: ids.credentialId }],
      };
    }
    const identifier = spellings[draw(spellings.length)]!;
    const userId = await sdk.createUser();
    const credentialId = await sdk.createPassword(userId, identifier, password);
    return { ...rest, userId, credentialId, identifier, sessions: [] };
  }

  /** Five minutes pass for the user's app, so that its code counts again. */
  const letTimePass = (user: Model) =>
    world.rows(sql`update mfa set totp_last_step = totp_last_step - 10 where usr_id = ${user.userId}::uuid`);

  async function signIn(user: Model, here: boolean): Promise<{ id: string; token: string } | undefined> {
    if (here) {
      await letTimePass(user);
      const first = await signInHere(shared, login(user)).catch((error: { code?: string }) => {
        expect(error.code).toBe("unauthorized.invalid_credential");
      });
      if (!first) return undefined;
      expect(first.mfaRequired).toBe(user.app !== undefined);
      if (!first.mfaRequired) return { id: uuid(first.session.id), token: first.token };
      const code = await codeNow(user.app!.secret);
      const { session, token } = await auth.signIn.factor({
        ticket: first.ticket,
        proof: { type: "totp", code },
        context: { address: freshAddress() },
      });
      return { id: uuid(session.id), token };
    }
    const verified = await sdk.verifyPassword(user.identifier, user.password);
    expect(verified !== undefined).toBe(!user.locked);
    if (!verified) return undefined;
    expect(verified).toMatchObject({ userId: user.userId, credentialId: user.credentialId });
    if (verified.mfaRequired || user.app) {
      expect(await sdk.verifyTotp(user.userId, await codeNow(user.app!.secret))).toBe(true);
    }
    return await sdk.createSession(user.userId, user.credentialId);
  }

  const isLiveHere = async ({ token }: { token: string }) =>
    await outcome(auth.sessions.verify({ token, transport: "token" }));

  const steps: Record<string, (user: Model, here: boolean) => Promise<unknown>> = {
    async signIn(user, here) {
      const session = await signIn(user, here);
      expect(session !== undefined).toBe(isOpen(user));
      if (session) user.sessions.push({ ...session, credentialId: user.credentialId });
    },

    async wrongPassword(user, here) {
      const wrong = { ...login(user), password: `${user.password}x` };
      if (here) expect(await outcome(signInHere(shared, wrong))).toBe("unauthorized.invalid_credential");
      else expect(await sdk.verifyPassword(wrong.identifier, wrong.password)).toBeUndefined();
    },

    async rename(user, here) {
      const name = `name ${draw(1_000)}`;
      if (here) await auth.users.update({ actor: system, userId: userOf(user.userId), displayName: name });
      else await sdk.renameUser(user.userId, name);
      expect(await sdk.getUser(user.userId)).toMatchObject({ displayName: name });
      expect((await auth.users.get({ actor: system, userId: userOf(user.userId) })).displayName).toBe(name);
    },

    async rotate(user, here) {
      if (!isOpen(user)) return;
      const password = anyPassword();
      const before = user.credentialId;
      if (here) {
        const credentialId = wireId("cred", before);
        user.credentialId = uuid((await auth.credentials.rotatePassword({ actor: system, credentialId, password })).id);
        user.sessions = [];
      } else {
        user.credentialId = await sdk.rotatePassword(before, password);
        user.sessions = user.sessions.filter(({ credentialId }) => credentialId !== before);
      }
      user.password = password;
    },

    async suspendUser(user, here) {
      const of = { actor: system, userId: userOf(user.userId) };
      if (user.suspended) await (here ? auth.users.reinstate(of) : sdk.reinstateUser(user.userId));
      else if (draw(4) === 0) {
        await (here ? auth.users.suspend(of) : sdk.suspendUser(user.userId));
        user.sessions = [];
      } else return;
      user.suspended = !user.suspended;
    },

    async suspendPassword(user, here) {
      const of = { actor: system, credentialId: wireId("cred", user.credentialId) };
      if (user.locked)
        await (here ? auth.credentials.reinstate(of) : sdk.setCredentialStatus(user.credentialId, "active"));
      else if (draw(4) === 0) {
        await (here ? auth.credentials.suspend(of) : sdk.setCredentialStatus(user.credentialId, "suspended"));
        user.sessions = user.sessions.filter(({ credentialId }) => credentialId !== user.credentialId);
      } else return;
      user.locked = !user.locked;
    },

    async enrollApp(user, here) {
      if (user.app || !isOpen(user)) return;
      if (!here) {
        user.app = await sdk.enrollTotp(user.userId);
        await sdk.confirmFactor(user.app.id);
        return;
      }
      const { actor } = await personOf(shared, login(user));
      const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
      const confirm = async () =>
        await auth.factors.confirmTotp({ actor, transport: "token", factorId: app.factorId, code: await app.code(-1) });
      const { session, token } = await confirm().catch(confirm);
      user.app = { id: uuid(app.factorId), secret: app.secret };
      user.sessions = [{ id: uuid(session.id), token, credentialId: user.credentialId }];
      expect(await sdk.getPolicy(user.userId)).toEqual({ required: true, graceUntil: null });
    },

    async endApp(user, here) {
      if (!user.app || draw(3) > 0) return;
      if (here) {
        await auth.factors.revoke({ actor: system, factorId: wireId("mfa", user.app.id) });
        user.sessions = [];
        user.tokens = [];
      } else {
        await sdk.revokeFactor(user.app.id);
        const codes = (await sdk.listFactors(user.userId)).find(
          ({ type, status }) => type === "recovery" && status === "active",
        );
        if (codes) await sdk.revokeFactor(codes.id);
      }
      user.app = undefined;
      user.codes = [];
      expect(await sdk.getPolicy(user.userId)).toEqual({ required: false, graceUntil: null });
    },

    async makeCodes(user, here) {
      if (!user.app || !isOpen(user) || draw(4) > 0) return;
      if (here) {
        const { token } = (await signIn(user, true))!;
        const context = { address: freshAddress() };
        const { actor } = await auth.sessions.verify({ token, transport: "token", context });
        user.codes = [...(await auth.factors.replaceRecoveryCodes({ actor })).codes];
        user.sessions = [];
      } else user.codes = [...(await sdk.enrollRecovery(user.userId)).codes];
    },

    async useCode(user, here) {
      const code = user.codes.shift();
      if (code === undefined || !isOpen(user)) return;
      if (!here) return expect(await sdk.verifyRecovery(user.userId, code)).toBe(true);
      const first = await signInHere(shared, login(user));
      if (!first.mfaRequired) throw new Error("No second factor is demanded.");
      await auth.signIn.factor({
        ticket: first.ticket,
        proof: { type: "recovery", code },
        context: { address: freshAddress() },
      });
      expect(await sdk.verifyRecovery(user.userId, code)).toBe(false);
    },

    async setPolicy(user, here) {
      // Whoever is required to have a factor and has none is locked out at the reference, by its own rule.
      const required = user.app !== undefined && draw(2) === 0;
      const graceUntil = draw(2) === 0 ? new Date(Date.now() + 86_400_000) : null;
      const of = { actor: system, userId: userOf(user.userId) };
      if (here) await auth.mfaPolicies.set({ ...of, required, graceUntil: required ? graceUntil : null });
      else await sdk.setPolicy(user.userId, required, required ? graceUntil : null);
      expect((await auth.mfaPolicies.get(of)).required).toBe(required);
      // Both may set it; so that the end of the app leaves nobody without a factor that they must have, it is taken back.
      if (required) await (here ? auth.mfaPolicies.set({ ...of, required: false }) : sdk.setPolicy(user.userId, false));
    },

    async useSession(user) {
      const session = user.sessions[draw(user.sessions.length || 1)];
      if (!session) return;
      expect(await sdk.verifySession(session.token)).toEqual({ id: session.id, userId: user.userId });
      // With an app, a session that did not prove it is not enough for Sallyport.
      expect(user.app ? ["done", "unauthorized.mfa_required"] : ["done"]).toContain(await isLiveHere(session));
    },

    async refresh(user, here) {
      const session = user.sessions.pop();
      if (!session) return;
      const { credentialId } = session;
      if (!here) {
        const next = (await sdk.refreshSession(session.id))!;
        user.sessions.push({ ...next, credentialId });
      } else if ((await isLiveHere(session)) === "done") {
        const next = await auth.sessions.refresh({ token: session.token, transport: "token" });
        user.sessions.push({ id: uuid(next.session.id), token: next.token, credentialId });
      } else return;
      expect(await sdk.verifySession(session.token)).toBeUndefined();
      expect(await isLiveHere(session)).not.toBe("done");
    },

    async signOut(user, here) {
      const session = user.sessions.pop();
      if (!session) return;
      if (here) await auth.sessions.signOut({ token: session.token, transport: "token" });
      else await sdk.revokeSession(session.id);
      expect(await sdk.verifySession(session.token)).toBeUndefined();
      expect(await isLiveHere(session)).not.toBe("done");
    },

    async createToken(user, here) {
      if (user.suspended || user.tokens.length > 3) return;
      const scope = ["a:b"];
      if (here) {
        const made = await auth.personalAccessTokens.create({
          actor: system,
          userId: userOf(user.userId),
          name: "ours",
          scope,
        });
        user.tokens.push({ id: uuid(made.pat.id), token: made.token });
      } else user.tokens.push(await sdk.createPat(user.userId, scope));
    },

    async useToken(user, here) {
      const found = user.tokens[draw(user.tokens.length || 1)];
      if (!found || user.suspended) return;
      if (here) {
        const context = { address: freshAddress() };
        const verified = await auth.personalAccessTokens.verify({ token: found.token, context });
        expect(verified.userId).toBe(userOf(user.userId));
      } else expect(await sdk.verifyPat(found.token)).toBe(user.userId);
    },

    async revokeToken(user, here) {
      const found = user.tokens.pop();
      if (!found) return;
      if (here) await auth.personalAccessTokens.revoke({ actor: system, tokenId: wireId("pat", found.id) });
      else await sdk.revokePat(found.id);
      expect(await sdk.verifyPat(found.token)).toBeUndefined();
    },

    async relate(user) {
      const object = [...user.objects][0] ?? crypto.randomUUID();
      if (user.objects.has(object)) await sdk.deleteTuple(user.userId, "viewer", object);
      else expect(await sdk.createTuple(user.userId, "viewer", object)).toBe(true);
      if (!user.objects.delete(object)) user.objects.add(object);
      const question = { subjectType: "usr", subjectId: userOf(user.userId), relation: "viewer", objectType: "doc" };
      const { allowed } = await auth.tuples.check({ ...question, objectId: object });
      expect(allowed).toBe(user.objects.has(object));
    },
  };

  async function close(user: Model, here: boolean): Promise<void> {
    if (here) await auth.users.revoke({ actor: system, userId: userOf(user.userId) });
    else await sdk.revokeUser(user.userId);
    expect(await outcome(signInHere(shared, login(user)))).toBe("unauthorized.invalid_credential");
    expect(await sdk.createSession(user.userId, user.credentialId)).toBeUndefined();
  }

  return { create, steps, signIn, close };
}

const seed = 20_261_129;

test(`S66, S67: ${stepCount} steps of both sides, then both serve every user (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const draw = randomFrom(seed);
  const { create, steps, signIn, close } = player(draw);
  const names = Object.keys(steps);
  const users: Model[] = [];
  const done = new Map<string, number>();
  for (let step = 0; step < stepCount; step++) {
    const here = draw(2) === 0;
    if (users.length < userCount) {
      users.push(await create(here));
      continue;
    }
    const place = draw(users.length);
    const user = users[place]!;
    if (draw(300) === 0) {
      await close(user, here);
      users.splice(place, 1);
      continue;
    }
    const name = names[draw(names.length)]!;
    await steps[name]!(user, here).catch((error: unknown) => {
      const { identifier, sessions: _, ...known } = user;
      throw new Error(`step ${step}, ${name}, ${here ? "Sallyport" : "the reference"}: ${JSON.stringify(known)}`, {
        cause: error,
      });
    });
    done.set(`${name} ${here}`, (done.get(`${name} ${here}`) ?? 0) + 1);
  }
  expect(done.size).toBe(2 * names.length);

  for (const user of users) {
    for (const here of [true, false]) {
      if (user.suspended) await steps.suspendUser!(user, here);
      if (user.locked) await steps.suspendPassword!(user, here);
    }
    for (const here of [true, false]) {
      const session = await signIn(user, here);
      expect(session, `${user.identifier}, ${here ? "Sallyport" : "the reference"}`).toBeDefined();
      user.sessions = [{ ...session!, credentialId: user.credentialId }];
      await steps.useSession!(user, here);
    }
  }
});

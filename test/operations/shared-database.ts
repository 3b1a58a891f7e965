/** What Sallyport and an SDK of the reference do with one adopted database, operation by operation and in both directions. */
import { expect } from "vitest";
import { fromBase64Url } from "../../src/crypto/bytes.ts";
import { type Id, uuidFor, wireId } from "../../src/domain/id.ts";
import { defaultTotp, totpCode, totpStep } from "../../src/domain/totp.ts";
import { parseAssertionResponse } from "../../src/domain/webauthn/response.ts";
import { challengeOf } from "../../src/engine/challenges.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  type World,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { appOf, personAt } from "../support/factors.ts";
import type { ReferenceVersion } from "../support/reference-database.ts";
import { type ReferenceSdk, referenceSdk } from "../support/reference-sdk.ts";

/** An adopted database, and both sides of it. */
export interface SharedWorld {
  readonly world: World;
  readonly sdk: ReferenceSdk;
}

export async function openShared(adopted: ReferenceVersion): Promise<SharedWorld> {
  const world = await openAuth("postgres", {
    adopted,
    timeoutMilliseconds: 60_000,
    auth: {
      sealing: "off",
      sharedDatabase: true,
      limits: { account: { attempts: 100, windowSeconds: 60 } },
    },
  });
  return { world, sdk: referenceSdk(world.database, quickHasher()) };
}

/** Typed on a Mac: NFKC composes it. */
export const decomposed = `${goodPassword} pa\u0308sswo\u0308rd`;

/** A user whom the reference made. */
async function theirs(
  { sdk }: SharedWorld,
  { identifier = freshIdentifier(), password = goodPassword } = {},
): Promise<{ userId: string; credentialId: string; identifier: string; password: string }> {
  const userId = await sdk.createUser("Ada");
  return { userId, credentialId: await sdk.createPassword(userId, identifier, password), identifier, password };
}

/** Signs in with Sallyport. */
export async function signInHere(
  { world }: SharedWorld,
  { identifier, password }: { identifier: string; password: string },
) {
  return await world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
}

/** A user in a session of Sallyport's. */
export async function personOf(shared: SharedWorld, login: { identifier: string; password: string }): Promise<Person> {
  const signedIn = await signInHere(shared, login);
  if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
  const { userId, credentialId } = signedIn.session;
  return await personAt(shared.world, { ...login, userId, credentialId, transport: "token" } as Person, signedIn);
}

/** The code of an authenticator app at this moment, by the machine's clock, as the reference reads it. */
export async function codeNow(secret: Uint8Array, stepsLater = 0): Promise<string> {
  return await totpCode(secret as never, totpStep(Date.now() / 1000, defaultTotp) + stepsLater, defaultTotp);
}

export const uuid = (id: Id): string => uuidFor(id.slice(0, id.indexOf("_")) as "usr", id as never);
export const userOf = (id: string) => wireId("usr", id);

/** Signs in with Sallyport, with a code. */
async function signInWithCode(shared: SharedWorld, login: { identifier: string; password: string }, code: string) {
  const first = await signInHere(shared, login);
  if (!first.mfaRequired) throw new Error("No second factor is demanded.");
  return await shared.world.auth.signIn.factor({
    ticket: first.ticket,
    proof: { type: "totp", code },
    context: { address: freshAddress() },
  });
}

/** An operation that one side does, and what the other side makes of it. A text says why there is nothing to do. */
export interface SharedOperation {
  readonly operation: string;
  readonly here: ((shared: SharedWorld) => Promise<void>) | string;
  readonly there: ((shared: SharedWorld) => Promise<void>) | string;
  /** For the table of `CONFORMANCE.md`. */
  readonly note?: string;
}

/** `there`: Sallyport writes, the reference reads. `here`: the other way round. */
export const operations: readonly SharedOperation[] = [
  {
    operation: "user: create, read, rename, list",
    async there({ world, sdk }) {
      const person = await world.person();
      const id = uuid(person.userId);
      await world.auth.users.update({ actor: system, userId: person.userId, displayName: "Bo" });
      expect(await sdk.getUser(id)).toMatchObject({ status: "active", displayName: "Bo" });
      expect(await sdk.listUsers(person.identifier)).toEqual([id]);
    },
    async here(shared) {
      const { userId, identifier } = await theirs(shared);
      await shared.sdk.renameUser(userId, "Cy");
      const { auth } = shared.world;
      expect(await auth.users.get({ actor: system, userId: userOf(userId) })).toMatchObject({ displayName: "Cy" });
      const found = await auth.users.list({ actor: system, query: identifier });
      expect(found.data.map(({ id }) => id)).toEqual([userOf(userId)]);
    },
  },
  {
    operation: "password, plain identifier",
    async there({ world, sdk }) {
      const person = await world.person();
      expect(await sdk.verifyPassword(person.identifier, person.password)).toEqual({
        userId: uuid(person.userId),
        credentialId: uuid(person.credentialId),
        mfaRequired: false,
      });
      expect(await sdk.verifyPassword(person.identifier, otherPassword)).toBeUndefined();
    },
    async here(shared) {
      const made = await theirs(shared, { password: "8letters" });
      expect((await personOf(shared, made)).userId).toBe(userOf(made.userId));
      expect(await outcome(signInHere(shared, { ...made, password: otherPassword }))).toBe(
        "unauthorized.invalid_credential",
      );
    },
  },
  {
    operation: "password, identifier with capitals, beyond ASCII or with white space",
    note: "Sallyport folds what it stores; the reference verifies the folded spelling",
    async there({ world, sdk }) {
      const identifier = freshIdentifier();
      await world.person({ identifier: ` ${identifier.toUpperCase()} ` });
      expect(await sdk.verifyPassword(identifier, goodPassword)).toBeDefined();
    },
    async here(shared) {
      for (const change of [
        (name: string) => name.replace("p", "P"),
        (name: string) => `ren\u00e9.${name}`,
        (name: string) => `rene\u0301.${name}`,
        (name: string) => ` ${name}`,
        (name: string) => name.replace("@", " @"),
      ]) {
        const made = await theirs(shared, { identifier: change(freshIdentifier()) });
        expect((await personOf(shared, made)).userId).toBe(userOf(made.userId));
        const padded = { ...made, identifier: `${made.identifier} ` };
        if (made.identifier === made.identifier.trim()) await personOf(shared, padded);
      }
    },
  },
  {
    operation: "password with characters that NFKC changes",
    note: "with `sharedDatabase`",
    async there({ world, sdk }) {
      const person = await world.person({ password: decomposed });
      expect(await sdk.verifyPassword(person.identifier, decomposed)).toBeDefined();
    },
    async here(shared) {
      const made = await theirs(shared, { password: decomposed });
      await personOf(shared, made);
      expect(await shared.sdk.verifyPassword(made.identifier, decomposed)).toBeDefined();
    },
  },
  {
    operation: "credential: rotate, suspend, reinstate, revoke",
    async there({ world, sdk }) {
      const { auth } = world;
      const { identifier, credentialId, userId } = await world.person();
      const next = await auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      const login = { identifier, password: otherPassword };
      expect(await sdk.findCredential("password", identifier)).toEqual({
        id: uuid(next.id),
        userId: uuid(userId),
        replaces: uuid(credentialId),
      });
      expect(await sdk.verifyPassword(identifier, goodPassword)).toBeUndefined();
      expect(await sdk.verifyPassword(identifier, login.password)).toBeDefined();
      await auth.credentials.suspend({ actor: system, credentialId: next.id });
      expect(await sdk.verifyPassword(identifier, login.password)).toBeUndefined();
      await auth.credentials.reinstate({ actor: system, credentialId: next.id });
      expect(await sdk.verifyPassword(identifier, login.password)).toBeDefined();
      await auth.credentials.revoke({ actor: system, credentialId: next.id });
      expect(await sdk.verifyPassword(identifier, login.password)).toBeUndefined();
    },
    async here(shared) {
      const { sdk } = shared;
      const made = await theirs(shared);
      const next = await sdk.rotatePassword(made.credentialId, otherPassword);
      const login = { ...made, password: otherPassword };
      expect(await outcome(signInHere(shared, made))).toBe("unauthorized.invalid_credential");
      await personOf(shared, login);
      for (const [status, expected] of [
        ["suspended", "unauthorized.invalid_credential"],
        ["active", "done"],
        ["revoked", "unauthorized.invalid_credential"],
      ] as const) {
        await sdk.setCredentialStatus(next, status);
        expect(await outcome(signInHere(shared, login)), status).toBe(expected);
      }
    },
  },
  {
    operation: "passkey",
    note: "the reference stores passkeys and verifies none",
    async there({ world, sdk }) {
      const person = await world.person();
      const device = await newAuthenticator();
      const response = await device.create(await world.auth.passkeys.registrationOptions(person));
      const { passkey } = await world.auth.passkeys.register({
        actor: person.actor,
        response,
        name: "laptop",
        transport: "token",
      });
      expect(await sdk.findCredential("passkey", device.credentialId)).toMatchObject({ id: uuid(passkey.id) });
    },
    async here(shared) {
      const { auth } = shared.world;
      const made = await theirs(shared);
      const device = await newAuthenticator();
      await shared.sdk.createPasskey(made.userId, { ...device, rpId: null });
      const signIn = async (userHandle: string) =>
        await auth.signIn.passkey({
          response: await device.get(await auth.signIn.passkeyOptions(), { userHandle }),
          context: { address: freshAddress() },
        });
      // The reference's own handle, which Sallyport has never seen.
      expect((await signIn("dGhlaXJz")).session.userId).toBe(userOf(made.userId));
    },
  },
  {
    operation: "OpenID Connect credential",
    note: "stored and read; neither side signs in with it",
    there: "Sallyport creates none",
    async here(shared) {
      const { userId } = await theirs(shared);
      const subject = freshIdentifier();
      const id = await shared.sdk.createOidc(userId, subject, "https://issuer.example", subject);
      const list = await shared.world.auth.credentials.list({ actor: system, userId: userOf(userId) });
      expect(list.data.map((one) => uuid(one.id))).toContain(id);
    },
  },
  {
    operation: "session: verify, refresh, revoke",
    async there({ world, sdk }) {
      const { auth } = world;
      const person = await world.person();
      expect(await sdk.verifySession(person.token)).toMatchObject({ userId: uuid(person.userId) });
      const next = await auth.sessions.refresh({ token: person.token, transport: "token" });
      expect(await sdk.verifySession(person.token)).toBeUndefined();
      expect(await sdk.verifySession(next.token)).toBeDefined();
      // Refreshed by the reference, it is a session of both still.
      const last = (await sdk.refreshSession(uuid(next.session.id)))!;
      expect(await outcome(auth.sessions.verify({ token: next.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect((await auth.sessions.verify({ token: last.token, transport: "token" })).user.id).toBe(person.userId);
      await auth.sessions.signOut({ token: last.token, transport: "token" });
      expect(await sdk.verifySession(last.token)).toBeUndefined();
    },
    async here(shared) {
      const { sdk } = shared;
      const { auth } = shared.world;
      const { userId, credentialId } = await theirs(shared);
      const made = (await sdk.createSession(userId, credentialId))!;
      expect((await auth.sessions.verify({ token: made.token, transport: "token" })).session).toMatchObject({
        amr: [],
      });
      const next = await auth.sessions.refresh({ token: made.token, transport: "token" });
      expect(await sdk.verifySession(made.token)).toBeUndefined();
      expect(await sdk.verifySession(next.token)).toBeDefined();
      await sdk.revokeSession(uuid(next.session.id));
      expect(await outcome(auth.sessions.verify({ token: next.token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
    },
  },
  {
    operation: "user: suspend, reinstate, revoke",
    note: "the reference's `verifyPassword` ignores the user's state; its `createSession` does not",
    async there({ world, sdk }) {
      const { auth } = world;
      const { userId, credentialId, token } = await world.person();
      const ids = [uuid(userId), uuid(credentialId)] as const;
      await auth.users.suspend({ actor: system, userId });
      expect(await sdk.verifySession(token)).toBeUndefined();
      expect(await sdk.createSession(...ids)).toBeUndefined();
      await auth.users.reinstate({ actor: system, userId });
      expect(await sdk.createSession(...ids)).toBeDefined();
      await auth.users.revoke({ actor: system, userId });
      expect(await sdk.createSession(...ids)).toBeUndefined();
      expect(await sdk.getUser(ids[0])).toMatchObject({ status: "revoked" });
    },
    async here(shared) {
      const { sdk } = shared;
      const made = await theirs(shared);
      const { token } = await personOf(shared, made);
      await sdk.suspendUser(made.userId);
      expect(await outcome(shared.world.auth.sessions.verify({ token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect(await outcome(signInHere(shared, made))).toBe("unauthorized.invalid_credential");
      await sdk.reinstateUser(made.userId);
      await personOf(shared, made);
      await sdk.revokeUser(made.userId);
      expect(await outcome(signInHere(shared, made))).toBe("unauthorized.invalid_credential");
    },
  },
  {
    operation: "authenticator app",
    note: 'with `sealing: "off"`; sealed secrets are Sallyport\'s alone. The reference takes a code again that Sallyport has used up',
    async there({ world, sdk }) {
      const { auth } = world;
      const person = await world.person();
      const { actor } = person;
      const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
      expect(await sdk.listFactors(uuid(person.userId))).toMatchObject([{ type: "totp", status: "pending" }]);
      const code = await app.code(-1);
      await auth.factors.confirmTotp({ actor, transport: "token", factorId: app.factorId, code });
      const verified = await sdk.verifyPassword(person.identifier, person.password);
      expect(verified).toMatchObject({ mfaRequired: true });
      expect(await sdk.verifyTotp(uuid(person.userId), await app.code())).toBe(true);
      await auth.factors.revoke({ actor: system, factorId: app.factorId });
      expect(await sdk.verifyPassword(person.identifier, person.password)).toMatchObject({ mfaRequired: false });
    },
    async here(shared) {
      const { sdk } = shared;
      const made = await theirs(shared);
      const { id, secret } = await sdk.enrollTotp(made.userId);
      await sdk.confirmFactor(id);
      const code = await codeNow(secret);
      const { session } = await signInWithCode(shared, made, code);
      expect(session.amr).toContain("otp");
      expect(await outcome(signInWithCode(shared, made, code))).toBe("unauthorized.replayed_totp");
      await sdk.revokeFactor(id);
      await personOf(shared, made);
    },
  },
  {
    operation: "authenticator app, enrolled on one side and confirmed on the other",
    async there({ world, sdk }) {
      const person = await world.person();
      const app = appOf(world, await world.auth.factors.enrollTotp({ actor: person.actor, label: "phone" }));
      await sdk.confirmFactor(uuid(app.factorId));
      expect(await sdk.verifyTotp(uuid(person.userId), await app.code())).toBe(true);
    },
    async here(shared) {
      const made = await theirs(shared);
      const person = await personOf(shared, made);
      const { id, secret } = await shared.sdk.enrollTotp(made.userId);
      const { factor } = await shared.world.auth.factors.confirmTotp({
        actor: person.actor,
        transport: "token",
        factorId: wireId("mfa", id),
        code: await codeNow(secret, -1),
      });
      expect(factor.status).toBe("active");
      expect(await shared.sdk.verifyPassword(made.identifier, made.password)).toMatchObject({ mfaRequired: true });
    },
  },
  {
    operation: "security key",
    note: "a key that awaits its registration is in `mfa_registration`, where the reference does not see it",
    async there({ world, sdk }) {
      const { auth } = world;
      const person = await world.person();
      const { actor } = person;
      const device = await newAuthenticator();
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      expect(await sdk.listFactors(uuid(person.userId))).toEqual([]);
      const response = await device.create(options);
      await auth.securityKeys.confirm({ actor, factorId: factor.id, response, transport: "token" });
      expect(await sdk.verifyPassword(person.identifier, person.password)).toMatchObject({ mfaRequired: true });
      const answer = await device.get({ ...options, rpId: options.rp.id } as never);
      const challenge = fromBase64Url(challengeOf(parseAssertionResponse(answer)!.clientDataJson)!)!;
      expect(await sdk.verifyWebauthn(uuid(person.userId), answer, challenge)).toBe(true);
    },
    async here(shared) {
      const { auth } = shared.world;
      const made = await theirs(shared);
      const device = await newAuthenticator();
      const id = await shared.sdk.enrollWebauthn(made.userId, { ...device, rpId: "example.com" });
      await shared.sdk.confirmFactor(id);
      for (const userHandle of [null, ""]) {
        const first = await signInHere(shared, made);
        if (!first.mfaRequired) throw new Error("No second factor is demanded.");
        const { ticket } = first;
        const response = await device.get(await auth.passkeys.proofOptions({ ticket }), { userHandle });
        const { session } = await auth.webauthn.signInWithFactor({ ticket, proof: { type: "webauthn", response } });
        expect(session.userId).toBe(userOf(made.userId));
      }
    },
  },
  {
    operation: "recovery codes, each once",
    async there({ world, sdk }) {
      const { auth } = world;
      const made = await world.person();
      const app = appOf(world, await auth.factors.enrollTotp({ actor: made.actor, label: "phone" }));
      const code = await app.code(-1);
      const person = await personAt(
        world,
        made,
        await auth.factors.confirmTotp({ actor: made.actor, transport: "token", factorId: app.factorId, code }),
      );
      const { codes } = await auth.factors.replaceRecoveryCodes({ actor: person.actor });
      const id = uuid(person.userId);
      expect([await sdk.verifyRecovery(id, codes[3]!), await sdk.verifyRecovery(id, codes[3]!)]).toEqual([true, false]);
    },
    async here(shared) {
      const made = await theirs(shared);
      const { id } = await shared.sdk.enrollTotp(made.userId);
      await shared.sdk.confirmFactor(id);
      const { codes } = await shared.sdk.enrollRecovery(made.userId);
      const use = async () => {
        const first = await signInHere(shared, made);
        if (!first.mfaRequired) throw new Error("No second factor is demanded.");
        const proof = { type: "recovery" as const, code: codes[7]! };
        return await shared.world.auth.signIn.factor({ ticket: first.ticket, proof });
      };
      expect([await outcome(use()), await outcome(use())]).toEqual(["done", "unauthorized.invalid_factor"]);
      expect(await shared.sdk.verifyRecovery(made.userId, codes[7]!)).toBe(false);
    },
  },
  {
    operation: "policy: set and read",
    note: "an active factor makes the row require one; what was set comes back with the end of the last factor",
    async there({ world, sdk }) {
      const { userId } = await world.person();
      const grace = new Date(Date.now() + 86_400_000);
      await world.auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil: grace });
      expect(await sdk.getPolicy(uuid(userId))).toEqual({ required: true, graceUntil: grace });
      await world.auth.mfaPolicies.set({ actor: system, userId, required: false });
      expect(await sdk.getPolicy(uuid(userId))).toEqual({ required: false, graceUntil: null });
    },
    async here(shared) {
      const made = await theirs(shared);
      await shared.sdk.setPolicy(made.userId, true);
      expect(await signInHere(shared, made)).toMatchObject({ mfaRequired: true, enroll: true });
      await shared.sdk.setPolicy(made.userId, false);
      await personOf(shared, made);
    },
  },
  {
    operation: "personal access token",
    async there({ world, sdk }) {
      const { auth } = world;
      const { userId } = await world.person();
      const create = async (expiresAt: Date) =>
        await auth.personalAccessTokens.create({ actor: system, userId, name: "ours", scope: ["a:b"], expiresAt });
      const { pat, token } = await create(new Date(Date.now() + 364 * 86_400_000));
      expect(await sdk.verifyPat(token)).toBe(uuid(userId));
      await auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id });
      expect(await sdk.verifyPat(token)).toBeUndefined();
    },
    async here(shared) {
      const { auth } = shared.world;
      const { userId } = await theirs(shared);
      // The reference measures the year by its own clock, which may be ahead.
      const end = new Date(Date.now() + 365 * 86_400_000 + 5_000);
      const { id, token } = await shared.sdk.createPat(userId, ["a:b"], end);
      const verify = async () =>
        await auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } });
      expect((await verify()).userId).toBe(userOf(userId));
      await shared.sdk.revokePat(id);
      expect(await outcome(verify())).toMatch(/^pat\./);
    },
  },
  {
    operation: "relation tuples",
    note: "Sallyport deletes none of a membership or an administrator",
    async there({ world, sdk }) {
      const { userId } = await world.person();
      await world.makeAdministrator(userId);
      const [tuple] = await world.rows<{ type: string; relation: string; id: string }>(sql`
        select object_type as type, relation, object_id::text as id from tup where subject_id = ${uuid(userId)}::uuid`);
      const found = await world.rows<{ allowed: boolean }>(sql`
        select tup_check('usr', ${uuid(userId)}::uuid, array[${tuple!.relation}::text], ${tuple!.type}, ${tuple!.id}::uuid)
          as allowed`);
      expect(found).toEqual([{ allowed: true }]);
      expect(sdk).toBeDefined();
    },
    async here(shared) {
      const { sdk, world } = shared;
      const { userId } = await theirs(shared);
      const object = crypto.randomUUID();
      const check = async () =>
        (
          await world.auth.tuples.check({
            subjectType: "usr",
            subjectId: userOf(userId),
            relation: "viewer",
            objectType: "doc",
            objectId: object,
          })
        ).allowed;
      expect([await sdk.createTuple(userId, "viewer", object), await check()]).toEqual([true, true]);
      expect([await sdk.createTuple(userId, "viewer", object), await sdk.check(userId, "viewer", object)]).toEqual([
        false,
        true,
      ]);
      await sdk.deleteTuple(userId, "viewer", object);
      expect(await check()).toBe(false);
    },
  },
  {
    operation: "organizations, invitations, shares",
    note: "the reference's own, also for users whom Sallyport made",
    async there({ world, sdk }) {
      const [owner, guest] = [await world.person(), await world.person()];
      await sdk.useTenancy(uuid(owner.userId), uuid(guest.userId));
    },
    here: "Sallyport has none",
  },
];

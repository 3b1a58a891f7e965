import { fromBase32 } from "../../src/crypto/base32.ts";
import { type Bytes, randomBytes, toHex } from "../../src/crypto/bytes.ts";
import { SealingKeys } from "../../src/crypto/sealing.ts";
import { type CredentialId, type FactorId, generateId, type UserId, uuidFor, wireId } from "../../src/domain/id.ts";
import type { Passkey } from "../../src/domain/passkey.ts";
import type { Session } from "../../src/domain/session.ts";
import { defaultTotp, generateTotpSecret, totpCode, totpStep } from "../../src/domain/totp.ts";
import { totpPlace } from "../../src/engine/mfa-settings.ts";
import type { AssertionBody, AttestationBody } from "../../src/http/generated/api.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, freshIdentifier, type Person, sealingKey, type World } from "./auth.ts";
import type { Authenticator } from "./authenticator.ts";

/** An authenticator app on a user's phone. */
export interface App {
  readonly factorId: FactorId;
  readonly secret: Bytes;
  /** The code that it shows now, by the database's clock, or some steps later. */
  code(stepsLater?: number): Promise<string>;
}

/** The phone that has read an enrollment's secret. */
export function appOf(
  world: Pick<World, "rows">,
  { factor, secretBase32 }: { factor: { id: string }; secretBase32: string },
): App {
  return appWith(world, factor.id as FactorId, fromBase32(secretBase32)!);
}

function appWith(world: Pick<World, "rows">, factorId: FactorId, secret: Bytes): App {
  return {
    factorId,
    secret,
    async code(stepsLater = 0) {
      const [row] = await world.rows<{ now: string }>(sql`select extract(epoch from sallyport_now())::text as now`);
      return await totpCode(secret, totpStep(Number(row!.now), defaultTotp) + stepsLater, defaultTotp);
    },
  };
}

/** Enrolls an authenticator app. This spends the code of the previous step, so the current one is unused. */
export async function addApp(
  world: World,
  person: Person,
  auth: FullAuth = world.auth,
): Promise<{ app: App; person: Person }> {
  const { actor, transport } = person;
  const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
  const confirm = async () =>
    await auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code(-1) });
  // If the clock runs, the step may end between the reading and the proof.
  const confirmed = await confirm().catch(confirm);
  return { app, person: await personAt(world, person, confirmed) };
}

/** A user with their most recent session. */
export async function personAt(
  world: World,
  person: Person,
  issued: Pick<Person, "session" | "token"> & { knownDevice?: string },
): Promise<Person> {
  const { token, session, knownDevice = person.knownDevice } = issued;
  const { transport } = person;
  const { actor } = await world.auth.sessions.verify({ token, transport, context: { address: freshAddress() } });
  return { ...person, token, session, actor, knownDevice };
}

/** Proves the password, up to the second factor. */
export async function ticketFor(
  world: World,
  { identifier, password, transport }: Person,
  auth: FullAuth = world.auth,
): Promise<string> {
  const signedIn = await auth.signIn.password({
    identifier,
    password,
    transport,
    context: { address: freshAddress() },
  });
  if (!signedIn.mfaRequired) throw new Error("No second factor is demanded.");
  return signedIn.ticket;
}

/** An authenticator app as a user's requests would have left it, whatever the state of their sessions. */
export async function givenApp(world: World, userId: string, status: "pending" | "active"): Promise<App> {
  const [id, owner, secret] = [uuidFor("mfa", generateId("mfa")), uuidFor("usr", userId), generateTotpSecret()];
  const sealed = await new SealingKeys(sealingKey).seal(totpPlace(id, owner), secret);
  await world.rows(sql`
    update mfa set status = 'revoked', pending_expires_at = null
    where usr_id = ${owner}::uuid and type = 'totp' and status = ${status}`);
  await world.rows(sql`
    insert into mfa (id, usr_id, type, status, identifier, totp_secret, totp_algorithm, totp_digits, totp_period,
      pending_expires_at, confirmed_at)
    values (${id}::uuid, ${owner}::uuid, 'totp', ${status}, 'phone', decode(${toHex(sealed)}, 'hex'), 'sha1', 6, 30,
      case when ${status} = 'pending' then sallyport_now() + interval '10 minutes' end,
      case when ${status} = 'active' then sallyport_now() end)`);
  return appWith(world, wireId("mfa", id), secret);
}

/**
 * A passkey without a usable key, by its id. An active one is more than a password, so the user's sessions are no longer fresh
 * unless they have proved that much (S04).
 */
export async function givenPasskey(
  world: World,
  userId: UserId,
  status: "active" | "suspended" = "active",
): Promise<CredentialId> {
  const id = uuidFor("cred", generateId("cred"));
  await world.rows(sql`
    insert into cred (id, usr_id, type, status, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
    values (${id}::uuid, ${uuidFor("usr", userId)}::uuid, 'passkey', ${status}, ${toHex(randomBytes(16))},
      decode('00', 'hex'), 0, 'example.com')`);
  return wireId("cred", id);
}

/** A second password, so that a user who loses the first still has a way to sign in (S33). */
export async function givenPassword(world: World, userId: string): Promise<void> {
  await world.rows(sql`
    insert into cred (id, usr_id, type, identifier, password_hash)
    values (${uuidFor("cred", generateId("cred"))}::uuid, ${uuidFor("usr", userId)}::uuid, 'password',
      ${freshIdentifier()}, 'none')`);
}

/** An authenticator's answer to a registration that the user of a session starts now, however old their proof is. */
export async function registrationBy(
  world: World,
  { actor, session }: Pick<Person, "actor" | "session">,
  authenticator: Authenticator,
): Promise<unknown> {
  return await freshly(
    world,
    session,
    async () => await authenticator.create(await world.auth.passkeys.registrationOptions({ actor })),
  );
}

/** A passkey that its user has registered in another session, so that the given one stays as it was. */
export async function addPasskey(
  world: World,
  person: Pick<Person, "actor" | "session" | "transport">,
  authenticator: Authenticator,
  name: string | null = null,
): Promise<Passkey> {
  const { actor, session, transport } = person;
  const response = await registrationBy(world, person, authenticator);
  const { passkey, session: made } = await freshly(
    world,
    session,
    async () => await world.auth.passkeys.register({ actor, response, name, transport }),
  );
  await world.rows(
    sql`update ses set revoked_at = null, ended_by = null where id = ${uuidFor("ses", session.id)}::uuid`,
  );
  await world.rows(sql`delete from ses where id = ${uuidFor("ses", made.id)}::uuid`);
  return passkey;
}

/** Acts as if a session had just been proved, and restores it afterwards. */
export async function freshly<Result>(
  world: World,
  { id }: Pick<Session, "id">,
  act: () => Promise<Result>,
): Promise<Result> {
  const session = sql`${uuidFor("ses", id)}::uuid`;
  // As text, because a JavaScript date has only milliseconds.
  const [before] = await world.rows<{ auth: string | null; mfa: string | null }>(
    sql`select auth_time::text as auth, mfa_verified_at::text as mfa from ses where id = ${session}`,
  );
  await world.rows(sql`
    update ses set auth_time = sallyport_now(), mfa_verified_at = greatest(sallyport_now(), created_at) where id = ${session}`);
  try {
    return await act();
  } finally {
    await world.rows(sql`
      update ses set auth_time = ${before!.auth}::timestamptz, mfa_verified_at = ${before!.mfa}::timestamptz
      where id = ${session}`);
  }
}

interface BrowserAnswer {
  readonly id: string;
  readonly response: Readonly<Record<string, string>> & { readonly transports?: string[] };
}

/** A browser's response in the specification's form. */
export function assertionBody(answer: unknown): AssertionBody {
  const { id, response } = answer as BrowserAnswer;
  return {
    credential_id_b64u: id,
    client_data_json_b64u: response.clientDataJSON!,
    authenticator_data_b64u: response.authenticatorData!,
    signature_b64u: response.signature!,
    ...(response.userHandle !== undefined && { user_handle_b64u: response.userHandle }),
  };
}

/** The same for a registration. */
export function attestationBody(answer: unknown): AttestationBody {
  const { id, response } = answer as BrowserAnswer;
  return {
    credential_id_b64u: id,
    client_data_json_b64u: response.clientDataJSON!,
    attestation_object_b64u: response.attestationObject!,
    ...(response.transports && { transports: response.transports }),
  };
}

/** A browser's answer as a proof, in the form of a path: Flametrench's under `/v1`, the browser's own under `/auth` (S73). */
export const proofAt = (path: string, answer: unknown): object =>
  path.startsWith("/v1/")
    ? { type: "webauthn", assertion: assertionBody(answer) }
    : { type: "webauthn", response: answer };

/** The same for the confirmation of a new key. */
export const confirmationAt = (path: string, answer: unknown): object =>
  path.startsWith("/v1/")
    ? { type: "webauthn", attestation: attestationBody(answer) }
    : { type: "webauthn", response: answer };

/** Well-formed answers that answer nothing. */
const madeUp = { id: "AAAA", rawId: "AAAA", type: "public-key" };
export const madeUpAssertion = {
  ...madeUp,
  response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" },
};
export const madeUpRegistration = { ...madeUp, response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } };

import { fromBase64Url, toBase64Url, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { newUuid, uuidFor } from "../domain/id.ts";
import { type IdentityProvider, isIssuerAmong, type ProvedIdentity } from "../domain/identity-provider.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { acceptTypedName } from "../domain/text.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { normalIdentifier } from "../engine/identifiers.ts";
import { type BegunAttempt, openAttempt } from "../engine/provider-attempts.ts";
import type * as store from "../store/linked-identities.ts";
import { isOneFamily } from "../store/provider-sessions.ts";
import type { Statement } from "../store/sql.ts";
import { type AskedProvider, askProvider, recordRefusedProof } from "./provider-admission.ts";

/** The provider's answer, and the sign-in that it belongs to. */
export interface ProviderAnswer {
  readonly provider: string;
  /** The URL that the browser came to, or the form that the provider sent with it. */
  readonly answer: URL | URLSearchParams;
  /** What `start` gave for this browser. */
  readonly attempt: string | undefined;
  /** A session token that the client already holds. Its session ends when the sign-in succeeds. */
  readonly presentedToken?: string | undefined;
  readonly context?: RequestContext | undefined;
}

/** How far a provider's clock may be behind ours, in seconds. */
const clockToleranceSeconds = 60;

/** @throws {AuthError} `not_found`. */
export function providerOf(core: Pick<FederationCore, "providers">, name: string): IdentityProvider {
  const provider = core.providers.get(name);
  if (!provider) throw new AuthError("not_found");
  return provider;
}

export function refused(reason: string): AuthError {
  return new AuthError("unauthorized.provider", { details: { reason } });
}

/**
 * Verifies the provider's answer to a sign-in of this purpose that this browser has begun. A refusal here spends nothing: only the
 * statement that uses the identity does. A refusal of an attempt that began here leaves an event.
 *
 * @param actor The session that must have begun it, or have replaced the one that did: another one may be of another account.
 */
export async function prove(
  core: FederationCore,
  { provider: name, answer, attempt, context }: ProviderAnswer,
  purpose: BegunAttempt["purpose"],
  actor?: SessionActor,
): Promise<{ identity: ProvedIdentity; begun: BegunAttempt }> {
  const provider = providerOf(core, name);
  const begun = await openAttempt(core, name, attempt);
  // Anyone can send a callback. Without an attempt that began here, nothing is asked and nothing is written.
  if (begun?.purpose !== purpose) throw refused("state_mismatch");
  const by = { actor, context: cleanContext(actor?.context ?? context ?? {}) };
  try {
    return { identity: await verify(core, provider, { answer, begun, ...by }), begun };
  } catch (refusal) {
    await recordRefusedProof(core, provider, { begun, refusal, ...by });
    throw refusal;
  }
}

async function verify(
  core: FederationCore,
  provider: IdentityProvider,
  asked: AskedProvider & { readonly actor: SessionActor | undefined },
): Promise<ProvedIdentity> {
  const { begun, actor } = asked;
  if (actor) await requireBeginner(core, actor, begun);
  const identity = await askProvider(core, provider, asked);
  // The answer of a provider that an application wrote itself.
  const { issuer, subject, email, name: called, authTime } = identity;
  const areTexts = [email, called].every((text) => text === undefined || typeof text === "string");
  const isTime = authTime === undefined || Math.abs(authTime) < 1e11;
  if (!isIssuerAmong(provider.issuers, issuer) || !isSubject(subject) || !areTexts || !isTime)
    throw refused("invalid_identity");
  // The provider was asked for a new proof, and has told of an old one or of none.
  const { again, createdAt } = begun.attempt;
  if (again && !(authTime !== undefined && authTime >= createdAt - clockToleranceSeconds)) throw refused("auth_time");
  return identity;
}

/** Refuses another session than the one that began, or one that replaced it since: by a refresh in another tab, or by a step-up. */
async function requireBeginner(core: FederationCore, actor: SessionActor, begun: BegunAttempt): Promise<void> {
  const { sessionId } = sessionOf(actor);
  if (begun.sessionId === sessionId) return;
  const body = isOneFamily(uuidFor("ses", begun.sessionId!), uuidFor("ses", sessionId));
  const { isSame } = await execute(core, { body, onLostReply: "repeat" });
  if (!isSame) throw refused("other_session");
}

/** True for a text that can name a user at an issuer (OpenID Connect Core §2). */
export function isSubject(subject: unknown): subject is string {
  return typeof subject === "string" && /^[\x20-\x7e]{1,255}$/.test(subject);
}

/** An identity as it is stored. Its address counts only if the provider has verified it and it has a normal form. */
export function newIdentity(core: Core, provider: string, identity: ProvedIdentity): store.NewIdentity {
  const { issuer, subject, email, emailVerified, isPrivateEmail, name } = identity;
  // A provider that an application wrote itself may say anything, such as the text "false".
  const address = emailVerified === true && email !== undefined ? normalIdentifier(core, email) : undefined;
  return {
    credentialId: newUuid(),
    issuer,
    subject,
    identifier: `${issuer} ${subject}`,
    provider,
    email: address?.includes("@") ? address : null,
    label: nameOf(email ?? name),
    isPrivateEmail: isPrivateEmail === true,
  };
}

/** SQL that keeps the tokens of a provider's answer, if the application keeps them. */
export async function keepingOf(
  core: FederationCore,
  identity: store.NewIdentity,
  { tokens }: ProvedIdentity,
): Promise<((from: Statement) => Statement) | undefined> {
  return tokens && (await core.tokenKeeping?.keep(core, identity, tokens));
}

/** The fields of a form as a text for a cookie. */
export function packAnswer(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
  return toBase64Url(utf8(new URLSearchParams(given).toString()));
}

/** The fields of such a text, or undefined for another one. */
export function unpackAnswer(text: string): URLSearchParams | undefined {
  const bytes = fromBase64Url(text);
  return bytes && new URLSearchParams(new TextDecoder().decode(bytes));
}

/** The session at the provider, if its name can be stored. */
export function sidOf({ sid }: ProvedIdentity): string | undefined {
  return typeof sid === "string" && /^[\x20-\x7e]{1,255}$/.test(sid) ? sid : undefined;
}

/** When the user proved to the provider that it is them, if it says so. */
export function provedAtOf({ authTime }: ProvedIdentity): Date | undefined {
  return authTime === undefined ? undefined : new Date(authTime * 1_000);
}

/** The digest under which the end of a session at a provider is noted. */
export async function overDigest(issuer: string, sid: string): Promise<string> {
  return await sha256Hex(JSON.stringify(["over", issuer, sid]));
}

/** A name that pages can show, or null. */
export function nameOf(text: string | undefined): string | null {
  try {
    return text === undefined ? null : acceptTypedName(text) || null;
  } catch {
    return null;
  }
}

/**
 * The sign-in with an identity that a provider has proved.
 *
 * @module
 */
import { sha256Hex } from "../crypto/digest.ts";
import * as acts from "../domain/acts/provider.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid } from "../domain/id.ts";
import type { ProvedIdentity } from "../domain/identity-provider.ts";
import { cleanContext } from "../domain/request-context.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import { attemptSeconds, type BegunAttempt } from "../engine/provider-attempts.ts";
import { executeAndPurge } from "../engine/purge.ts";
import { sealText } from "../engine/sealed-text.ts";
import { issued, newSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import * as store from "../store/linked-identities.ts";
import { type ProviderSignInRow, recallIdentitySignIn, signInWithIdentity } from "../store/provider-sign-in.ts";
import {
  keepingOf,
  nameOf,
  newIdentity,
  overDigest,
  type ProviderAnswer,
  provedAtOf,
  refused,
  sidOf,
} from "./provider-answer.ts";
import type { SignedIn } from "./sign-in.ts";

/** An account has the identity's address, and its owner must sign in to link it. */
export interface LinkingRequired {
  readonly linkingRequired: true;
  /** For this browser alone, 10 minutes: give it to `link` after the owner has signed in. */
  readonly identity: string;
}

/** Signs in with a proved identity, links it by its address, or makes an account for it. */
export async function signInWith(
  core: FederationCore,
  of: { asked: ProviderAnswer; identity: ProvedIdentity; begun: BegunAttempt },
): Promise<SignedIn | LinkingRequired> {
  const { asked, identity: proved, begun } = of;
  const identity = newIdentity(core, asked.provider, proved);
  const context = cleanContext(asked.context ?? {});
  const { session, token } = await newSession(core, { transport: "cookie", context, remember: begun.remember });
  const ticket = generateOpaqueToken();
  const presentedTokenHash = await digestOfToken(asked.presentedToken);
  const auditId = newAuditId();
  const sid = sidOf(proved);
  const { email } = identity;
  const { linking } = core;
  const row = await executeAndPurge(core, {
    locks: locksOf(
      acts.signInWithProvider,
      ...store.lockIdentity(identity),
      ...(email === null ? [] : lockIdentifier(email)),
      ...lockOfToken(presentedTokenHash),
    ),
    mustCommit: true,
    body: signInWithIdentity({
      identity,
      identifiers: email === null ? [] : identifiersFor(core, email),
      userId: newUuid(),
      displayName: nameOf(proved.name),
      maySignUp: core.signUp === "open" || (core.signUp === "verify-first" && email !== null),
      asksToLink: linking !== "never",
      trusted: typeof linking === "object" ? linking.trusted : [],
      sid,
      overDigest: sid && (await overDigest(identity.issuer, sid)),
      authTime: provedAtOf(proved),
      provesAgain: core.providers.get(asked.provider)?.provesAgain === true,
      amr: ["fed", ...(provesFactor(core, proved) ? ["mfa"] : [])],
      attempt: begun.spent,
      keepTokens: await keepingOf(core, identity, proved),
      mostIdentities: core.maxIdentities,
      counters: await addressCounters(core, context.address),
      session,
      ticketHash: await sha256Hex(ticket),
      presentedTokenHash,
      context,
      identityDigest: await core.keys.digest("login", identity.identifier),
      auditId,
      linkAuditId: newAuditId(),
    }),
    onLostReply: recallIdentitySignIn(session.sessionId, auditId),
  });
  requireAdmitted(row);
  const code = refusals[row.outcome];
  if (code) throw code === "unauthorized.provider" ? refused(row.outcome) : new AuthError(code);
  if (row.outcome === "ask") {
    // No more than is stored: a provider's answer may have secrets, and be long.
    const { issuer, subject, label } = identity;
    const kept = { id: begun.spent.digest, issuer, subject, email, emailVerified: true, provider: asked.provider };
    const text = JSON.stringify({ ...kept, ...(label !== null && { name: label }) });
    const end = new Date(row.now.getTime() + attemptSeconds * 1_000);
    return { linkingRequired: true, identity: await sealText(core, ["identity"], text, end) };
  }
  if (row.next === "again") throw new AuthError("unauthorized.reauthentication_required");
  if (row.next === "closed") throw new AuthError("forbidden.enrollment_not_granted");
  if (row.next !== "session")
    return { mfaRequired: true, ticket, factors: row.factors ?? [], enroll: row.next === "enroll" };
  const signedIn = issued(row, token);
  return {
    ...signedIn,
    mfaRequired: false,
    knownDevice: await issueKnownDevice(core, signedIn.session.credentialId),
  };
}

/** The outcomes that are refused. */
const refusals: { readonly [Outcome in ProviderSignInRow["outcome"]]?: AuthError["code"] } = {
  used: "unauthorized.provider",
  blocked: "unauthorized.provider",
  taken: "conflict.duplicate_credential",
  closed: "forbidden.sign_up_closed",
  full: "precondition.limit_reached",
};

/** True if what the provider says of this sign-in counts as a second factor here. */
export function provesFactor({ trustsMfa }: FederationCore, { issuer, acr, amr = [] }: ProvedIdentity): boolean {
  return trustsMfa.some(
    (trust) =>
      trust.issuer === issuer &&
      (!trust.acr || (acr !== undefined && trust.acr.includes(acr))) &&
      (!trust.amr || trust.amr.every((method) => amr.includes(method))),
  );
}

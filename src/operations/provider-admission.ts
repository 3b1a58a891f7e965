import type { Audited } from "../domain/act.ts";
import type { SessionActor } from "../domain/actor.ts";
import { failedProviderSignIn, linkIdentity, stepUpWithProvider } from "../domain/acts/provider.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid } from "../domain/id.ts";
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { addressCounters } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { attemptSeconds, type BegunAttempt } from "../engine/provider-attempts.ts";
import { type Counter, countAlone } from "../store/counters.ts";
import { insertRefusedProof } from "../store/provider-sign-in.ts";
import { providerFault } from "./provider-fault.ts";

/** How often one attempt may ask the provider. A browser repeats a callback whose reply was lost. */
const asksOfAttempt = 5;

/** A provider's answer to an attempt that began here. */
export interface AskedProvider {
  readonly answer: URL | URLSearchParams;
  readonly begun: BegunAttempt;
  readonly context: RequestContext;
}

/**
 * Asks the provider about its answer. An isolate lets a few requests of an attempt, an address and a network through, and counts
 * none of an address that end well; after that, the database counts each before it is sent.
 *
 * @throws {AuthError} `too_many_requests`, `unauthorized.provider`, `unavailable.provider`.
 */
export async function askProvider(
  core: FederationCore,
  provider: IdentityProvider,
  { answer, begun, context }: AskedProvider,
): Promise<ProvedIdentity> {
  const { admissions } = core;
  const attempt: Counter = {
    name: `callback:${begun.spent.digest}`,
    limit: { attempts: asksOfAttempt, windowSeconds: attemptSeconds },
    kind: "address",
  };
  // Counters of their own: the statement that signs in counts its address again.
  const addresses = await addressesOf(core, "callback", context);
  const counters = [attempt, ...addresses];
  if (admissions.mustAsk(counters)) {
    const body = countAlone(newUuid(), counters);
    admissions.requireAllowed(counters, await execute(core, { body, mustCommit: true, onLostReply: "repeat" }));
  }
  try {
    const identity = await provider.finish(answer, begun.attempt);
    admissions.forgive(addresses);
    return identity;
  } catch (error) {
    // Nothing was sent: another site can lead a browser here with an answer that is not its own.
    if ((error as { error?: unknown } | undefined)?.error === "state_mismatch") admissions.forgive(counters);
    throw providerFault(core, error);
  }
}

/** What the attempts of each purpose are in the audit log if the provider's answer is refused. */
const refusedActs: { readonly [Purpose in BegunAttempt["purpose"]]: Audited } = {
  sign_in: failedProviderSignIn,
  link: linkIdentity,
  step_up: stepUpWithProvider,
};

/**
 * Counts a refused answer, and leaves its event unless its address or network has had too many. Both are one statement. The counters
 * are used for nothing else: another site can cause refusals, and must not end a browser's attempt with them.
 *
 * A failure of the statement never changes the refusal (S03).
 */
export async function recordRefusedProof(
  core: FederationCore,
  { name }: IdentityProvider,
  of: { begun: BegunAttempt; refusal: unknown; actor: SessionActor | undefined; context: RequestContext },
): Promise<void> {
  const { begun, refusal, actor, context } = of;
  if (!(refusal instanceof AuthError) || refusal.code !== "unauthorized.provider") return;
  try {
    const body = insertRefusedProof({
      auditId: newAuditId(),
      act: refusedActs[begun.purpose],
      actor,
      context,
      counters: await addressesOf(core, "refused-callback", context),
      attemptDigest: begun.spent.digest,
      provider: name,
      reason: String(refusal.details!.reason),
    });
    await execute(core, { body, mustCommit: true, onLostReply: "repeat" });
  } catch (error) {
    // `execute` has reported a database that does not answer.
    if (!(error instanceof AuthError)) core.onError(error);
  }
}

async function addressesOf(
  core: FederationCore,
  use: string,
  { address }: RequestContext,
): Promise<readonly Counter[]> {
  const counters = await addressCounters(core, address);
  return counters.map((counter) => ({ ...counter, name: `${use}:${counter.name}` }));
}

import { newUuid } from "../domain/id.ts";
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { addressCounters } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { attemptSeconds, type BegunAttempt } from "../engine/provider-attempts.ts";
import { type Counter, countAlone } from "../store/counters.ts";
import { providerFault } from "./provider-fault.ts";

/** How often one attempt may ask the provider. A browser repeats a callback whose reply was lost. */
const asksOfAttempt = 5;

/**
 * Asks the provider about its answer. An isolate lets a few requests of an attempt, an address and a network through, and counts
 * none of an address that end well; after that, the database counts each before it is sent.
 *
 * @throws {AuthError} `too_many_requests`, `unauthorized.provider`, `unavailable.provider`.
 */
export async function askProvider(
  core: FederationCore,
  provider: IdentityProvider,
  {
    answer,
    begun,
    context,
  }: { answer: URL | URLSearchParams; begun: BegunAttempt; context: RequestContext | undefined },
): Promise<ProvedIdentity> {
  const { admissions } = core;
  const attempt: Counter = {
    name: `callback:${begun.spent.digest}`,
    limit: { attempts: asksOfAttempt, windowSeconds: attemptSeconds },
    kind: "address",
  };
  // Counters of their own: the statement that signs in counts its address again.
  const addresses = (await addressCounters(core, cleanContext(context ?? {}).address)).map((counter) => ({
    ...counter,
    name: `callback:${counter.name}`,
  }));
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

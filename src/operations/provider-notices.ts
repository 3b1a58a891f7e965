/**
 * Messages that a provider sends by itself.
 *
 * @module
 */
import { sha256Hex } from "../crypto/digest.ts";
import * as acts from "../domain/acts/provider.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import { isIssuerAmong, type ProviderNotice } from "../domain/identity-provider.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { execute } from "../engine/execute.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { locksOf } from "../engine/locks.ts";
import { attemptSeconds } from "../engine/provider-attempts.ts";
import { endByProvider, lockNamed, recallNotice } from "../store/provider-sessions.ts";
import { overDigest, providerOf } from "./provider-answer.ts";
import { providerFault } from "./provider-fault.ts";

/** Ends what a provider's message ends. A message about a user whom no account knows is heeded too, and ends nothing. */
export async function heedProvider(
  core: FederationCore,
  { provider: name, token, context = {} }: { provider: string; token: string; context?: RequestContext | undefined },
): Promise<void> {
  const said = await read(core, name, token);
  const { ends, issuer, subject, sid, issuedAt, expiresAt } = said;
  if (ends === "nothing") return;
  const notice = {
    ends,
    issuer,
    subject,
    sid,
    provider: name,
    issuedAt: new Date((issuedAt + clockToleranceSeconds) * 1_000),
    spent: {
      digest: await sha256Hex(JSON.stringify(["notice", issuer, said.id])),
      expiresAt: new Date(expiresAt * 1_000),
    },
    over: sid
      ? {
          digest: await overDigest(issuer, sid),
          expiresAt: new Date((issuedAt + attemptSeconds + clockToleranceSeconds) * 1_000),
        }
      : undefined,
    auditId: newAuditId(),
    context: cleanContext(context),
  };
  const { isNew } = await execute(core, {
    locks: locksOf(acts.endProviderSessions, lockNamed(notice)),
    body: endByProvider(notice),
    mustCommit: true,
    onLostReply: recallNotice(notice.spent),
  });
  if (!isNew) throw refusedNotice("used");
}

/** How far a provider's clock may be behind the database's, in seconds. */
const clockToleranceSeconds = 60;

async function read(core: FederationCore, name: string, token: string): Promise<ProviderNotice> {
  const provider = providerOf(core, name);
  if (!provider.readNotice) throw new AuthError("not_found");
  let said: ProviderNotice;
  try {
    said = await provider.readNotice(token);
  } catch (error) {
    const fault = providerFault(core, error);
    if (!(fault instanceof AuthError) || fault.code !== "unauthorized.provider") throw fault;
    throw refusedNotice(String(fault.details?.reason), error);
  }
  // The message of a provider that an application wrote itself.
  if (!isIssuerAmong(provider.issuers, said.issuer) || (said.ends !== "nothing" && !said.subject && !said.sid))
    throw refusedNotice("invalid");
  return said;
}

function refusedNotice(reason: string, cause?: unknown): AuthError {
  return new AuthError("invalid_format.notice", { details: { reason }, cause });
}

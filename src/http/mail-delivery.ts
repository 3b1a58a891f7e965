import type { Context } from "hono";
import type { WithRealm } from "../engine/realm.ts";
import type { MailAuth } from "../operations/mail.ts";
import { realmOf } from "./auth-source.ts";

/**
 * Sends what is owed after the answer, so that the answer neither waits for a mail provider nor shows by its time whether there
 * was anything to send. What is not sent now is sent on the schedule. Without the feature `mail`, nothing is owed.
 */
export function deliverSoon(c: Context, auth: Partial<Pick<MailAuth, "mail">> & WithRealm): void {
  realmOf(auth).core.database.takeOwed?.();
  // Few, because a Worker may be ended half a minute after its answer.
  const delivery = auth.mail?.deliver({ limit: 5 }).catch(realmOf(auth).report);
  if (delivery) waitUntil(c)?.(delivery);
}

/**
 * {@link deliverSoon}, if a change since the last delivery may owe a message: a notice waits for no schedule. Not after a refusal,
 * which must cost the same for every identifier (S58); the next success then sends what it owes.
 */
export function deliverOwed(c: Context, auth: WithRealm): void {
  if (realmOf(auth).core.database.takeOwed?.()) deliverSoon(c, auth);
}

/** A Worker ends work that it was not told of. Node, Deno and Bun go on by themselves, and have no such function. */
export function waitUntil(c: Context): ((work: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = c;
    return (work) => executionCtx.waitUntil(work);
  } catch {
    return undefined;
  }
}

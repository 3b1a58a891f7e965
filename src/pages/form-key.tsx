import { newUuid } from "../domain/id.ts";
import { openText, sealText, type TextBinding } from "../engine/sealed-text.ts";
import { realmOf } from "../http/auth-source.ts";
import { readCookie, ticketCookie } from "../http/cookies.ts";
import { AuthError } from "../index.ts";
import type { Form } from "./form.ts";
import type { TextName } from "./language.ts";
import { Hidden } from "./parts.tsx";
import type { Words } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit, Visit } from "./route.ts";

/** How long a form may stay open, in seconds: half as long as the database remembers a used key. */
const formSeconds = 43_200;

const name = "form_key";

/** The field that makes a form work once. The operation spends the key in the statement that acts. */
export async function FormKey({ visit, act }: { visit: Visit | UserVisit; act: string }): Promise<Rendered> {
  const end = "asOf" in visit ? new Date(visit.asOf.getTime() + formSeconds * 1000) : undefined;
  return <Hidden name={name} value={await sealText(realmOf(visit.auth).core, bindingOf(visit, act), newUuid(), end)} />;
}

/**
 * The key of a form, for the operation of its act.
 *
 * @throws {AuthError} `invalid_format.idempotency_key` if the form is not of this session or ticket, or has been open for too
 *   long; `unauthorized.invalid_ticket` without either.
 */
export async function formKeyOf(visit: Visit | UserVisit, act: string, form: Form): Promise<string> {
  if (!("session" in visit) && !readCookie(visit.c, visit.auth, ticketCookie))
    throw new AuthError("unauthorized.invalid_ticket");
  const now = "asOf" in visit ? visit.asOf : undefined;
  const key = await openText(realmOf(visit.auth).core, bindingOf(visit, act), form.text(name), now);
  if (key === undefined) throw new AuthError("invalid_format.idempotency_key");
  return key;
}

/** What a form is bound to: the session that asked for it, or the login ticket, whose life is shorter than any form's. */
function bindingOf(visit: Visit | UserVisit, act: string): TextBinding {
  if ("session" in visit) return ["form", act, "session", visit.formsOf ?? visit.session.id];
  return ["form", act, "ticket", readCookie(visit.c, visit.auth, ticketCookie) ?? ""];
}

/** Says what happened to a form that was sent twice. */
export function sentTwice(text: TextName): Words {
  return { "conflict.idempotency_key_used": text };
}

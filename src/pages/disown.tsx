import { readCookie, sessionCookie } from "../http/cookies.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import { AuthError } from "../index.ts";
import type { Form } from "./form.ts";
import type { TextName } from "./language.ts";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { forgetLink, mailOf } from "./mailed-link.tsx";
import { attempt } from "./refusal.ts";
import type { Visit } from "./route.ts";
import { CodeForms, type FailedCode } from "./second-factor.tsx";

/** The page of a notice's link. */
interface NoticePage {
  /** Where its form is sent, below the base path. */
  readonly action: string;
  readonly title: TextName;
  /** The page again, with the reason why nothing was done. */
  again(visit: Visit, refusal: AuthError): Response | Promise<Response>;
}

/** Locks the account of a notice. If the account had a factor, the page asks for its code, and counts a session that proved it. */
export async function disown(
  visit: Visit,
  { form, token }: { form: Form; token: string },
  page: NoticePage,
): Promise<Response> {
  const { c, site, context } = visit;
  const auth = mailOf(visit);
  const [code, type] = [form.text("code"), form.text("type") === "recovery" ? "recovery" : "totp"] as const;
  const cookie = readCookie(c, auth, sessionCookie);
  const session = cookie === undefined ? undefined : ({ token: cookie, transport: "cookie" } as const);
  const proof = code ? { type, code } : undefined;
  const acceptLanguage = site.language.tag;
  const disowned = auth.notices.disown({ token, session, proof, acceptLanguage, context });
  const { value, refusal } = await attempt(disowned).catch((error: unknown) => {
    if (!isStale(error)) throw error;
    return { value: undefined, refusal: error };
  });
  if (value) {
    deliverSoon(c, auth);
    forgetLink(visit);
    return await lockedPage(visit, value.identifier);
  }
  if (refusal.code === "unauthorized.invalid_link" || !(proof || isStale(refusal)))
    return await page.again(visit, refusal);
  return await codePage(visit, page, proof && { type, refusal }, refusal);
}

function isStale(error: unknown): error is AuthError {
  return error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
}

/** Asks for a code, because the mailbox alone is not enough. */
function codePage(
  visit: Visit,
  { action, title }: NoticePage,
  failed: FailedCode | undefined,
  refusal: AuthError,
): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p role="alert">{site.say("address.back.factor")}</p>
      <CodeForms
        site={site}
        action={site.path(action)}
        having={["totp", "recovery"]}
        next=""
        failed={failed}
        carried={<LinkMark visit={visit} />}
      />
      <p class="hint">{site.say("address.back.factor.note")}</p>
    </>
  );
  return respond(visit, { title: site.text(title as "not-me.title"), children, refusal });
}

function lockedPage(visit: Visit, identifier: string): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("not-me.done.text", { address: <bdi>{identifier}</bdi> })}</p>
      <p class="hint">{site.say("not-me.done.note")}</p>
    </>
  );
  return respond(visit, { title: site.text("not-me.done"), children });
}

import { acceptTypedName } from "../domain/text.ts";
import { clearCookie, readCookie, ticketCookie } from "../http/cookies.ts";
import type { TotpEnrollment } from "../http/mfa.ts";
import { signedIn } from "../http/session-cookie.ts";
import type { AuthError } from "../index.ts";
import { FormKey, formKeyOf, sentTwice } from "./form-key.tsx";
import { respond } from "./layout.tsx";
import { nextPath, pathWith } from "./next-path.ts";
import { Alert, CodeField, CopyButtons, Field, Hidden, QrCode } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";
import { presented } from "./second-factor.tsx";
import { signInAgain } from "./sign-in.tsx";
import { signInBecause } from "./why.ts";

const shownCode = sentTwice("enroll.once");

const confirmPath = "/sign-in/enroll/confirm";

/** Enrolling a first factor, for users who must have one to sign in. */
export const enrollmentRoutes: readonly PageRoute[] = [
  openPage("/sign-in/enroll", (visit) => {
    const { c, site, auth } = visit;
    const next = nextPath(c.req.query("next"), visit);
    if (!readCookie(c, auth, ticketCookie)) return c.redirect(signInBecause(visit, "ticket", next), 303);
    return beginPage(visit, { next, label: site.text("app.name") });
  }),

  openForm("/sign-in/enroll", "/sign-in", async (visit, form) => {
    const next = nextPath(form.text("next"), visit);
    const label = form.text("label");
    const enroll = async () =>
      await visit.auth.factors.enrollTotp({
        ...presented(visit),
        label: acceptTypedName(label),
        idempotencyKey: await formKeyOf(visit, "/sign-in/enroll", form),
      });
    const { value, refusal } = await attempt(enroll());
    if (refusal?.code === "unauthorized.invalid_ticket") return await signInAgain(visit, next);
    if (refusal) return await beginPage(visit, { next, label, refusal });
    return await confirmPage(visit, {
      action: confirmPath,
      next,
      enrollment: value,
      factorId: value.factor.id,
    });
  }),

  openForm(confirmPath, "/sign-in", async (visit, form) => {
    const { c, auth, context } = visit;
    const next = nextPath(form.text("next"), visit);
    const factorId = form.id<"mfa">("factor_id");
    const { value, refusal } = await attempt(
      auth.factors.confirmTotp({ ...presented(visit), factorId, code: form.text("code") }),
    );
    if (refusal?.code === "unauthorized.invalid_ticket") return await signInAgain(visit, next);
    if (refusal) return await confirmPage(visit, { action: confirmPath, next, factorId, refusal });
    clearCookie(c, auth, ticketCookie);
    signedIn(c, auth, "cookie", value);
    // The user is signed in now, whether or not the codes can be created. Without codes, the user can create some on the
    // account page.
    const made = await attempt(
      auth.sessions
        .verify({ token: value.token, transport: "cookie", context })
        .then(({ actor }) => auth.factors.replaceRecoveryCodes({ actor })),
    );
    return made.value ? await recoveryCodesPage(visit, { codes: made.value.codes, next }) : c.redirect(next, 303);
  }),
];

function beginPage(
  visit: Visit,
  { next, label, refusal }: { next: string; label: string; refusal?: AuthError },
): Response | Promise<Response> {
  const { site } = visit;
  const isOfLabel = refusal?.code === "invalid_format.name";
  const children = (
    <>
      <p>{site.say("enroll.text")}</p>
      <form method="post" action={site.path("/sign-in/enroll")}>
        <Alert>{refusal && !isOfLabel ? sentenceFor(site, refusal, shownCode) : undefined}</Alert>
        <FormKey visit={visit} act="/sign-in/enroll" />
        <Hidden name="next" value={next} />
        <Field
          site={site}
          form="enroll"
          name="label"
          label={site.say("enroll.label")}
          value={label}
          maxlength={120}
          autocomplete="off"
          error={refusal && isOfLabel ? sentenceFor(site, refusal) : undefined}
        />
        <button type="submit">{site.say("enroll.button")}</button>
      </form>
    </>
  );
  return respond(visit, { title: site.text("enroll.title"), children, refusal });
}

/**
 * The page that shows an app's secret, only this once, and asks for the first code. A wrong code shows it again, without the
 * secret.
 */
export function confirmPage(
  visit: Visit,
  page: {
    /** Below the base path of the site. */
    action: string;
    next: string;
    factorId: string;
    enrollment?: TotpEnrollment;
    refusal?: AuthError;
    signedIn?: boolean;
  },
): Response | Promise<Response> {
  const { next, factorId, enrollment, refusal, signedIn } = page;
  const { site } = visit;
  const action = site.path(page.action);
  const start = action.replace(/\/confirm$/, "");
  const children = (
    <>
      {enrollment ? (
        <>
          <p>{site.say("app.scan")}</p>
          <QrCode text={enrollment.otpauthUri} label={site.text("app.qr-code")} />
          <dl>
            <dt>{site.say("app.key")}</dt>
            <dd>
              <code class="secret">{enrollment.secretBase32.match(/.{1,4}/g)!.join(" ")}</code>
            </dd>
          </dl>
          <p>
            <a href={enrollment.otpauthUri}>{site.say("app.open")}</a>
          </p>
        </>
      ) : (
        <p>
          {site.say("app.not-scanned", {
            link: <a href={signedIn ? start : pathWith(start, { next })}>{site.say("app.not-scanned.link")}</a>,
          })}
        </p>
      )}
      <form method="post" action={action}>
        <Hidden name="next" value={next} />
        <Hidden name="factor_id" value={factorId} />
        <CodeField
          site={site}
          form="confirm"
          label={site.text("app.code")}
          error={refusal && sentenceFor(site, refusal, shownCode)}
        />
        <button type="submit">{site.say("app.confirm")}</button>
      </form>
    </>
  );
  return respond(visit, { title: site.text("app.title"), children, refusal, signedIn: signedIn ?? false });
}

/** The page that shows recovery codes, only this once. */
export function recoveryCodesPage(
  visit: Visit,
  { codes, next }: { codes: readonly string[]; next: string },
): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("codes.text")}</p>
      <ol class="codes" id="codes">
        {codes.map((code) => (
          <li>
            <code class="secret">{code}</code>
          </li>
        ))}
      </ol>
      <CopyButtons site={site} from="codes" file="recovery-codes.txt" />
      <p>
        <a class="button" href={next}>
          {site.say("codes.saved")}
        </a>
      </p>
    </>
  );
  return respond(visit, { title: site.text("codes.title"), children, signedIn: true });
}

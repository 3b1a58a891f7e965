import { acceptTypedName } from "../domain/text.ts";
import type { DeploymentInvitation, MadeInvitation } from "../http/invitations.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import { AuthError } from "../index.ts";
import { FormLink, Panel, Row } from "./account-acts.tsx";
import { FormKey, formKeyOf, sentTwice } from "./form-key.tsx";
import { invitationsOf } from "./invitation.tsx";
import { DaysField, daysIn, LinkToCopy } from "./invitation-parts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { Field, Hidden, Time } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import type { Site } from "./site.ts";

const listPath = "/account/invitations";
const newPath = "/account/invitations/new";
const revokePath = "/account/invitations/revoke";

/** The most invitations that the page shows. */
const limit = 200;

interface Typed {
  readonly identifier: string;
  readonly displayName: string;
  readonly days: string;
}

/** Inviting people, for administrators. To anyone else these pages do not exist. */
export const inviteRoutes: readonly PageRoute[] = [
  userPage(listPath, (visit) => listPage(visit)),

  userPage(newPath, async (visit) => {
    // A user who may not invite gets no form.
    await listed(visit);
    return await newPage(visit, { identifier: "", displayName: "", days: "7" });
  }),

  userForm(
    newPath,
    newPath,
    async (visit, form) => {
      const { c, site, auth, actor } = visit;
      const typed = {
        identifier: form.text("identifier"),
        displayName: form.text("display_name"),
        days: form.text("days"),
      };
      const create = async () =>
        await hidden(
          invitationsOf(visit).create({
            actor,
            identifier: typed.identifier,
            displayName: acceptTypedName(typed.displayName) || null,
            ttlSeconds: daysIn(typed.days) * 86_400,
            acceptLanguage: site.language.tag,
            idempotencyKey: await formKeyOf(visit, newPath, form),
          }),
        );
      const { value, refusal } = await attempt(create());
      if (refusal?.code === "not_found") throw refusal;
      if (refusal) return await newPage(visit, typed, refusal);
      deliverSoon(c, auth);
      return await madePage(visit, value);
    },
    {
      fields: ["identifier", "display_name", "days", "form_key"],
      does: ({ site }) => site.say("invitations.new.title"),
    },
  ),

  userPage(revokePath, (visit) => revokePage(visit)),

  userForm(revokePath, listPath, async (visit, form) => {
    const { c, site, actor } = visit;
    await hidden(invitationsOf(visit).revoke({ actor, invitationId: form.id<"join">("join_id") }));
    return c.redirect(pathWith(site.path(listPath), { done: "invitations" }), 303);
  }),
];

/** An act of administrators, which reads as absent to anyone else. */
async function hidden<Value>(act: Promise<Value>): Promise<Value> {
  try {
    return await act;
  } catch (error) {
    throw error instanceof AuthError && error.code === "forbidden" ? new AuthError("not_found") : error;
  }
}

async function listed(visit: UserVisit) {
  return await hidden(invitationsOf(visit).list({ actor: visit.actor, limit }));
}

async function listPage(visit: UserVisit): Promise<Response> {
  const { site } = visit;
  const { data, nextCursor } = await listed(visit);
  const children = (
    <>
      <p>
        <a class="button" href={site.path(newPath)}>
          {site.say("invitations.new")}
        </a>
      </p>
      <Panel id="invitations" title={site.text("invitations.title")} isSaid>
        {data.length === 0 && <Row state={site.say("invitations.none")} />}
        {data.toReversed().map((invitation) => (
          <InvitationRow site={site} invitation={invitation} />
        ))}
      </Panel>
      {nextCursor !== null && <p class="hint">{site.say("invitations.more")}</p>}
    </>
  );
  return await respondInAccount(visit, "profile", { title: site.text("invitations.title"), children });
}

function InvitationRow({ site, invitation }: { site: Site; invitation: DeploymentInvitation }): Rendered {
  const { id, identifier, displayName, status, mailed, expiresAt } = invitation;
  const time = <Time site={site} at={expiresAt} />;
  const called = <bdi>{identifier}</bdi>;
  const state = (
    <>
      {displayName !== null && (
        <>
          <bdi>{displayName}</bdi>{" "}
        </>
      )}
      {status === "expired" ? site.say("invitations.since", { time }) : site.say("invitations.until", { time })}{" "}
      {site.say(mailed ? "invitations.mailed" : "invitations.copied")}
    </>
  );
  return (
    <Row title={called} state={state}>
      <FormLink href={pathWith(site.path(revokePath), { join_id: id })} about={called} isDanger>
        {site.say("invitations.revoke")}
      </FormLink>
    </Row>
  );
}

async function newPage(visit: UserVisit, typed: Typed, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const words = { "conflict.duplicate_credential": "invitations.taken", ...sentTwice("invitations.twice") } as const;
  const sentence = refusal && sentenceFor(site, refusal, words);
  const isOf = (...codes: readonly string[]) => (refusal && codes.includes(refusal.code) ? sentence : undefined);
  const identifier = isOf("invalid_format.identifier", "conflict.duplicate_credential");
  const name = isOf("invalid_format.name", "invalid_format.text");
  return await respondWithForm(visit, "profile", {
    title: site.text("invitations.new.title"),
    intro: <p>{site.say("invitations.new.text")}</p>,
    action: newPath,
    fields: (
      <>
        <FormKey visit={visit} act={newPath} />
        <Field
          site={site}
          form="invite"
          name="identifier"
          label={site.say("invitations.identifier")}
          value={typed.identifier}
          autocomplete="off"
          maxlength={254}
          error={identifier}
        />
        <Field
          site={site}
          form="invite"
          name="display_name"
          label={site.say("invitations.name")}
          hint={site.text("invitations.name.hint")}
          value={typed.displayName}
          autocomplete="off"
          maxlength={400}
          required={false}
          error={name}
        />
        <DaysField site={site} chosen={typed.days} />
      </>
    ),
    button: site.text("invitations.create"),
    refusal,
    words,
    isShown: (identifier ?? name) !== undefined,
    back: listPath,
  });
}

async function madePage(visit: UserVisit, { url, invitation }: MadeInvitation): Promise<Response> {
  const { site } = visit;
  const name = <bdi>{invitation.identifier}</bdi>;
  const children = (
    <LinkToCopy site={site} url={url} name={name} mailed={invitation.mailed} back={site.path(listPath)} />
  );
  return await respondInAccount(visit, "profile", { title: site.text("invitations.made"), children });
}

/**
 * The page that asks before an invitation is revoked.
 *
 * @throws {AuthError} `not_found`.
 */
async function revokePage(visit: UserVisit): Promise<Response> {
  const { site, c } = visit;
  const { data } = await listed(visit);
  const invitation = data.find(({ id }) => id === c.req.query("join_id"));
  if (!invitation) throw new AuthError("not_found");
  return await respondWithForm(visit, "profile", {
    title: site.text("invitations.revoke.title"),
    intro: <p>{site.say("invitations.revoke.text", { name: <bdi>{invitation.identifier}</bdi> })}</p>,
    action: revokePath,
    fields: <Hidden name="join_id" value={invitation.id} />,
    button: site.text("invitations.revoke.button"),
    isDanger: true,
    back: listPath,
  });
}

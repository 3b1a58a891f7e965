import { linkPath } from "../domain/page-paths.ts";
import { freshSeconds } from "../domain/session.ts";
import { clearCookie, identityCookie, readCookie } from "../http/cookies.ts";
import type { LinkedIdentity, ListedProvider } from "../http/federation.ts";
import { revokeSoon } from "../http/provider-revocation.ts";
import { AuthError, type CredentialId } from "../index.ts";
import { backTo, FormLink, Panel, Row } from "./account-acts.tsx";
import { respond, respondInAccount, respondWithForm } from "./layout.tsx";
import { leadingTo, nextPath, pathWith, reviewOf } from "./next-path.ts";
import { Day, Hidden, Time } from "./parts.tsx";
import { formPath } from "./proof-rows.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { openPage, type PageRoute, type PagesAuth, type UserVisit, userForm, userPage, type Visit } from "./route.ts";
import { signInBecause } from "./why.ts";

const newPath = "/account/identities/new";
const removePath = "/account/identities/remove";

/** Signing in with other sites, and the accounts there that can sign in here. */
export const providerRoutes: readonly PageRoute[] = [
  openPage("/sign-in/identity", (visit) => {
    federationOf(visit);
    const { c, site } = visit;
    const link = leadingTo(site.path(linkPath), nextPath(c.req.query("next"), visit), site.returnPaths.signIn);
    const children = (
      <>
        <p>{site.say("linking.text")}</p>
        <p>
          <a class="button" href={pathWith(site.path("/sign-in"), { next: link })}>
            {site.say("word.sign-in")}
          </a>
        </p>
      </>
    );
    return respond(visit, { title: site.text("linking.title"), children });
  }),

  userPage(linkPath, (visit) => askToLink(visit, visit.c.req.query("next"))),

  userForm(
    linkPath,
    linkPath,
    async (visit, form) => {
      const { c, auth, actor, asOf } = visit;
      const identity = readCookie(c, auth, identityCookie);
      const { refusal } = await attempt(federationOf(visit).link({ actor, identity, now: asOf }));
      const next = form.text("next");
      if (refusal) return await askToLink(visit, next, refusal);
      clearCookie(c, auth, identityCookie);
      const place = nextPath(next, visit, "");
      return place ? c.redirect(place, 303) : backTo(visit, "security", "identities");
    },
    { fields: ["next"], does: ({ site }) => site.say("linking.title.link") },
  ),

  userPage(newPath, (visit) => {
    // Asked for before the user goes to the other site: the link needs it at the end.
    if (!isFresh(visit)) throw new AuthError("unauthorized.reauthentication_required");
    const { site } = visit;
    const next = site.path("/account/security");
    const children = (
      <section>
        <p>{site.say("identities.add.text")}</p>
        {federationOf(visit)
          .providers()
          .map((provider) => (
            <ProviderLink visit={visit} provider={provider} path={provider.linkPath} query={{ next }} />
          ))}
        <p>
          <a href={next}>{site.say("word.back")}</a>
        </p>
      </section>
    );
    return respondInAccount(visit, "security", { title: site.text("identities.add"), children });
  }),

  userPage(removePath, (visit) => {
    const { credential_id: id, next } = visit.c.req.query();
    return removePage(visit, id, next);
  }),

  userForm(
    removePath,
    "/account/security",
    async (visit, form) => {
      const { c, site, auth, actor, session } = visit;
      const federation = federationOf(visit);
      const credentialId = form.id<"cred">("credential_id");
      const { refusal } = await attempt(federation.unlink({ actor, credentialId }));
      const next = form.text("next");
      if (refusal) return await removePage(visit, credentialId, next, refusal);
      revokeSoon(c, { ...auth, federation });
      return credentialId === session.credentialId
        ? c.redirect(signInBecause(visit, "ended", reviewOf(next, visit) ?? site.path("/account/security")), 303)
        : backTo(visit, "security", "identities", next);
    },
    { fields: ["credential_id", "next"], does: ({ site }) => site.say("identities.remove.title") },
  ),
];

/** @throws {AuthError} `not_found` if the application has no providers. */
export function federationOf({ auth }: Visit): NonNullable<PagesAuth["federation"]> {
  if (!auth.federation) throw new AuthError("not_found");
  return auth.federation;
}

/** What a link says of the sign-in that it begins: where it leads, and if its session ends with the browser. */
export type StartQuery = Readonly<Record<string, string>>;

/** A little less than the operations ask for, so that there is time to come back. */
const freshEnoughSeconds = freshSeconds - 120;

function isFresh({ session, asOf }: UserVisit): boolean {
  return session.authTime !== null && asOf.getTime() - session.authTime.getTime() < freshEnoughSeconds * 1_000;
}

/**
 * A link to each provider, and to the page that finds the provider of an address. They are links and not forms: a form's answer may
 * not lead to another site.
 */
export function ProviderLinks({ visit, query }: { visit: Visit; query: StartQuery }): Rendered {
  const { site, auth } = visit;
  if (!auth.federation) return null;
  return (
    <>
      {auth.federation.providers().map((provider) => (
        <ProviderLink visit={visit} provider={provider} query={query} />
      ))}
      {auth.federation.domains().length > 0 && (
        <p>
          <a class="button quiet" href={pathWith(site.path("/sign-in/organization"), query)}>
            {site.say("organization.title")}
          </a>
        </p>
      )}
    </>
  );
}

export function ProviderLink({
  visit: { site },
  provider: { label, mark, startPath },
  path = startPath,
  query,
}: {
  visit: Visit;
  provider: ListedProvider;
  path?: string;
  query: StartQuery;
}): Rendered {
  return (
    <p>
      <a class={mark ? "button marked" : "button quiet"} href={pathWith(path, query)}>
        {mark && <img src={mark} alt="" />}
        {site.text("providers.continue", { provider: label })}
      </a>
    </p>
  );
}

/** Refusals at a provider that a page says. A link can claim any of them, and none says anything about an account. */
const refusals = [
  "unauthorized.provider",
  "unauthorized.reauthentication_required",
  "unavailable.provider",
  "unavailable.database",
  "forbidden.sign_up_closed",
  "forbidden.enrollment_not_granted",
  "conflict.identity_in_use",
  "precondition.limit_reached",
  "too_many_requests",
  "unavailable.reply_lost",
  "forbidden.cross_origin",
  "not_found",
] as const;

/** Sentences of their own, by the reason of `unauthorized.provider` or by the code. */
const sentences = [
  [/^(access_denied|\w+_required)$/, "providers.cancelled"],
  // Trying again does not help: the account is not accepted, or suspended.
  [/^(account_not_allowed|\w*blocked|not_accepted)$/, "providers.excluded"],
  [/^auth_time$/, "providers.unproved"],
  // The session that began it may have ended meanwhile.
  [
    /^(used|state_mismatch|\w+_(expired|grant|session)|unauthorized\.(session_\w+|invalid_token|mfa_\w+))$/,
    "linking.over",
  ],
  [/^conflict\.dup/, "providers.taken"],
] as const;

/** Why a sign-in at a provider was refused, if the request for the page says so. */
export function sentenceOfProvider({ c, site, auth }: Visit): string | undefined {
  const asked = c.req.query("refusal");
  if (!asked || !auth.federation) return undefined;
  // Any other code is of a request that no page of this site makes.
  const code = refusals.find((one) => one === asked) ?? "unauthorized.provider";
  const listed = auth.federation.providers().find(({ name }) => name === c.req.query("provider"));
  const named = (asked === "unauthorized.provider" && c.req.query("reason")) || asked;
  const sentence = sentences.find(([form]) => form.test(named))?.[1];
  if (sentence && listed) return site.text(sentence, { provider: listed.label });
  return sentenceFor(site, new AuthError(code), { not_found: "providers.unknown" });
}

/** @param next The place after it, as the request names it. Default: the security page. */
function askToLink(visit: UserVisit, next: string | undefined, refusal?: AuthError): Response | Promise<Response> {
  federationOf(visit);
  const { site, user } = visit;
  const name = user.identifier ?? user.displayName ?? user.id;
  const place = nextPath(next, visit, "");
  return respondWithForm(visit, "security", {
    title: site.text("linking.title.link"),
    intro: <p>{site.say("linking.ask", { user: <bdi>{name}</bdi> })}</p>,
    action: linkPath,
    fields: place && <Hidden name="next" value={place} />,
    button: site.text("linking.link"),
    refusal,
    words: { "unauthorized.provider": "linking.over" },
  });
}

/** The panel of the accounts at other sites. */
export function IdentityPanel({ visit, data }: { visit: UserVisit; data: readonly LinkedIdentity[] }): Rendered {
  const { site } = visit;
  return (
    <Panel id="identities" title={site.text("identities.name")}>
      <Row title={site.say("identities.others")} state={data.length === 0 && site.say("identities.none")}>
        <FormLink href={site.path(newPath)} about="">
          {site.say("identities.add")}
        </FormLink>
      </Row>
      <IdentityRows visit={visit} data={data} />
    </Panel>
  );
}

export function IdentityRows({
  visit,
  data,
  next,
}: {
  visit: UserVisit;
  data: readonly LinkedIdentity[];
  next?: string | undefined;
}): Rendered {
  return (
    <>
      {data.map((identity) => (
        <IdentityRow visit={visit} identity={identity} next={next} />
      ))}
    </>
  );
}

function IdentityRow({
  visit,
  identity,
  next,
}: {
  visit: UserVisit;
  identity: LinkedIdentity;
  next: string | undefined;
}): Rendered {
  const { site } = visit;
  const { id, status, createdAt, lastUsedAt } = identity;
  const day = <Day site={site} at={createdAt} />;
  const state = (
    <>
      {status === "suspended" && <>{site.say("identities.suspended")} </>}
      {lastUsedAt
        ? site.say("identities.used", { day, time: <Time site={site} at={lastUsedAt} /> })
        : site.say("identities.added", { day })}
    </>
  );
  return (
    <Row title={nameOf(visit, identity)} state={state}>
      <FormLink href={formPath(site, removePath, { credential_id: id }, next)} about={nameOf(visit, identity)} isDanger>
        {site.say("identities.remove")}
      </FormLink>
    </Row>
  );
}

/** The provider's name on its button, and the address or name there. */
function nameOf({ auth }: Visit, { provider, issuer, label }: LinkedIdentity): Rendered {
  const listed = auth.federation?.providers().find(({ name }) => name === provider);
  return (
    <bdi>
      {listed?.label ?? issuer}
      {label && ` (${label})`}
    </bdi>
  );
}

/** @throws {AuthError} `not_found`. */
async function removePage(
  visit: UserVisit,
  id: CredentialId | string | undefined,
  next: string | undefined,
  refusal?: AuthError,
): Promise<Response> {
  const { site, actor, user, session } = visit;
  const { data } = await federationOf(visit).list({ actor, userId: user.id });
  const identity = data.find((one) => one.id === id);
  if (!identity) throw new AuthError("not_found");
  return await respondWithForm(visit, "security", {
    title: site.text("identities.remove.title"),
    next,
    intro: (
      <>
        <p>{site.say("identities.remove.text", { name: nameOf(visit, identity) })}</p>
        {identity.id === session.credentialId && <p>{site.say("identities.remove.own")}</p>}
      </>
    ),
    action: removePath,
    fields: <Hidden name="credential_id" value={identity.id} />,
    button: site.text("identities.remove"),
    isDanger: true,
    refusal,
  });
}

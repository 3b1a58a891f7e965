import { places } from "../domain/page-paths.ts";
import { acceptTypedName } from "../domain/text.ts";
import { AuthError } from "../index.ts";
import { backTo, FormLink, Panel, Row } from "./account-acts.tsx";
import type { Form } from "./form.ts";
import { formKeyOf, sentTwice } from "./form-key.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { CopyButtons, Day, Hidden, Time } from "./parts.tsx";
import { attempt } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type PagesAuth, type UserVisit, userForm, userPage } from "./route.ts";
import type { Site } from "./site.ts";
import { newTokenPage, type TypedToken } from "./token-form.tsx";

const newPath = "/account/tokens/new";

/** The most tokens that the page shows. */
const limit = 200;

type Token = Awaited<ReturnType<PagesAuth["personalAccessTokens"]["list"]>>["data"][number];

/** Personal access tokens. */
export const tokenRoutes: readonly PageRoute[] = [
  userPage(places.tokens, (visit) => tokensPage(visit)),

  userPage(newPath, (visit) => newTokenPage(visit, { name: "", scopes: [], expires: "30", last_day: "" })),

  userForm(
    newPath,
    newPath,
    async (visit, form) => {
      const { auth, actor, user } = visit;
      const typed = typedIn(visit, form);
      const create = async () =>
        await auth.personalAccessTokens.create({
          actor,
          userId: user.id,
          name: acceptTypedName(typed.name),
          scope: [...typed.scopes],
          expiresAt: endOf(typed, visit.asOf),
          idempotencyKey: await formKeyOf(visit, newPath, form),
        });
      const { value, refusal } = await attempt(create());
      if (refusal) return await newTokenPage(visit, typed, refusal, sentTwice("tokens.twice"));
      return await tokenPage(visit, value.token);
    },
    {
      fields: ({ tokenScopes }) => ["name", "expires", "last_day", "form_key", ...scopeFields(tokenScopes)],
      does: ({ site }, form) => site.say("proof.then.token", { name: <bdi>{form.text("name").trim()}</bdi> }),
    },
  ),

  userPage("/account/tokens/revoke", (visit) => withToken(visit, visit.c.req.query("token_id"))),

  userForm("/account/tokens/revoke", places.tokens, async (visit, form) => {
    const { auth, actor } = visit;
    const tokenId = form.id<"pat">("token_id");
    const { refusal } = await attempt(auth.personalAccessTokens.revoke({ actor, tokenId, onlyOwn: true }));
    return refusal ? await withToken(visit, tokenId, refusal) : backTo(visit, "tokens", "tokens");
  }),
];

/** The names of the fields for scopes: a box for each, or one text. */
function scopeFields(offered: Site["tokenScopes"]): readonly string[] {
  return offered ? offered.map(({ scope }) => `scope:${scope}`) : ["scopes"];
}

function typedIn({ site }: UserVisit, form: Form): TypedToken {
  const typed = form
    .text("scopes")
    .split(/\s+/)
    .filter((scope) => scope !== "");
  const chosen = site.tokenScopes?.map(({ scope }) => scope).filter((scope) => form.text(`scope:${scope}`) !== "");
  return {
    name: form.text("name"),
    scopes: chosen ?? typed,
    expires: form.text("expires"),
    last_day: form.text("last_day"),
  };
}

/**
 * When the token ends, or null for never.
 *
 * @throws {AuthError} `pat.expires_in_past` if the text is not a day.
 */
function endOf({ expires, last_day: day }: TypedToken, now: Date): Date | null {
  if (expires === "never") return null;
  if (/^\d{1,3}$/.test(expires)) return new Date(now.getTime() + Number(expires) * 86_400_000);
  const end = new Date(`${day}T23:59:59.999Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || !end.toJSON()?.startsWith(day)) throw new AuthError("pat.expires_in_past");
  return end;
}

async function tokensPage(visit: UserVisit): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const { data, nextCursor } = await auth.personalAccessTokens.list({
    actor,
    userId: user.id,
    status: "active",
    limit,
  });
  const children = (
    <>
      <p>
        <a class="button" href={site.path(newPath)}>
          {site.say("tokens.new")}
        </a>
      </p>
      <Panel id="tokens" title={site.text("tokens.title")} isSaid intro={<p class="hint">{site.say("tokens.text")}</p>}>
        {data.length === 0 && <Row state={site.say("tokens.none")} />}
        {data.map((token) => (
          <TokenRow site={site} token={token} />
        ))}
      </Panel>
      {nextCursor !== null && <p class="hint">{site.say("tokens.more")}</p>}
    </>
  );
  return await respondInAccount(visit, "tokens", { title: site.text("tokens.title"), children });
}

function TokenRow({ site, token }: { site: Site; token: Token }): Rendered {
  const { id, name, scope, createdAt, expiresAt, lastUsedAt } = token;
  const called = <bdi>{name}</bdi>;
  const state = (
    <>
      <code>{id.slice(0, 12)}…</code>{" "}
      {scope.length > 0 ? site.say("tokens.scopes", { scopes: scope.join(", ") }) : site.say("tokens.no-scopes")}{" "}
      {site.say("tokens.made", { day: <Day site={site} at={createdAt} /> })}{" "}
      {lastUsedAt ? site.say("tokens.used", { time: <Time site={site} at={lastUsedAt} /> }) : site.say("tokens.unused")}{" "}
      {expiresAt ? site.say("tokens.ends", { time: <Time site={site} at={expiresAt} /> }) : site.say("tokens.endless")}
    </>
  );
  return (
    <Row title={called} state={state}>
      <FormLink href={pathWith(site.path("/account/tokens/revoke"), { token_id: id })} about={called} isDanger>
        {site.say("tokens.revoke")}
      </FormLink>
    </Row>
  );
}

/**
 * The page that asks before a token is revoked.
 *
 * @throws {AuthError} `not_found`.
 */
async function withToken(visit: UserVisit, id: string | undefined, refusal?: AuthError): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const { data } = await auth.personalAccessTokens.list({ actor, userId: user.id, status: "active", limit });
  const token = data.find((one) => one.id === id);
  if (!token) throw new AuthError("not_found");
  return await respondWithForm(visit, "tokens", {
    title: site.text("tokens.revoke.title"),
    intro: <p>{site.say("tokens.revoke.text", { name: <bdi>{token.name}</bdi> })}</p>,
    action: "/account/tokens/revoke",
    fields: <Hidden name="token_id" value={token.id} />,
    button: site.text("tokens.revoke.button"),
    isDanger: true,
    refusal,
  });
}

async function tokenPage(visit: UserVisit, token: string): Promise<Response> {
  const { site } = visit;
  const children = (
    <section>
      <p>{site.say("token.text")}</p>
      <p>
        <code class="secret" id="token">
          {token}
        </code>
      </p>
      <CopyButtons site={site} from="token" />
      <p>
        <a class="button" href={site.path(places.tokens)}>
          {site.say("token.copied")}
        </a>
      </p>
    </section>
  );
  return await respondInAccount(visit, "tokens", { title: site.text("token.title"), children });
}

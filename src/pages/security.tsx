import type { Child } from "hono/jsx";
import { FormLink, Panel, Row } from "./account-acts.tsx";
import { respondInAccount } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { Alert, Day, Time } from "./parts.tsx";
import { IdentityPanel, sentenceOfProvider } from "./providers.tsx";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type PagesAuth, type UserVisit, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";

/** How the user signs in, with a line for each thing. */
export const securityRoutes: readonly PageRoute[] = [userPage("/account/security", (visit) => securityPage(visit))];

type Passkey = Awaited<ReturnType<PagesAuth["passkeys"]["list"]>>["data"][number];
type Factors = Awaited<ReturnType<PagesAuth["factors"]["list"]>>["data"];

async function securityPage(visit: UserVisit): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const mine = { actor, userId: user.id };
  const [credentials, passkeys, factors, identities] = await Promise.all([
    auth.credentials.list(mine),
    auth.passkeys.list(mine),
    auth.factors.list(mine),
    auth.federation?.list(mine),
  ]);
  const [password] = activePasswords(credentials);
  const refusal = sentenceOfProvider(visit);
  const children = (
    <>
      <Alert>{refusal}</Alert>
      <Panel id="ways" title={site.text("security.ways")}>
        <Row
          title={site.say("password.name")}
          state={
            password
              ? site.say("password.since", { day: <Day site={site} at={password.createdAt} /> })
              : site.say("password.none")
          }
        >
          {password && (
            <FormLink href={site.path("/account/password")} about={site.say("word.password")}>
              {site.say("password.change")}
            </FormLink>
          )}
        </Row>
        <Row title={site.say("passkeys.name")} state={passkeys.data.length === 0 && site.say("passkeys.none")}>
          <FormLink href={site.path("/account/passkeys/new")} about="">
            {site.say("passkeys.add")}
          </FormLink>
        </Row>
        {passkeys.data.map((passkey) => (
          <PasskeyRow visit={visit} passkey={passkey} />
        ))}
      </Panel>
      {identities && <IdentityPanel visit={visit} data={identities.data} />}
      <Panel
        id="factors"
        title={site.text("security.factors")}
        intro={<p class="hint">{site.say("security.factors.text")}</p>}
      >
        <FactorRows visit={visit} factors={factors.data.filter(({ status }) => status === "active")} />
      </Panel>
    </>
  );
  return await respondInAccount(visit, "security", { title: site.text("security.title"), children });
}

/** When a proof was added and last used. */
function added({ site }: UserVisit, { createdAt, lastUsedAt }: { createdAt: Date; lastUsedAt?: Date | null }): Child {
  const day = <Day site={site} at={createdAt} />;
  return lastUsedAt
    ? site.say("passkeys.used", { day, time: <Time site={site} at={lastUsedAt} /> })
    : site.say("passkeys.added", { day });
}

function PasskeyRow({ visit, passkey }: { visit: UserVisit; passkey: Passkey }): Rendered {
  const { site } = visit;
  const { id, name, status, backedUp } = passkey;
  const called = <bdi>{name ?? site.say("passkeys.unnamed")}</bdi>;
  const state = (
    <>
      {status === "suspended" && <>{site.say("passkeys.suspended")} </>}
      {added(visit, passkey)} {site.say(backedUp ? "passkeys.synced" : "passkeys.one-device")}
    </>
  );
  return (
    <Row title={called} state={state}>
      <FormLink href={pathWith(site.path("/account/passkeys/rename"), { passkey_id: id })} about={called}>
        {site.say("security.rename")}
      </FormLink>
      <FormLink href={pathWith(site.path("/account/passkeys/remove"), { passkey_id: id })} about={called} isDanger>
        {site.say("security.remove")}
      </FormLink>
    </Row>
  );
}

function FactorRows({ visit, factors }: { visit: UserVisit; factors: Factors }): Rendered {
  const { site } = visit;
  const app = factors.find((factor) => factor.type === "totp");
  const codes = factors.find((factor) => factor.type === "recovery");
  const keys = factors.filter((factor) => factor.type === "webauthn");
  const removed = (id: string) => pathWith(site.path("/account/security-keys/remove"), { factor_id: id });
  return (
    <>
      <Row
        title={site.say("app.name")}
        badge={app ? { text: site.text("word.on"), tone: "good" } : { text: site.text("word.off") }}
        state={
          app
            ? site.say("app.added", { name: <bdi>{app.identifier}</bdi>, day: <Day site={site} at={app.createdAt} /> })
            : site.say("app.none")
        }
      >
        <FormLink href={site.path("/account/authenticator")} about={site.say("app.name")}>
          {site.say(app ? "app.switch" : "app.add")}
        </FormLink>
        {app && (
          <FormLink href={site.path("/account/authenticator/remove")} about={site.say("app.name")} isDanger>
            {site.say("security.remove")}
          </FormLink>
        )}
      </Row>
      <Row title={site.say("keys.name")} state={keys.length === 0 && site.say("keys.none")}>
        <FormLink href={site.path("/account/security-keys/new")} about="">
          {site.say("keys.add")}
        </FormLink>
      </Row>
      {keys.map(({ id, createdAt }) => (
        <Row title={site.say("keys.one")} state={site.say("keys.added", { day: <Day site={site} at={createdAt} /> })}>
          <FormLink href={removed(id)} about={site.say("keys.one")} isDanger>
            {site.say("security.remove")}
          </FormLink>
        </Row>
      ))}
      <Row
        title={site.say("recovery.name")}
        state={
          codes
            ? site.say("recovery.left", { count: codes.remaining })
            : site.say(app ? "recovery.none" : "recovery.needs-app")
        }
      >
        {(app || codes) && (
          <FormLink href={site.path("/account/recovery-codes")} about="">
            {site.say("recovery.create")}
          </FormLink>
        )}
      </Row>
    </>
  );
}

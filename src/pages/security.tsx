import { FormLink, Panel, Row } from "./account-acts.tsx";
import { respondInAccount } from "./layout.tsx";
import { Alert, Day } from "./parts.tsx";
import { PasswordRows, sortedPasswords } from "./password-removal.tsx";
import { AppRow, CodesRow, KeyRows, loadProofs, PasskeyRow } from "./proof-rows.tsx";
import { IdentityPanel, sentenceOfProvider } from "./providers.tsx";
import { type PageRoute, type UserVisit, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";

/** How the user signs in, with a line for each thing. */
export const securityRoutes: readonly PageRoute[] = [userPage("/account/security", (visit) => securityPage(visit))];

async function securityPage(visit: UserVisit): Promise<Response> {
  const { site } = visit;
  const { credentials, passkeys, factors, identities } = await loadProofs(visit);
  const { own: password, others } = sortedPasswords(visit, activePasswords(credentials));
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
        <PasswordRows visit={visit} passwords={others} />
        <Row title={site.say("passkeys.name")} state={passkeys.length === 0 && site.say("passkeys.none")}>
          <FormLink href={site.path("/account/passkeys/new")} about="">
            {site.say("passkeys.add")}
          </FormLink>
        </Row>
        {passkeys.map((passkey) => (
          <PasskeyRow visit={visit} passkey={passkey} />
        ))}
      </Panel>
      {identities && <IdentityPanel visit={visit} data={identities} />}
      <Panel
        id="factors"
        title={site.text("security.factors")}
        intro={<p class="hint">{site.say("security.factors.text")}</p>}
      >
        <AppRow visit={visit} app={factors.app} />
        <Row title={site.say("keys.name")} state={factors.keys.length === 0 && site.say("keys.none")}>
          <FormLink href={site.path("/account/security-keys/new")} about="">
            {site.say("keys.add")}
          </FormLink>
        </Row>
        <KeyRows visit={visit} keys={factors.keys} />
        <CodesRow visit={visit} app={factors.app} codes={factors.codes} />
      </Panel>
    </>
  );
  return await respondInAccount(visit, "security", { title: site.text("security.title"), children });
}

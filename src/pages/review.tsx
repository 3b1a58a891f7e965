import { reviewPath } from "../domain/page-paths.ts";
import { Panel } from "./account-acts.tsx";
import { respondInAccount } from "./layout.tsx";
import { leadingTo, nextPath, reviewOf } from "./next-path.ts";
import { PasswordRows, sortedPasswords } from "./password-removal.tsx";
import { AppRow, CodesRow, KeyRows, loadProofs, PasskeyRow } from "./proof-rows.tsx";
import { IdentityRows } from "./providers.tsx";
import { type PageRoute, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";

/**
 * What a reset of the password has kept, after the sign-in with the new one: the mailbox alone sees none of it. Without anything to
 * look at, the page leads on at once.
 */
export const reviewRoutes: readonly PageRoute[] = [
  userPage(reviewPath, async (visit) => {
    const { c, site } = visit;
    const usual = site.returnPaths.signIn;
    const asked = nextPath(c.req.query("next"), visit);
    // It does not lead back to itself.
    const next = reviewOf(asked, visit) ? usual : asked;
    const from = leadingTo(site.path(reviewPath), next, usual);
    const { credentials, passkeys, factors, identities = [] } = await loadProofs(visit);
    const { others } = sortedPasswords(visit, activePasswords(credentials));
    const { app, keys, codes } = factors;
    const hasWays = others.length + passkeys.length + identities.length > 0;
    const hasFactors = app !== undefined || codes !== undefined || keys.length > 0;
    if (!hasWays && !hasFactors) return c.redirect(next, 303);
    const children = (
      <>
        <p>{site.say("review.text")}</p>
        {hasWays && (
          <Panel id="ways" title={site.text("security.ways")}>
            <PasswordRows visit={visit} passwords={others} next={from} />
            {passkeys.map((passkey) => (
              <PasskeyRow visit={visit} passkey={passkey} next={from} />
            ))}
            <IdentityRows visit={visit} data={identities} next={from} />
          </Panel>
        )}
        {hasFactors && (
          <Panel id="factors" title={site.text("security.factors")}>
            {app && <AppRow visit={visit} app={app} next={from} />}
            <KeyRows visit={visit} keys={keys} next={from} />
            {codes && <CodesRow visit={visit} app={app} codes={codes} />}
          </Panel>
        )}
        <p>
          <a class="button" href={next}>
            {site.say("word.continue")}
          </a>
        </p>
      </>
    );
    return await respondInAccount(visit, "security", { title: site.text("review.title"), children });
  }),
];

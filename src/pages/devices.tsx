import { places } from "../domain/page-paths.ts";
import { type AccountSessionBody, accountSessionBody } from "../http/wire.ts";
import type { AuthError } from "../index.ts";
import { backTo, FormLink, Panel, Row } from "./account-acts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { Alert, deviceText, Hidden, Time } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import type { Site } from "./site.ts";

const othersPath = "/account/sessions/revoke-others";

/** The most sessions that the page shows. */
const limit = 200;

/** Where the user is signed in. */
export const deviceRoutes: readonly PageRoute[] = [
  userPage(places.devices, (visit) => devicesPage(visit)),

  userForm("/account/sessions/revoke", places.devices, async (visit, form) => {
    const { auth, actor } = visit;
    const sessionId = form.id<"ses">("session_id");
    const { refusal } = await attempt(auth.sessions.revoke({ actor, sessionId, onlyOwn: true }));
    return refusal ? await devicesPage(visit, refusal) : backTo(visit, "devices", "sessions");
  }),

  userPage(othersPath, (visit) => othersPage(visit)),

  userForm(othersPath, othersPath, async (visit) => {
    const { auth, actor } = visit;
    const { refusal } = await attempt(auth.sessions.revokeOthers({ actor }));
    return refusal ? await othersPage(visit, refusal) : backTo(visit, "devices", "other-sessions");
  }),
];

async function devicesPage(visit: UserVisit, refusal?: AuthError): Promise<Response> {
  const { site, auth, actor, user, session } = visit;
  const { data, nextCursor } = await auth.sessions.list({ actor, userId: user.id, onlyLive: true, limit });
  const sessions = data.map((one) => ({
    ...accountSessionBody(one, session.id),
    device: deviceText(site, one.userAgent),
  }));
  const others = sessions.filter(({ current }) => !current).reverse();
  const children = (
    <>
      <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
      <Panel
        id="devices"
        title={site.text("devices.title")}
        isSaid
        intro={<p class="hint">{site.say("devices.text")}</p>}
      >
        {[...sessions.filter(({ current }) => current), ...others].map((one) => (
          <SessionRow site={site} session={one} />
        ))}
      </Panel>
      {nextCursor !== null && <p class="hint">{site.say("devices.more")}</p>}
      {others.length > 0 ? (
        <p>
          <FormLink href={site.path(othersPath)} about="" isDanger>
            {site.say("devices.others")}
          </FormLink>
        </p>
      ) : (
        <p class="hint">{site.say("devices.only-this")}</p>
      )}
    </>
  );
  return await respondInAccount(visit, "devices", { title: site.text("devices.title"), children, refusal });
}

function SessionRow({ site, session }: { site: Site; session: AccountSessionBody }): Rendered {
  const { id, device, current, created_at, last_seen_at, address } = session;
  const since = <Time site={site} at={new Date(created_at)} />;
  const state = (
    <>
      {last_seen_at
        ? site.say("devices.used", { since, time: <Time site={site} at={new Date(last_seen_at)} /> })
        : site.say("devices.since", { time: since })}
      {address && <> {site.say("devices.from", { address })}</>}
    </>
  );
  const badge = current ? { text: site.text("devices.this"), tone: "good" as const } : undefined;
  return (
    <Row title={device} badge={badge} state={state}>
      {!current && (
        <form method="post" action={site.path("/account/sessions/revoke")}>
          <Hidden name="session_id" value={id} />
          <button type="submit" class="danger">
            {site.say("devices.sign-out")}
            <span class="unseen"> {device}</span>
          </button>
        </form>
      )}
    </Row>
  );
}

function othersPage(visit: UserVisit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  return respondWithForm(visit, "devices", {
    title: site.text("devices.others.title"),
    intro: <p>{site.say("devices.others.text")}</p>,
    action: othersPath,
    button: site.text("devices.others"),
    isDanger: true,
    refusal,
  });
}

import { places } from "../domain/page-paths.ts";
import { activityEventBody } from "../http/activity-wire.ts";
import { AuthError } from "../index.ts";
import type { ActivityAuth } from "../operations/activity.ts";
import { Panel, Row } from "./account-acts.tsx";
import { respondInAccount } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { deviceText, Time } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, userPage } from "./route.ts";
import type { Site } from "./site.ts";

/** The most events that one page shows. */
const limit = 50;

type Event = Awaited<ReturnType<ActivityAuth["activity"]["list"]>>["data"][number];

/** What has happened to the account. The page exists only with the feature `activity`. */
export const activityRoutes: readonly PageRoute[] = [
  userPage(places.activity, async (visit) => {
    const { c, site, auth, actor, user } = visit;
    if (!auth.activity) throw new AuthError("not_found");
    const cursor = c.req.query("cursor");
    const { data, nextCursor } = await auth.activity.list({ actor, userId: user.id, limit, cursor });
    const children = (
      <>
        <Panel
          id="activity"
          title={site.text("activity.title")}
          isSaid
          intro={<p class="hint">{site.say("activity.text")}</p>}
        >
          {data.length === 0 && <Row state={site.say("activity.none")} />}
          {data.map((event) => (
            <EventRow site={site} event={event} />
          ))}
        </Panel>
        <p class="acts">
          {cursor !== undefined && (
            <a class="button quiet" href={site.path(places.activity)}>
              {site.say("activity.newest")}
            </a>
          )}
          {nextCursor !== null && (
            <a class="button quiet" href={pathWith(site.path(places.activity), { cursor: nextCursor })}>
              {site.say("activity.older")}
            </a>
          )}
        </p>
      </>
    );
    return await respondInAccount(visit, "activity", { title: site.text("activity.title"), children });
  }),
];

/** Events that a user should look at twice. */
const alarming: readonly Event["type"][] = [
  "sign_in_failed",
  "second_factor_failed",
  "password_check_failed",
  "session_token_reused",
  "account_locked",
];

function EventRow({ site, event }: { site: Site; event: Event }): Rendered {
  const { by, device, address } = activityEventBody(event);
  const badge = alarming.includes(event.type)
    ? ({ text: site.text("activity.look"), tone: "warn" } as const)
    : undefined;
  const state = (
    <>
      <Time site={site} at={event.at} />
      {device !== null && <>. {deviceText(site, event.userAgent)}</>}
      {address !== null && <>, {address}</>}
      {(by === "administrator" || by === "application") && <>. {site.say(`activity.by.${by}`)}</>}
    </>
  );
  return <Row title={site.say(`activity.${event.type}`)} badge={badge} state={state} />;
}

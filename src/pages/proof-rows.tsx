import type { Child } from "hono/jsx";
import type { LinkedIdentity } from "../http/federation.ts";
import type { Credential, Page } from "../index.ts";
import { FormLink, Row } from "./account-acts.tsx";
import { pathWith } from "./next-path.ts";
import { Day, Time } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import type { PagesAuth, UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

type Passkey = Awaited<ReturnType<PagesAuth["passkeys"]["list"]>>["data"][number];
type Factor = Awaited<ReturnType<PagesAuth["factors"]["list"]>>["data"][number];

/** The active second factors of a user, by kind. */
export interface ActiveFactors {
  readonly app: Extract<Factor, { type: "totp" }> | undefined;
  readonly codes: Extract<Factor, { type: "recovery" }> | undefined;
  readonly keys: readonly Factor[];
}

/** All that can open an account, or is asked for when it is opened. */
export interface AllProofs {
  readonly credentials: Page<Credential>;
  readonly passkeys: readonly Passkey[];
  /** Undefined if the application has no providers. */
  readonly identities: readonly LinkedIdentity[] | undefined;
  readonly factors: ActiveFactors;
}

export async function loadProofs({ auth, actor, user }: UserVisit): Promise<AllProofs> {
  const mine = { actor, userId: user.id };
  const [credentials, passkeys, factors, identities] = await Promise.all([
    auth.credentials.list(mine),
    auth.passkeys.list(mine),
    auth.factors.list(mine),
    auth.federation?.list(mine),
  ]);
  const active = factors.data.filter(({ status }) => status === "active");
  return {
    credentials,
    passkeys: passkeys.data,
    identities: identities?.data,
    factors: {
      app: active.find((factor) => factor.type === "totp"),
      codes: active.find((factor) => factor.type === "recovery"),
      keys: active.filter((factor) => factor.type === "webauthn"),
    },
  };
}

/** When a proof was added and last used. */
function added({ site }: UserVisit, { createdAt, lastUsedAt }: { createdAt: Date; lastUsedAt?: Date | null }): Child {
  const day = <Day site={site} at={createdAt} />;
  return lastUsedAt
    ? site.say("passkeys.used", { day, time: <Time site={site} at={lastUsedAt} /> })
    : site.say("passkeys.added", { day });
}

/** @param next The review that shows it, which its forms return to. */
export function PasskeyRow({
  visit,
  passkey,
  next,
}: {
  visit: UserVisit;
  passkey: Passkey;
  next?: string | undefined;
}): Rendered {
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
      <FormLink href={formPath(site, "/account/passkeys/rename", { passkey_id: id }, next)} about={called}>
        {site.say("security.rename")}
      </FormLink>
      <FormLink href={formPath(site, "/account/passkeys/remove", { passkey_id: id }, next)} about={called} isDanger>
        {site.say("security.remove")}
      </FormLink>
    </Row>
  );
}

/** The path of a form that a row leads to. */
export function formPath(
  site: Site,
  path: string,
  query: Readonly<Record<string, string>>,
  next: string | undefined,
): string {
  const all = { ...query, ...(next !== undefined && { next }) };
  return Object.keys(all).length > 0 ? pathWith(site.path(path), all) : site.path(path);
}

/** The authenticator app, or that there is none. */
export function AppRow({
  visit: { site },
  app,
  next,
}: {
  visit: UserVisit;
  app: ActiveFactors["app"];
  next?: string | undefined;
}): Rendered {
  return (
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
        <FormLink
          href={formPath(site, "/account/authenticator/remove", {}, next)}
          about={site.say("app.name")}
          isDanger
        >
          {site.say("security.remove")}
        </FormLink>
      )}
    </Row>
  );
}

export function KeyRows({
  visit: { site },
  keys,
  next,
}: {
  visit: UserVisit;
  keys: ActiveFactors["keys"];
  next?: string | undefined;
}): Rendered {
  const removed = (id: string) => formPath(site, "/account/security-keys/remove", { factor_id: id }, next);
  return (
    <>
      {keys.map(({ id, createdAt }) => (
        <Row title={site.say("keys.one")} state={site.say("keys.added", { day: <Day site={site} at={createdAt} /> })}>
          <FormLink href={removed(id)} about={site.say("keys.one")} isDanger>
            {site.say("security.remove")}
          </FormLink>
        </Row>
      ))}
    </>
  );
}

/** How many recovery codes are left; without an app or codes, what must come first. */
export function CodesRow({
  visit: { site },
  app,
  codes,
}: { visit: UserVisit } & Omit<ActiveFactors, "keys">): Rendered {
  const none = app ? "recovery.none" : "recovery.needs-app";
  return (
    <Row
      title={site.say("recovery.name")}
      state={codes ? site.say("recovery.left", { count: codes.remaining }) : site.say(none)}
    >
      {(app || codes) && (
        <FormLink href={site.path("/account/recovery-codes")} about="">
          {site.say("recovery.create")}
        </FormLink>
      )}
    </Row>
  );
}

/** The other names with which the user signs in, each with a password of its own. */
export function OtherNames({ visit: { site }, names }: { visit: UserVisit; names: readonly string[] }): Rendered {
  const list = names.map((name, index) => (
    <>
      {index > 0 && ", "}
      <bdi>{name}</bdi>
    </>
  ));
  return <Row title={site.say("profile.others")} state={list} />;
}

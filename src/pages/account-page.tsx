import { loadAccount } from "./account-data.ts";
import { type Failure, Part, type PartProps, told } from "./account-part.tsx";
import { AuthenticatorPart, PasskeysPart, RecoveryCodesPart } from "./account-proofs.tsx";
import { TokensPart } from "./account-tokens.tsx";
import { respond } from "./layout.tsx";
import type { Section } from "./next-path.ts";
import { Field, Hidden, Time } from "./parts.tsx";
import { longDisplayName, sentenceFor } from "./refusal.ts";
import type { UserVisit } from "./route.ts";

/** The message after an act, in the part of the page where the act was done. */
const doneWords: ReadonlyMap<string, { section: Section; text: string }> = new Map([
  ["address", { section: "address", text: "We have sent you a link. Open it within 24 hours." }],
  ["name", { section: "name", text: "Name saved." }],
  ["password", { section: "password", text: "Password changed. You are signed out everywhere else." }],
  ["passkeys", { section: "passkeys", text: "Passkeys updated." }],
  [
    "authenticator",
    {
      section: "authenticator",
      text: "Authenticator app added. You are signed out everywhere else. Create recovery codes next.",
    },
  ],
  [
    "no-authenticator",
    {
      section: "authenticator",
      text: "Authenticator app removed. You are signed out everywhere else.",
    },
  ],
  ["tokens", { section: "tokens", text: "Token revoked." }],
  ["sessions", { section: "sessions", text: "That device is signed out." }],
  ["other-sessions", { section: "sessions", text: "You are signed out everywhere else." }],
]);

export async function accountPage(
  visit: UserVisit,
  failure?: Failure,
  { passkeyName }: { passkeyName?: string } = {},
): Promise<Response> {
  const { c, site } = visit;
  const account = await loadAccount(visit);
  // Shown only after an act on this very page: a link from another site shows no message here.
  const done = c.req.header("sec-fetch-site") === "same-origin" ? doneWords.get(c.req.query("done") ?? "") : undefined;
  const of = (section: Section) => ({
    visit,
    site,
    account,
    failure: failure?.section === section ? failure : undefined,
    done: done?.section === section ? done.text : undefined,
    passkeyName,
  });
  const children = (
    <>
      <h1>Your account</h1>
      {account.password && (
        <p>
          You are signed in as{" "}
          <strong>
            <bdi>{account.password.identifier}</bdi>
          </strong>
          .
          {account.otherIdentifiers.length > 0 && (
            <>
              {" "}
              You can also sign in as:{" "}
              {account.otherIdentifiers.map((one, index) => (
                <>
                  {index > 0 && ", "}
                  <bdi>{one}</bdi>
                </>
              ))}
              .
            </>
          )}
        </p>
      )}
      {visit.auth.mail && visit.user.identifier?.includes("@") && <AddressPart {...of("address")} />}
      <NamePart {...of("name")} />
      {account.password && (
        <PasswordPart
          identifier={account.password.identifier}
          leastLength={account.leastPasswordLength}
          {...of("password")}
        />
      )}
      <PasskeysPart {...of("passkeys")} />
      <AuthenticatorPart {...of("authenticator")} />
      <RecoveryCodesPart {...of("recovery-codes")} />
      <TokensPart {...of("tokens")} />
      <SessionsPart {...of("sessions")} />
    </>
  );
  return await respond(visit, {
    title: "Your account",
    children,
    script: true,
    signedIn: true,
    refusal: failure?.refusal,
  });
}

function AddressPart({ visit, site, failure, done }: PartProps) {
  const { identifier, identifierVerified } = visit.user;
  return (
    <Part id="address" done={done} title="Email address" failure={failure && sentenceFor(failure.refusal)}>
      <p>
        <bdi>{identifier}</bdi> {identifierVerified ? "is confirmed." : "is not confirmed yet."}
      </p>
      {!identifierVerified && (
        <form method="post" action={site.path("/account/verification")}>
          <button type="submit" class="quiet">
            Send me a link
          </button>
        </form>
      )}
    </Part>
  );
}

function NamePart({ site, account, failure, done }: PartProps) {
  return (
    <Part id="name" done={done} title="Name">
      <form method="post" action={site.path("/account/name")}>
        <Field
          form="name"
          name="display_name"
          label="Your name"
          value={failure?.typed?.display_name ?? account.displayName ?? ""}
          autocomplete="name"
          maxlength={400}
          required={false}
          error={failure && sentenceFor(failure.refusal, { "invalid_format.name": longDisplayName })}
        />
        <button type="submit">Save</button>
      </form>
    </Part>
  );
}

function PasswordPart({
  site,
  identifier,
  leastLength,
  failure,
  done,
}: Omit<PartProps, "account" | "visit" | "passkeyName"> & { identifier: string; leastLength: number }) {
  const ofCurrent = ["unauthorized.invalid_credential"] as const;
  const ofNew = ["invalid_format.password"] as const;
  return (
    <Part id="password" done={done} title="Password" failure={told(failure, [...ofCurrent, ...ofNew], true)}>
      <form method="post" action={site.path("/account/password")}>
        {/* For password managers, which store a password under its identifier. */}
        <input hidden type="text" name="identifier" value={identifier} autocomplete="username" />
        <Field
          form="password"
          name="current_password"
          label="Current password"
          type="password"
          autocomplete="current-password"
          error={told(failure, ofCurrent)}
        />
        <Field
          form="password"
          name="new_password"
          label="New password"
          type="password"
          autocomplete="new-password"
          hint={`${leastLength} characters or more. You will be signed out everywhere else.`}
          error={told(failure, ofNew)}
        />
        <button type="submit">Change password</button>
      </form>
    </Part>
  );
}

function SessionsPart({ site, account, failure, done }: PartProps) {
  const others = account.sessions.filter(({ current }) => !current);
  return (
    <Part id="sessions" done={done} title="Where you are signed in" failure={failure && sentenceFor(failure.refusal)}>
      <ul class="list">
        {account.sessions.map(({ id, device, current, created_at, last_seen_at, address }) => (
          <li>
            <h3>
              {device}
              {current && <span class="mark"> this one</span>}
            </h3>
            <p class="hint">
              Signed in <Time at={new Date(created_at)} />
              {last_seen_at && (
                <>
                  , last used <Time at={new Date(last_seen_at)} />
                </>
              )}
              {address && ` from ${address}`}.
            </p>
            {!current && (
              <form method="post" action={site.path("/account/sessions/revoke")}>
                <Hidden name="session_id" value={id} />
                <button type="submit" class="danger">
                  Sign out<span class="unseen"> {device}</span>
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
      {account.hasMoreSessions && <p class="hint">Some sessions are not shown.</p>}
      {others.length > 0 && (
        <form method="post" action={site.path("/account/sessions/revoke-others")}>
          <button type="submit" class="danger">
            Sign out everywhere else
          </button>
        </form>
      )}
    </Part>
  );
}

import { Part, type PartProps, told } from "./account-part.tsx";
import { FormKey } from "./form-key.tsx";
import { Day, Field, Hidden, PasskeyPart, Time } from "./parts.tsx";
import { sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";

export function PasskeysPart({ visit, site, account, failure, done, passkeyName }: PartProps): Rendered {
  return (
    <Part id="passkeys" done={done} title="Passkeys" failure={failure && sentenceFor(failure.refusal)}>
      {account.passkeys.length === 0 && <p>No passkeys yet. A passkey signs you in without a password.</p>}
      <ul class="list">
        {account.passkeys.map(({ id, name, status, createdAt, lastUsedAt, backedUp }) => {
          const called = <bdi>{name ?? "Unnamed passkey"}</bdi>;
          return (
            <li>
              <h3>{called}</h3>
              <p class="hint">
                {status === "suspended" && "Suspended. "}
                Added <Day at={createdAt} />
                {lastUsedAt && (
                  <>
                    , last used <Time at={lastUsedAt} />
                  </>
                )}
                . {backedUp ? "Synced across your devices." : "Stored on one device."}
              </p>
              <form method="post" action={site.path("/account/passkeys/rename")} class="line">
                <Hidden name="passkey_id" value={id} />
                <Field
                  form={`rename-${id}`}
                  name="name"
                  label={<>New name for {called}</>}
                  value={name ?? ""}
                  maxlength={120}
                  autocomplete="off"
                />
                <button type="submit" class="quiet">
                  Rename
                </button>
              </form>
              <form method="post" action={site.path("/account/passkeys/remove")}>
                <Hidden name="passkey_id" value={id} />
                {id === visit.session.credentialId && (
                  <p class="hint">You signed in with this passkey. If you remove it, you must sign in again.</p>
                )}
                <button type="submit" class="danger">
                  Remove<span class="unseen"> {called}</span>
                </button>
              </form>
            </li>
          );
        })}
      </ul>
      <PasskeyPart
        ceremony="create"
        optionsPath={site.path("/account/passkeys/options")}
        finishPath={site.path("/account/passkeys")}
        button="Add a passkey"
        named={passkeyName ?? ""}
        isNext={passkeyName !== undefined}
      />
    </Part>
  );
}

export function AuthenticatorPart({ visit, site, account, failure, done }: PartProps): Rendered {
  const { authenticator, password } = account;
  const label = failure?.typed?.label ?? password?.identifier.slice(0, 120) ?? "Authenticator app";
  const ofLabel = ["invalid_format.name"] as const;
  return (
    <Part id="authenticator" done={done} title="Authenticator app" failure={told(failure, ofLabel, true)}>
      {authenticator ? (
        <>
          <p>
            <strong>
              <bdi>{authenticator.identifier}</bdi>
            </strong>
            , added <Day at={authenticator.createdAt} />. Its code is asked for when you sign in with your password.
          </p>
          <form method="post" action={site.path("/account/authenticator/remove")}>
            <Hidden name="factor_id" value={authenticator.id} />
            <button type="submit" class="danger">
              Remove authenticator app
            </button>
          </form>
        </>
      ) : (
        <p>Not set up. Add one so that your password alone is not enough to sign in.</p>
      )}
      <form method="post" action={site.path("/account/authenticator")}>
        <FormKey visit={visit} act="/account/authenticator" />
        <Field
          form="authenticator"
          name="label"
          label="Account name shown in the app"
          value={label}
          maxlength={120}
          autocomplete="off"
          error={told(failure, ofLabel)}
        />
        <button type="submit" class={authenticator ? "quiet" : ""}>
          {authenticator ? "Switch to another app" : "Add an authenticator app"}
        </button>
      </form>
    </Part>
  );
}

export function RecoveryCodesPart({ visit, site, account, failure, done }: PartProps): Rendered {
  const { recoveryCodes, authenticator } = account;
  return (
    <Part id="recovery-codes" done={done} title="Recovery codes" failure={told(failure, [], true)}>
      <p>
        {recoveryCodes
          ? `You have ${recoveryCodes.remaining} of 10 codes left. Creating new codes replaces them.`
          : "No codes yet. They let you sign in if you lose your authenticator app."}
      </p>
      {authenticator || recoveryCodes ? (
        <form method="post" action={site.path("/account/recovery-codes")}>
          <FormKey visit={visit} act="/account/recovery-codes" />
          <button type="submit">Create new recovery codes</button>
        </form>
      ) : (
        <p class="hint">Add an authenticator app first.</p>
      )}
    </Part>
  );
}

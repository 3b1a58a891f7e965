import { Part, type PartProps, told } from "./account-part.tsx";
import { FormKey } from "./form-key.tsx";
import { Day, Field, Hidden, Time } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";

export function TokensPart({ visit, site, account, failure, done }: PartProps): Rendered {
  const { data, nextCursor } = account.tokens;
  const fields = {
    name: ["invalid_format.name", "invalid_format.text"],
    scopes: ["invalid_format.scope"],
    end: ["pat.expires_in_past"],
  } as const;
  const typed = failure?.typed ?? {};
  return (
    <Part
      id="tokens"
      done={done}
      title="Access tokens"
      failure={told(failure, [...fields.name, ...fields.scopes, ...fields.end], true)}
    >
      <p>A token lets a program act for you, as far as its scopes go.</p>
      <ul class="list">
        {data.map(({ id, name, scope, createdAt, expiresAt, lastUsedAt }) => (
          <li>
            <h3>
              <bdi>{name}</bdi>
            </h3>
            <p class="hint">
              <code>{id.slice(0, 12)}…</code> Scopes: {scope.length > 0 ? scope.join(", ") : "none"}. Made{" "}
              <Day at={createdAt} />, {lastUsedAt ? <>last used {<Time at={lastUsedAt} />}</> : "never used"},{" "}
              {expiresAt ? <>ends {<Time at={expiresAt} />}</> : "without an end"}.
            </p>
            <form method="post" action={site.path("/account/tokens/revoke")}>
              <Hidden name="token_id" value={id} />
              <button type="submit" class="danger">
                Revoke
                <span class="unseen">
                  {" "}
                  <bdi>{name}</bdi>
                </span>
              </button>
            </form>
          </li>
        ))}
      </ul>
      {nextCursor && <p class="hint">Some tokens are not shown. Revoke one to see more.</p>}
      <form method="post" action={site.path("/account/tokens")}>
        <FormKey visit={visit} act="/account/tokens" />
        <Field
          form="tokens"
          name="name"
          label="Name"
          hint="What you will use it for."
          value={typed.name}
          maxlength={120}
          autocomplete="off"
          error={told(failure, fields.name)}
        />
        <Field
          form="tokens"
          name="scopes"
          label="Scopes"
          hint="Separated by spaces, such as account:read."
          value={typed.scopes ?? "account:read"}
          required={false}
          autocomplete="off"
          error={told(failure, fields.scopes)}
        />
        <Field
          form="tokens"
          name="last_day"
          label="Expires on"
          hint="Up to one year ahead, in UTC. Leave empty for no expiry."
          type="date"
          value={typed.last_day}
          required={false}
          error={told(failure, fields.end)}
        />
        <button type="submit">Create token</button>
      </form>
    </Part>
  );
}

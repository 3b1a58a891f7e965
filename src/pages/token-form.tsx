import type { AuthError } from "../index.ts";
import { FormKey } from "./form-key.tsx";
import { respondWithForm } from "./layout.tsx";
import { dayText, Field } from "./parts.tsx";
import { sentenceFor, type Words } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

/** What a user has typed for a new token. */
export interface TypedToken {
  readonly name: string;
  readonly scopes: readonly string[];
  /** A number of days, `date` or `never`. */
  readonly expires: string;
  readonly last_day: string;
}

/** Days after which a token can end. */
const presets = [30, 60, 90] as const;

/** The form for a new token. */
export function newTokenPage(
  visit: UserVisit,
  typed: TypedToken,
  refusal?: AuthError,
  words?: Words,
): Response | Promise<Response> {
  const { site, asOf } = visit;
  const sentence = refusal && sentenceFor(site, refusal, words);
  const isOf = (...codes: readonly string[]) => (refusal && codes.includes(refusal.code) ? sentence : undefined);
  const name = isOf("invalid_format.name", "invalid_format.text");
  const scope = isOf("invalid_format.scope");
  const end = isOf("pat.expires_in_past");
  return respondWithForm(visit, "tokens", {
    title: site.text("tokens.new.title"),
    intro: <p>{site.say("tokens.text")}</p>,
    action: "/account/tokens/new",
    fields: (
      <>
        <FormKey visit={visit} act="/account/tokens/new" />
        <Field
          site={site}
          form="tokens"
          name="name"
          label={site.say("tokens.name")}
          hint={site.text("tokens.name.hint")}
          value={typed.name}
          maxlength={120}
          autocomplete="off"
          error={name}
        />
        {site.tokenScopes ? (
          <ScopeList site={site} chosen={typed.scopes} error={scope} />
        ) : (
          <Field
            site={site}
            form="tokens"
            name="scopes"
            label={site.say("tokens.scope-field")}
            hint={site.text("tokens.scope-field.hint")}
            value={typed.scopes.join(" ")}
            required={false}
            autocomplete="off"
            error={scope}
          />
        )}
        <div class="field">
          <label for="tokens-expires">{site.say("tokens.expires")}</label>
          <select id="tokens-expires" name="expires">
            {presets.map((days) => (
              <option value={days} selected={typed.expires === String(days)}>
                {site.text("tokens.expires.days", {
                  count: days,
                  day: dayText(site, new Date(asOf.getTime() + days * 86_400_000)),
                })}
              </option>
            ))}
            <option value="date" selected={typed.expires === "date"}>
              {site.text("tokens.expires.date")}
            </option>
            <option value="never" selected={typed.expires === "never"}>
              {site.text("tokens.expires.never")}
            </option>
          </select>
        </div>
        <div class="chosen-day">
          <Field
            site={site}
            form="tokens"
            name="last_day"
            label={site.say("tokens.last-day")}
            hint={site.text("tokens.last-day.hint")}
            type="date"
            value={typed.last_day}
            required={false}
            error={end}
          />
        </div>
      </>
    ),
    button: site.text("tokens.create"),
    refusal,
    ...(words && { words }),
    isShown: (name ?? scope ?? end) !== undefined,
  });
}

/** A box for each scope that the application offers. */
function ScopeList({
  site,
  chosen,
  error,
}: {
  site: Site;
  chosen: readonly string[];
  error: string | undefined;
}): Rendered {
  return (
    <fieldset class="field">
      <legend>{site.say("tokens.scope-list")}</legend>
      {site.tokenScopes?.map(({ scope, text }) => (
        <label class="choice">
          <input type="checkbox" name={`scope:${scope}`} value="on" checked={chosen.includes(scope)} />
          <span>
            {text} <code>{scope}</code>
          </span>
        </label>
      ))}
      {error && (
        <p class="error" role="alert" id="tokens-scopes-error">
          {error}
        </p>
      )}
    </fieldset>
  );
}

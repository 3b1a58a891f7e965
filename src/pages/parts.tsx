import type { Child } from "hono/jsx";
import { encode } from "uqr";
import { deviceLabel } from "../domain/device-label.ts";
import type { TextName } from "./language.ts";
import type { Rendered } from "./rendered.ts";
import type { Site } from "./site.ts";

/** A field with its label, a hint, and what is wrong with the typed text. */
export function Field(field: {
  site: Site;
  /** The form's name, so that ids are unique on a page with several forms. */
  form: string;
  name: string;
  label: Child;
  type?: "text" | "password" | "date";
  value?: string | undefined;
  autocomplete?: string;
  inputmode?: "numeric" | "text";
  maxlength?: number;
  required?: boolean;
  hint?: string | undefined;
  error?: Child;
}): Rendered {
  const { site, form, name, label, hint, error, type = "text", required = true, ...input } = field;
  const id = `${form}-${name}`;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const control = (
    <input
      id={id}
      name={name}
      type={type}
      {...input}
      {...(type === "text" && { autocapitalize: "none" })}
      {...(required && { required: true })}
      {...(described && { "aria-describedby": described })}
      {...(error && { "aria-invalid": "true", autofocus: true })}
    />
  );
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!required && <span class="optional"> {site.say("word.optional")}</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {type === "password" ? (
        <div class="secret-field">
          {control}
          {/* The script shows it and makes it work. */}
          <button type="button" class="plain" hidden data-reveal={id} data-other={site.text("word.hide")}>
            <span data-word>{site.say("word.show")}</span>
            <span class="unseen"> {site.say("word.password")}</span>
          </button>
        </div>
      ) : (
        control
      )}
      {error && (
        <p class="error" role="alert" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** A field for a code from an authenticator app, or for a recovery code. */
export function CodeField(field: {
  site: Site;
  form: string;
  label: string;
  error?: Child;
  isRecovery?: boolean;
}): Rendered {
  const { isRecovery = false, ...rest } = field;
  return (
    <Field
      {...rest}
      name="code"
      autocomplete={isRecovery ? "off" : "one-time-code"}
      inputmode={isRecovery ? "text" : "numeric"}
      maxlength={64}
    />
  );
}

/** Whether the session outlives the browser. */
export function Remember({ site, isChecked = true }: { site: Site; isChecked?: boolean }): Rendered {
  return (
    <label class="choice">
      <input type="checkbox" name="remember" value="yes" checked={isChecked} />
      <span>{site.say("sign-in.remember")}</span>
    </label>
  );
}

export function Hidden({ name, value }: { name: string; value: string }): Rendered {
  return <input type="hidden" name={name} value={value} />;
}

export function Alert({ children }: { children?: Child }): Rendered {
  return children ? (
    <p class="error" role="alert">
      {children}
    </p>
  ) : null;
}

/** A day in UTC, as the reader's language writes it. */
export function dayText({ language: { tag, locale = tag } }: Site, at: Date): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(at);
}

/** A time in UTC: the server does not know its reader's time zone. The script writes it as local time. */
export function Time({ site, at }: { site: Site; at: Date }): Rendered {
  const { tag, locale = tag } = site.language;
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  return (
    <time datetime={at.toISOString()} data-local>
      {site.text("word.utc", { time: format.format(at) })}
    </time>
  );
}

export function Day({ site, at }: { site: Site; at: Date }): Rendered {
  return <time datetime={at.toISOString()}>{dayText(site, at)}</time>;
}

/** A name for a device, such as “Firefox on Linux”. */
export function deviceText(site: Site, userAgent: string | null): string {
  const join = (browser: string, system: string) => site.text("devices.name", { browser, system });
  return deviceLabel(userAgent, site.text("devices.unknown"), join);
}

/** What the passkey script says, by the names that it uses. */
const scriptTexts: readonly TextName[] = [
  "script.no-answer",
  "script.unsaved",
  "script.remove-there",
  "script.has-one",
  "script.none-created",
  "script.none-used",
  "script.wrong-place",
];

/**
 * A part that needs the passkey script: hidden until the script runs, with a note for browsers without script.
 *
 * @param options.optionsPath Where the script requests the ceremony's options, with POST.
 * @param options.finishPath Where the script sends the authenticator's answer.
 */
export function PasskeyPart(part: {
  site: Site;
  ceremony: "create" | "get";
  optionsPath: string;
  finishPath: string;
  next?: string;
  /** The sealed act that the proof is for. */
  act?: string | undefined;
  button: string;
  /** Also offers passkeys in the browser's autofill. */
  autofill?: boolean;
  /** Asks for a name under this label, filled in with this text. */
  named?: { label: string; value: string } | undefined;
  /** True if the user came to use it. */
  isNext?: boolean;
  quiet?: boolean;
}): Rendered {
  const { site } = part;
  const texts = Object.fromEntries(scriptTexts.map((name) => [name.replace("script.", ""), site.find(name)]));
  return (
    <div class="passkey">
      <form
        hidden
        data-ceremony={part.ceremony}
        data-options={part.optionsPath}
        data-finish={part.finishPath}
        data-texts={JSON.stringify(texts)}
        {...(part.next && { "data-next": part.next })}
        {...(part.act && { "data-act": part.act })}
        {...(part.autofill && { "data-autofill": "" })}
      >
        {part.named !== undefined && (
          <Field
            site={site}
            form="passkey"
            name="name"
            label={part.named.label}
            hint={site.text("field.passkey-name.hint")}
            value={part.named.value}
            required={false}
            maxlength={120}
            autocomplete="off"
          />
        )}
        <button type="submit" class={part.quiet ? "quiet" : ""} {...(part.isNext && { autofocus: true })}>
          {part.button}
        </button>
        <p class="error" role="alert" hidden data-message />
      </form>
      <p class="hint" data-no-passkeys={site.text("script.unsupported")}>
        {site.say("script.none")}
      </p>
    </div>
  );
}

/** Buttons that copy the text of an element, and save it as a file. The script shows them and makes them work. */
export function CopyButtons({ site, from, file }: { site: Site; from: string; file?: string }): Rendered {
  return (
    <p class="acts">
      <button type="button" class="quiet" hidden data-copy={from} data-other={site.text("word.copied")}>
        <span data-word>{site.say("word.copy")}</span>
      </button>
      {file !== undefined && (
        <button type="button" class="quiet" hidden data-save={from} data-file={file}>
          {site.say("word.download")}
        </button>
      )}
    </p>
  );
}

/** A QR code, dark on light in both color schemes, because many scanners read nothing else. */
export function QrCode({ text, label }: { text: string; label: string }): Rendered {
  const { size, data } = encode(text, { ecc: "M", border: 4 });
  const dark = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={dark} fill="#000" />
    </svg>
  );
}

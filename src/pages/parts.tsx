import type { Child } from "hono/jsx";
import { encode } from "uqr";
import type { Rendered } from "./rendered.ts";

/** A field with its label, a hint, and what is wrong with the typed text. */
export function Field(field: {
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
  error?: string | undefined;
}): Rendered {
  const { form, name, label, hint, error, type = "text", required = true, ...input } = field;
  const id = `${form}-${name}`;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!required && <span class="optional"> (optional)</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
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
  form: string;
  label: string;
  error?: string | undefined;
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

export function Hidden({ name, value }: { name: string; value: string }): Rendered {
  return <input type="hidden" name={name} value={value} />;
}

export function Alert({ children }: { children?: string | undefined }): Rendered {
  return children ? (
    <p class="error" role="alert">
      {children}
    </p>
  ) : null;
}

const timeFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const dayFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** A time in UTC: the server does not know its reader's time zone. */
export function Time({ at }: { at: Date }): Rendered {
  return <time datetime={at.toISOString()}>{timeFormat.format(at)} UTC</time>;
}

export function Day({ at }: { at: Date }): Rendered {
  return <time datetime={at.toISOString()}>{dayFormat.format(at)}</time>;
}

/**
 * A part that needs the passkey script: hidden until the script runs, with a note for browsers without script.
 *
 * @param options.optionsPath Where the script requests the ceremony's options, with POST.
 * @param options.finishPath Where the script sends the authenticator's answer.
 */
export function PasskeyPart(part: {
  ceremony: "create" | "get";
  optionsPath: string;
  finishPath: string;
  next?: string;
  /** The sealed act that the proof is for. */
  act?: string | undefined;
  button: string;
  /** Also offers passkeys in the browser's autofill. */
  autofill?: boolean;
  /** Asks for a name, filled in with this text. */
  named?: string;
  /** True if the user came to use it. */
  isNext?: boolean;
  quiet?: boolean;
}): Rendered {
  return (
    <div class="passkey">
      <form
        hidden
        data-ceremony={part.ceremony}
        data-options={part.optionsPath}
        data-finish={part.finishPath}
        {...(part.next && { "data-next": part.next })}
        {...(part.act && { "data-act": part.act })}
        {...(part.autofill && { "data-autofill": "" })}
      >
        {part.named !== undefined && (
          <Field
            form="passkey"
            name="name"
            label="Passkey name"
            hint="Helps you recognize it, for example “Work laptop”."
            value={part.named}
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
      <p class="hint" data-no-passkeys>
        Passkeys need JavaScript, which is turned off.
      </p>
    </div>
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

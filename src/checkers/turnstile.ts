/**
 * Cloudflare Turnstile: the server's part of the captcha (Turnstile, "Validate the token").
 *
 * @module
 */
import type { Captcha, CaptchaWidget } from "../domain/captcha.ts";
import { requireOption } from "../domain/option-error.ts";
import { failure, fetchText, parseService, requireTimeout } from "../net/bounded-fetch.ts";

export type { Captcha, CaptchaContext, CaptchaWidget } from "../domain/captcha.ts";

/** The options of {@link turnstile}. */
export interface TurnstileOptions {
  /** The widget's secret key, as a secret of the deployment. No error message contains it. */
  readonly secretKey: string;
  /** The hosts of the pages that show the widget, such as `["example.com"]`. A token of any other host is refused. */
  readonly hostnames: readonly string[];
  /** The widget's `action`, such as `sign-in`. A token of another action is refused. Default: any. */
  readonly action?: string;
  /** Where to check tokens. Default: Cloudflare's endpoint. */
  readonly url?: string;
  /** How long Cloudflare may take to answer, for each of at most two attempts, 100 to 30000. Default 2000. */
  readonly timeoutMilliseconds?: number;
}

/** "A token can have up to 2048 characters." */
const mostCharacters = 2_048;
/** Codes that speak of the token. Every other code speaks of the deployment or of Cloudflare. */
const refusingCodes = ["invalid-input-response", "missing-input-response", "timeout-or-duplicate"];

/**
 * Checks the tokens of a Turnstile widget.
 *
 * A token counts once and for five minutes. The second attempt after a failure has the same idempotency key, so the token is
 * still fresh. `verify` rejects if Cloudflare cannot be asked, or refuses the secret key: it never accepts an unchecked token.
 *
 * @throws {TypeError} If an option is wrong. The message does not show the secret key.
 */
export function turnstile(options: TurnstileOptions): Captcha {
  const {
    secretKey,
    hostnames,
    action,
    url = "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    timeoutMilliseconds = 2_000,
  } = options;
  const isKey = typeof secretKey === "string" && secretKey.trim() !== "";
  // Not quoted, whatever it is.
  requireOption(isKey, undefined, "the secret key of a Turnstile widget", "secretKey");
  const isList = Array.isArray(hostnames) && hostnames.length > 0 && hostnames.every(isHostname);
  requireOption(isList, hostnames, 'a list of hosts without scheme and port, such as ["example.com"]', "hostnames");
  requireAction(action);
  const target = parseService(url);
  requireTimeout(timeoutMilliseconds);

  const ask = async (body: object): Promise<unknown> => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return parse(await fetchText({ url: target, init, milliseconds: timeoutMilliseconds, maxBytes: 16_384 }));
  };
  return {
    async verify(token, { address }) {
      if (token.length === 0 || token.length > mostCharacters) return false;
      const body = {
        secret: secretKey,
        response: token,
        ...(address && { remoteip: address }),
        idempotency_key: crypto.randomUUID(),
      };
      let answer: Answer;
      try {
        answer = answerOf(await ask(body));
      } catch {
        // The second failure is the one that is told.
        answer = answerOf(await ask(body));
      }
      if (!answer.success) return false;
      return hostnames.includes(answer.hostname) && (action === undefined || answer.action === action);
    },
  };
}

/** The options of {@link turnstileWidget}. */
export interface TurnstileWidgetOptions {
  /** The widget's site key, which is public. */
  readonly siteKey: string;
  /** The widget's `action`. Give the same to {@link turnstile}. Default: none. */
  readonly action?: string;
  /** The widget's script. Default: Cloudflare's. */
  readonly scriptUrl?: string;
}

/**
 * The widget of Turnstile, for `formCaptcha` of `sallyport/rate-limit`.
 *
 * @throws {TypeError} If an option is wrong.
 */
export function turnstileWidget(options: TurnstileWidgetOptions): CaptchaWidget {
  const { siteKey, action, scriptUrl = "https://challenges.cloudflare.com/turnstile/v0/api.js" } = options;
  requireOption(/^[\w-]{1,100}$/.test(siteKey ?? ""), siteKey, "the site key of a Turnstile widget", "siteKey");
  requireAction(action);
  return {
    scriptUrl: parseService(scriptUrl, "scriptUrl"),
    attributes: {
      class: "cf-turnstile",
      "data-sitekey": siteKey,
      "data-size": "flexible",
      ...(action !== undefined && { "data-action": action }),
    },
    field: "cf-turnstile-response",
  };
}

/** Turnstile's own form of an action. */
function requireAction(action: string | undefined): void {
  const isAction = action === undefined || (typeof action === "string" && /^[\w-]{1,32}$/.test(action));
  requireOption(isAction, action, "1 to 32 of a-z, A-Z, 0-9, _ and -", "action");
}

interface Answer {
  readonly success: boolean;
  readonly hostname: string;
  readonly action: string | undefined;
}

/** @throws {Error} If the answer says nothing about the token. */
function answerOf(answer: unknown): Answer {
  const { success, hostname, action, "error-codes": codes } = (answer ?? {}) as Record<string, unknown>;
  if (success === true && typeof hostname === "string") {
    return { success, hostname: hostname.toLowerCase(), action: typeof action === "string" ? action : undefined };
  }
  const isRefused = success === false && Array.isArray(codes) && codes.length > 0;
  if (isRefused && codes.every((code) => refusingCodes.includes(code))) {
    return { success, hostname: "", action: undefined };
  }
  const code = Array.isArray(codes) ? codes.find((one) => !refusingCodes.includes(one)) : undefined;
  const plain = typeof code === "string" && /^[a-z-]{1,64}$/.test(code) ? code : "UNKNOWN";
  throw failure("Turnstile could not check the token.", plain);
}

/** @throws {Error} */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw failure("Turnstile did not answer with JSON.", "NOT_JSON");
  }
}

function isHostname(host: unknown): boolean {
  return typeof host === "string" && /^[a-z\d-]+(\.[a-z\d-]+)*$/.test(host);
}

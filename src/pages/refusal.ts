import { AuthError, type ErrorCode } from "../index.ts";
import type { TextName } from "./language.ts";
import type { Site } from "./site.ts";

/** The result of an operation, or the reason of its refusal. */
export type Attempt<Value> =
  | { readonly value: Value; readonly refusal?: undefined }
  | { readonly value?: undefined; readonly refusal: AuthError };

/** Refusals for which every page redirects to another page. */
const leadingAway: readonly ErrorCode[] = [
  "unauthorized.reauthentication_required",
  "unauthorized.invalid_token",
  "unauthorized.session_expired",
  "unauthorized.mfa_required",
];

/**
 * Waits for an operation. A refusal that the page itself shows is returned instead of thrown.
 *
 * @param shown Codes that this page shows too, instead of redirecting.
 */
export async function attempt<Value>(
  operation: Promise<Value>,
  shown: readonly ErrorCode[] = [],
): Promise<Attempt<Value>> {
  try {
    return { value: await operation };
  } catch (error) {
    if (!(error instanceof AuthError) || (leadingAway.includes(error.code) && !shown.includes(error.code))) throw error;
    return { refusal: error };
  }
}

/** A page's own texts for refusals, by code. */
export type Words = Partial<Record<ErrorCode, TextName>>;

/** A sentence for the user. */
export function sentenceFor(site: Site, refusal: AuthError, words: Words = {}): string {
  const { find, text, captcha } = site;
  const { code, details } = refusal;
  if (code === "too_many_requests") {
    const asked = captcha && find(`error.${String(details?.reason)}`);
    return asked ?? text("error.too_many_requests", { time: waitFor(site, refusal) });
  }
  const fault = code === "invalid_format.password" ? find(`error.password.${String(details?.reason)}`) : undefined;
  return find(words[code] ?? "") ?? fault ?? find(`error.${code}`) ?? refusal.message;
}

/** How long to wait after a refusal, such as “3 minutes”. */
export function waitFor({ language }: Site, { retryAfterSeconds: seconds = 60 }: AuthError): string {
  const [count, unit] =
    seconds < 90 ? [Math.max(1, Math.ceil(seconds)), "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat(language.tag, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

import type { Context, MiddlewareHandler } from "hono";
import type { Captcha, CaptchaWidget } from "../domain/captcha.ts";
import { plainAddress } from "../domain/client-address.ts";
import { AuthError } from "../domain/error.ts";
import { requireOption } from "../domain/option-error.ts";
import { parseRate } from "../domain/rate.ts";
import { policyOf } from "../domain/rate-limit-headers.ts";
import { isServiceUrl } from "../domain/service-url.ts";
import type { Realm, WithRealm } from "../engine/realm.ts";
import { countRequestOf } from "../operations/rate-limits.ts";
import { type AuthSource, realmOf } from "./auth-source.ts";
import { preflight } from "./cors.ts";
import { inTime } from "./in-time.ts";
import { limitedRequest, type RateLimitKey, requesterOf, requireLimitOptions } from "./limited-request.ts";

/** The options of {@link requireCaptcha}. */
export interface CaptchaOptions {
  /** How many requests of one client need no captcha, such as `"5/minute"`. */
  after: string;
  /** As in `rateLimit`. Default: the client's address. */
  key?: RateLimitKey;
  /** Separates the counters of this limit. Default: the rate and the path of the route. */
  name?: string;
  /** Finds the captcha's token. Default: the header `Captcha-Token`. A function that reads the body takes it from the route. */
  token?: (c: Context) => string | undefined | Promise<string | undefined>;
}

const askedMethod = "Access-Control-Request-Method";

/** A counter counts no further than a little past this. */
const mostCounted = 1_000_000;

/** How many tokens are checked for each request that needs none. Each check is a request to the captcha's provider. */
const checksForEach = 10;

/**
 * Demands a solved captcha from a client that has used up a first limit, on any route that comes after it, also Sallyport's own:
 * `app.use("/auth/sign-in", requireCaptcha(auth, captcha, { after: "5/minute" }))`.
 *
 * Past the limit, a request without a token is refused with 429 `too_many_requests` and `details.reason` `captcha_required`, and
 * one with a wrong token with `captcha_failed`. `Retry-After` says when no captcha is needed. After ten times the limit every
 * request is refused and no token is checked. If the provider cannot be asked, the answer is 503. One request to the database.
 *
 * @throws {TypeError} If an option is wrong.
 */
export function requireCaptcha(
  source: AuthSource<WithRealm>,
  captcha: Captcha,
  options: CaptchaOptions,
): MiddlewareHandler {
  const { name, token = tokenOf } = options;
  const demand = demandOf(captcha, options);
  requireOption(typeof token === "function", token, "a function from the context to a text", "token");
  return async (c, next) => {
    let permission: Response | undefined;
    const demanded = limitedRequest(source, async (_c, realm) => {
      permission = await demand(c, realm, {
        name: name ?? `${options.after} ${c.req.routePath}`,
        token: () => token(c),
      });
      return undefined;
    });
    return await demanded(c, async () => {
      if (permission) c.res = permission;
      else await next();
    });
  };
}

/** The options of {@link formCaptcha}. */
export interface FormCaptchaOptions extends Pick<CaptchaOptions, "after" | "key"> {
  /** How a form shows the captcha, such as `turnstileWidget(…)`. */
  widget: CaptchaWidget;
}

/** A captcha in forms, for the option `captcha` of `pages`. */
export interface FormCaptcha {
  readonly widget: CaptchaWidget;
  /**
   * Counts a form that was sent, and checks its token once the limit of its path is used up. One request to the database.
   *
   * @throws {AuthError} `too_many_requests`, as {@link requireCaptcha} answers; `unavailable.busy`.
   */
  demand(c: Context, auth: WithRealm, form: { path: string; token: string }): Promise<void>;
}

/**
 * A captcha that a form shows once a client has used up a first limit: `pages(auth, { captcha: formCaptcha(turnstile(…), {
 * widget: turnstileWidget(…), after: "5/minute" }) })`. Each form has its own counter. The limits are those of {@link
 * requireCaptcha}.
 *
 * @throws {TypeError} If an option is wrong.
 */
export function formCaptcha(captcha: Captcha, options: FormCaptchaOptions): FormCaptcha {
  const { widget, after } = options;
  const demand = demandOf(captcha, options);
  const isScript = URL.canParse(widget?.scriptUrl ?? "") && isServiceUrl(new URL(widget.scriptUrl));
  const isWidget = isScript && typeof widget.field === "string" && !!widget.attributes;
  requireOption(isWidget, widget, "a widget, such as turnstileWidget(…)", "widget");
  return {
    widget,
    async demand(c, auth, { path, token }) {
      await demand(c, realmOf(auth), { name: `${after} ${path}`, token: () => token });
    },
  };
}

/** What a request shows of a captcha, and the counter that it counts on. */
interface Demanded {
  readonly name: string;
  readonly token: () => string | undefined | Promise<string | undefined>;
}

/**
 * Counts a request, and demands a captcha past the limit. Returns the answer to a preflight, for which nothing else runs.
 *
 * @throws {TypeError} If an option is wrong.
 */
function demandOf(captcha: Captcha, options: Pick<CaptchaOptions, "after" | "key" | "name">) {
  requireOption(
    typeof captcha?.verify === "function",
    captcha,
    "an object with `verify`, such as turnstile(…)",
    "captcha",
  );
  const { attempts, windowSeconds } = parseRate(options.after);
  requireLimitOptions(options);
  return async (c: Context, realm: Realm, { name, token }: Demanded): Promise<Response | undefined> => {
    const requester = await requesterOf(c, realm, options.key);
    const counted = await countRequestOf(
      realm.core,
      { name: `captcha ${name}`, rate: { attempts, windowSeconds }, blockSeconds: 0 },
      requester,
    );
    if (counted.count <= attempts) return undefined;
    // A browser sends the captcha only with the request that follows. Nothing else runs for this answer.
    const permission = requester.isPreflight && preflight(c, realm, [c.req.header(askedMethod) ?? ""]);
    if (permission) return permission;
    const refusal = {
      retryAfterSeconds: counted.resetSeconds,
      limit: policyOf(options.after, { attempts, windowSeconds }),
    };
    const most = Math.min(attempts * (1 + checksForEach), mostCounted);
    if (counted.count > most) throw new AuthError("too_many_requests", refusal);
    const given = await token();
    const isSolved = given && (await verify(captcha, given, realm, requester.address));
    if (isSolved) return undefined;
    const reason = given ? "captcha_failed" : "captcha_required";
    throw new AuthError("too_many_requests", { ...refusal, details: { reason } });
  };
}

function tokenOf(c: Context): string | undefined {
  return c.req.header("captcha-token");
}

/** @throws {AuthError} `unavailable.busy` if the token could not be checked: a captcha that fails admits no request. */
async function verify(captcha: Captcha, token: string, realm: Realm, address = ""): Promise<boolean> {
  try {
    const checked = captcha.verify(token, { address: plainAddress(address) });
    return (await inTime(checked, realm.core.patience.milliseconds)) === true;
  } catch (error) {
    throw new AuthError("unavailable.busy", { cause: error, retryAfterSeconds: 1 });
  }
}

import type { Context, MiddlewareHandler } from "hono";
import type { Captcha } from "../domain/captcha.ts";
import { plainAddress } from "../domain/client-address.ts";
import { AuthError } from "../domain/error.ts";
import { requireOption } from "../domain/option-error.ts";
import { parseRate } from "../domain/rate.ts";
import type { Realm, WithRealm } from "../engine/realm.ts";
import { countRequestOf } from "../operations/rate-limits.ts";
import type { AuthSource } from "./auth-source.ts";
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
  requireOption(
    typeof captcha?.verify === "function",
    captcha,
    "an object with `verify`, such as turnstile(…)",
    "captcha",
  );
  const { after, key, name, token = tokenOf } = options;
  const { attempts, windowSeconds } = parseRate(after);
  requireLimitOptions(options);
  requireOption(typeof token === "function", token, "a function from the context to a text", "token");
  const demand = async (c: Context, realm: Realm): Promise<Response | undefined> => {
    const requester = await requesterOf(c, realm, key);
    const counted = await countRequestOf(
      realm.core,
      { name: `captcha ${name ?? `${after} ${c.req.routePath}`}`, rate: { attempts, windowSeconds }, blockSeconds: 0 },
      requester,
    );
    if (counted.count <= attempts) return undefined;
    // A browser sends the captcha only with the request that follows. Nothing else runs for this answer.
    const permission = requester.isPreflight && preflight(c, realm, [c.req.header(askedMethod) ?? ""]);
    if (permission) return permission;
    const retryAfterSeconds = counted.resetSeconds;
    const most = Math.min(attempts * (1 + checksForEach), mostCounted);
    if (counted.count > most) throw new AuthError("too_many_requests", { retryAfterSeconds });
    const given = await token(c);
    const isSolved = given && (await verify(captcha, given, realm, requester.address));
    if (isSolved) return undefined;
    const reason = given ? "captcha_failed" : "captcha_required";
    throw new AuthError("too_many_requests", { retryAfterSeconds, details: { reason } });
  };
  return async (c, next) => {
    let permission: Response | undefined;
    const demanded = limitedRequest(source, async (_c, realm) => {
      permission = await demand(c, realm);
      return undefined;
    });
    return await demanded(c, async () => {
      if (permission) c.res = permission;
      else await next();
    });
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

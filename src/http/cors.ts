/**
 * Cross-origin requests from the pages that a deployment lists (Fetch standard, HTTP extensions): which pages may read our
 * responses, and what they may send.
 *
 * @module
 */
import type { Context } from "hono";
import type { Origin } from "../domain/origin.ts";
import type { Realm } from "../engine/realm.ts";
import { sessionHeader, ticketHeader } from "./ticket.ts";

const allowHeaders = ["Authorization", "Content-Type", "Idempotency-Key", ticketHeader, "X-Request-Id"];
const exposeHeaders = [
  "Retry-After",
  "RateLimit-Policy",
  "RateLimit",
  "WWW-Authenticate",
  "X-Request-Id",
  ticketHeader,
  sessionHeader,
];

/**
 * Headers that tracing tools add to each request of a page: W3C Trace Context and Baggage, Sentry, Zipkin, Datadog, New Relic,
 * Elastic, Jaeger, AWS, Google Cloud, Azure, Instana, Dynatrace, SkyWalking. None of them changes an answer.
 */
const tracing =
  /^(trace(parent|state)|baggage|sentry-trace|b3|x-b3-\w+|x-datadog-[\w-]+|newrelic|elastic-apm-traceparent|uber-trace-id|x-amzn-trace-id|x-cloud-trace-context|request-(id|context)|x-instana-\w|x-dt\w+|sw8)$/i;

/** The page that is listed for `cors`. The base URL itself needs no permission. */
function sharedWith(c: Context, { core }: Realm): Origin | undefined {
  const asked = c.req.header("origin");
  return core.origins.find(({ origin, uses }, index) => index > 0 && uses.includes("cors") && origin === asked);
}

/** The answer to a listed page's preflight; `undefined` for any other page. */
export function preflight(c: Context, realm: Realm, methods: readonly string[]): Response | undefined {
  realm.check();
  const page = sharedWith(c, realm);
  if (!page || c.req.header("access-control-request-method") === undefined) return undefined;
  const asked = (c.req.header("access-control-request-headers") ?? "").split(",").map((name) => name.trim());
  const allowed = [...allowHeaders, ...(page.headers ?? []), ...asked.filter((name) => tracing.test(name))];
  const headers = {
    "Access-Control-Allow-Origin": page.origin,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": methods.join(","),
    "Access-Control-Allow-Headers": allowed.join(","),
    "Access-Control-Max-Age": "600",
    Vary: "Origin, Access-Control-Request-Headers",
  };
  return new Response(null, { status: 204, headers });
}

/** Lets the page of a listed origin read a response. */
export function allowOrigin(c: Context, realm: Realm, response: Response): Response {
  if (!realm.isChecked || !realm.core.origins.some(({ uses }, index) => index > 0 && uses.includes("cors")))
    return response;
  response.headers.append("Vary", "Origin");
  const origin = sharedWith(c, realm)?.origin;
  if (origin === undefined) return response;
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set("Access-Control-Allow-Credentials", "true");
  response.headers.set("Access-Control-Expose-Headers", exposeHeaders.join(","));
  return response;
}

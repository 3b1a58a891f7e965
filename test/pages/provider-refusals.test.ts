/** Every refusal that a browser can be led to a page with, and the sentence that it reads there. @module */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { everyRefusalOf } from "../../build/openapi/refusals.node.ts";
import * as acts from "../../src/domain/acts/provider.ts";
import { german } from "../../src/pages/german.ts";
import { pages } from "../support/every-page.ts";
import { askPages, openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const failed = "Signing in at the other site did not work. Try again.";
const cancelled = "You did not sign in at Practice.";
const excluded = "Your account at the other site is not accepted here. Use another one, or ask for help.";
const over = "This took too long, or was done already. Start again at the other site.";
const down = "The other site cannot be reached at the moment. Try again shortly.";

const byCode: Readonly<Record<string, string>> = {
  "unauthorized.provider": failed,
  "unauthorized.reauthentication_required": "Confirm that it's you to do this.",
  "unauthorized.invalid_token": over,
  "unauthorized.session_expired": over,
  "unauthorized.mfa_required": over,
  "auth.token_format_unrecognized": failed,
  "unavailable.provider": down,
  "unavailable.database": "The service is not available. Try again in a moment.",
  "unavailable.reply_lost":
    "The change was saved, but the response was lost. If a code or token was to be shown, create a new one.",
  "forbidden.sign_up_closed": "New accounts cannot be created here at the moment.",
  "forbidden.enrollment_not_granted":
    "You need a second factor to sign in. Ask an administrator to let you set one up.",
  "forbidden.cross_origin": "This request did not come from a page of this site, so nothing was changed.",
  "conflict.duplicate_credential":
    "An account here has the address of your account at Practice. If it is yours, sign in to it another way.",
  "conflict.identity_in_use": "Another account here uses this account at the other site. Unlink it there first.",
  "precondition.limit_reached": "You cannot have more of these. Remove one first.",
  too_many_requests: "Too many attempts. Try again in 60 seconds.",
  not_found: "Choose another way to sign in.",
  // Requests that no page of this site makes.
  forbidden: failed,
  "invalid_format.query": failed,
  "invalid_format.json": failed,
  "invalid_format.text": failed,
  "invalid_format.body": failed,
  payload_too_large: failed,
  unsupported_media_type: failed,
};

/** The reasons of `unauthorized.provider`. */
const byReason: Readonly<Record<string, string>> = {
  access_denied: cancelled,
  login_required: cancelled,
  interaction_required: cancelled,
  consent_required: cancelled,
  account_linking_required: cancelled,
  account_not_allowed: excluded,
  user_blocked: excluded,
  blocked: excluded,
  not_accepted: excluded,
  auth_time: "Sign out at the other site, and try again.",
  used: over,
  transaction_expired: over,
  state_mismatch: over,
  invalid_grant: over,
  other_session: over,
  // What a user can only try again.
  other: failed,
  invalid_identity: failed,
  invalid_callback: failed,
  invalid_token: failed,
  invalid_token_response: failed,
  issuer_mismatch: failed,
  subject_mismatch: failed,
  token_expired: over,
  session_expired: over,
  insufficient_scope: failed,
};

/** Answers of the provider that are refused as an outage: `unavailable.provider`, without a reason. */
const outages = ["issuer_unreachable", "issuer_timeout", "issuer_invalid_response", "configuration_error"];

describe("a refusal at a provider is said in words", () => {
  const rows = [
    ...Object.entries(byCode).map(([code, sentence]) => [code, undefined, sentence] as const),
    ...Object.entries(byReason).map(([reason, sentence]) => ["unauthorized.provider", reason, sentence] as const),
  ];

  test.each(rows)("%s %s: %s", async (refusal, reason, sentence) => {
    const query = new URLSearchParams({ refusal, provider: "practice", ...(reason && { reason }) });
    const said = sentence.replaceAll("'", "&#39;");
    const { text } = await world.ask({ path: `/sign-in?${query}` });
    expect(text).toContain(`<p role="status">${said}</p>`);
    const as = await world.person({ transport: "cookie" });
    expect((await world.ask({ path: `/account/security?${query}`, as })).text).toContain(said);
  });

  test("in German", async () => {
    const app = pages(world.auth, { languages: [german] });
    for (const [refusal, reason, english] of rows) {
      const query = new URLSearchParams({ refusal, provider: "practice", ...(reason && { reason }) });
      const { text } = await askPages(app, { path: `/sign-in?${query}` });
      const [, said = ""] = /<p role="status">(.*?)<\/p>/.exec(text) ?? [];
      expect([refusal, reason, said.length > 20, said !== english]).toEqual([refusal, reason, true, true]);
    }
  });

  test("a code that looks like a reason has its own sentence", async () => {
    for (const code of ["unauthorized.enrollment_required", "forbidden.x_expired", "x.blocked"]) {
      const { text } = await world.ask({ path: `/sign-in?refusal=${code}&provider=practice` });
      expect(text).toContain(`<p role="status">${failed}</p>`);
    }
  });

  test("a link cannot make the page say anything else", async () => {
    for (const query of ["refusal=x", "refusal=unauthorized.provider&provider=x&reason=access_denied"]) {
      expect((await world.ask({ path: `/sign-in?${query}` })).text).toContain(`<p role="status">${failed}</p>`);
    }
    const query = "refusal=unauthorized.provider&provider=practice&reason=constructor";
    expect((await world.ask({ path: `/sign-in?${query}` })).text).toContain(failed);
    expect((await world.ask({ path: "/sign-in?provider=practice&reason=blocked" })).text).not.toContain(excluded);
  });
});

describe("no code is without a row", () => {
  test("codes, of each route that leads a browser on and of the operations behind it", () => {
    const led = routes.filter(({ refusedTo }) => refusedTo);
    const ofOperations = [acts.signInWithProvider, acts.linkIdentity, acts.stepUpWithProvider];
    const codes = new Set<string>([
      ...led.flatMap(everyRefusalOf),
      ...ofOperations.flatMap(({ refusals = [] }) => refusals),
      // The refusal of a fresh session, and of a lost reply.
      "unauthorized.reauthentication_required",
      "unavailable.reply_lost",
    ]);
    // These stay JSON: the application itself is broken.
    for (const code of ["internal_error", "unavailable.configuration"]) codes.delete(code);
    expect(led).toHaveLength(9);
    expect([...codes].toSorted()).toEqual(Object.keys(byCode).toSorted());
  });

  test("reasons, of the operations and of every provider", () => {
    const files = (folder: string) => readdirSync(folder).map((name) => `${folder}/${name}`);
    const operations = ["provider-answer", "federation", "identity-sign-in", "second-factor"];
    const places = [
      ...operations.map((name) => `src/operations/${name}.ts`),
      ...files("src/providers"),
      ...files("src/oidc"),
    ];
    const thrown =
      /(?:refused|OAuthError)\(\s*"([a-z_]+)"|reason: "([a-z_]+)"|^ {2}([a-z]+): "unauthorized\.provider"/gm;
    // The tables of codes, and the classes that have one.
    const listed = /^ {2}\["([a-z_]+)", |super\("([a-z_]+)"/gm;
    const found = new Set(
      places.flatMap((place) => {
        const text = readFileSync(place, "utf8");
        const matches = [...text.matchAll(thrown), ...(place.endsWith("/errors.ts") ? text.matchAll(listed) : [])];
        return matches.flatMap((match) => match.slice(1).filter((reason) => reason !== undefined));
      }),
    );
    expect(found.size).toBeGreaterThan(20);
    expect([...found].filter((reason) => !(reason in byReason) && !outages.includes(reason))).toEqual([]);
  });
});

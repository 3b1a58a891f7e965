import type { ErrorBody, ErrorCode } from "../../src/domain/error.ts";
import { readFormBody } from "../../src/http/form-body.ts";
import { type Route, usesCookies } from "../../src/http/route.ts";

/** The codes of the bodies that a route can refuse with. A refused link leads on, with its code in the address. */
export function refusalsOf(route: Route): ErrorBody["code"][] {
  if (route.refusedTo && route.method === "get") return ["internal_error", "unavailable.configuration"];
  return everyRefusalOf(route);
}

/** Every code that a route can refuse with: the codes in its row, and the codes that follow from the rest of the row. */
export function everyRefusalOf(route: Route): ErrorBody["code"][] {
  return [
    ...new Set([
      ...route.refusals,
      ...(usesCookies(route) && route.method !== "get" && !route.isForeign
        ? (["forbidden.cross_origin"] as const)
        : []),
      ...accessRefusals(route),
      ...(route.method === "get"
        ? []
        : bodyRefusals.filter((code) => route.readForm !== readFormBody || code !== "invalid_format.json")),
      ...(route.query ? (["invalid_format.query"] as const) : []),
      "internal_error" as const,
      "unavailable.database" as const,
      "unavailable.configuration" as const,
    ]),
  ];
}

const bodyRefusals: readonly ErrorCode[] = [
  "invalid_format.json",
  "invalid_format.text",
  "invalid_format.body",
  "payload_too_large",
  "unsupported_media_type",
];

/** The refusals of a presented session, then those of the operation's rule. */
function accessRefusals(route: Route): ErrorCode[] {
  const { access } = route;
  if (access === "anyone" || access === "ticket") return [];
  const unreadable: ErrorCode[] = ["unauthorized.invalid_token", "auth.token_format_unrecognized"];
  if (access === "token" || access === "optional") return unreadable;

  // Under `/auth` callers act on their own account: only an identifier in the path can name another object.
  const reachesOthers = !usesCookies(route) || route.path.includes(":");
  const { relation } = access;
  // The routes of tuples name an object in the query or the body.
  const namesOne = route.path.includes(":") || route.path.startsWith("/v1/tuples");
  // A session that lacks what the organization's security policy asks for, if a step-up helps.
  const isRole = relation?.on === "org";
  const needsProof = access.owner === "fresh" || isRole || (reachesOthers && access.administrator);
  return [
    ...unreadable,
    "unauthorized.session_expired",
    "unauthorized.mfa_required",
    ...(needsProof ? (["unauthorized.reauthentication_required"] as const) : []),
    ...(isRole ? (["unauthorized.enrollment_required", "forbidden.provider_not_allowed"] as const) : []),
    ...(reachesOthers ? ([namesOne ? "not_found" : "forbidden"] as const) : []),
    ...(reachesOthers && (relation || !access.administrator) ? (["forbidden"] as const) : []),
  ];
}

import type { RelationOnObject } from "../../src/domain/act.ts";
import { type Route, type RouteAccess, usesCookies } from "../../src/http/route.ts";
import { summaryOf } from "./summaries.node.ts";

/** What a route does and what it demands of its caller, from its row. */
export function descriptionOf(route: Route): string {
  const sentences = [summaryOf(route.id), ...accessOf(route.access)];
  if (route.access === "ticket" && usesCookies(route)) sentences.push("A browser sends the ticket in a cookie");
  if (usesCookies(route) && route.method !== "get") {
    sentences.push("A request with a cookie must come from the site's own pages");
  }
  return `${sentences.join(". ")}.`;
}

function accessOf(access: RouteAccess): string[] {
  switch (access) {
    case "anyone":
      return ["Anyone may call it; no session is read"];
    case "ticket":
      return ["The login ticket of a sign-in is the credential"];
    case "token":
      return ["The presented session token is the credential"];
    case "optional":
      return ["It also answers a request without a session"];
  }
  const { owner, administrator, relation, writer } = access;
  return [
    ...(owner === "fresh" ? ["Allowed for the owner within ten minutes of a proof"] : []),
    ...(owner === true ? ["Allowed for the owner"] : []),
    ...(administrator ? ["Allowed for administrators who proved a second factor within half an hour"] : []),
    ...(writer
      ? [
          `Allowed for users who may write ${writer === "tuple" ? "the tuple" : "a tuple of the object"}, by the option \`writers\``,
        ]
      : []),
    ...(relation
      ? [
          `Allowed for users with one of the relations ${relation.among.slice(0, relation.among.indexOf(relation.atLeast) + 1).join(", ")} on the ${relation.on}${proofOf(relation)}`,
        ]
      : []),
  ];
}

function proofOf({ among, fresh }: RelationOnObject): string {
  if (!fresh) return "";
  return `, within ten minutes of a proof${fresh === "strongest" ? ` if the relation ${among[0]} is given or taken` : ""}`;
}

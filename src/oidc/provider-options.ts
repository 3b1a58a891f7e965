/** Checks of options that every provider has. @module */
import { ConfigurationError, requireSetting } from "./errors.ts";

/** The names of each kind's options, besides those that every kind has. */
const names = {
  oidc: "clientSecret scopes prompt provesAgain clockToleranceSeconds issuerUrl identityOf algorithms privateHosts privateKey clientAuthentication",
  site: "clientSecret scopes prompt provesAgain clockToleranceSeconds",
  apple: "scopes prompt provesAgain clockToleranceSeconds",
  oauth2:
    "clientSecret scope authorizeUrl accessTokenUrl userinfoUrl revocationUrl issuer responseIssuer requirePkce clientAuthentication subjectClaim identityOf privateHosts",
  oauth2Site: "clientSecret scope",
};

/**
 * Refuses names that the kind does not have: a misspelled option, or one of another kind, would be ignored.
 *
 * @param more More names, separated by spaces.
 * @throws {ConfigurationError}
 */
export function checkNames(options: object, kind: keyof typeof names, more = ""): void {
  const known = `name label mark clientId timeoutMs fetch ${names[kind]} ${more}`.split(" ");
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new ConfigurationError(name, "it is not an option.");
  }
}

/** @throws {ConfigurationError} If a mark is not a path of the same origin: the pages load nothing else. */
export function checkMark(mark: unknown): void {
  const isPath = mark === undefined || (typeof mark === "string" && /^(\/[\w.~%-]+)+$/.test(mark));
  requireSetting(isPath, "mark", mark, "a path such as /google.svg");
}

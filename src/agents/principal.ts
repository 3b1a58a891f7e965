import type { AuthenticatedAgent } from "../oidc/agent.ts";

/** Someone who has signed in at an issuer, in a session that the application keeps. */
export interface AgentPrincipal {
  readonly type: "agent";
  readonly issuer: string;
  /** Identifies the agent together with the issuer. */
  readonly subject: string;
  readonly agent: AuthenticatedAgent;
}

/** The bearer of an access token that an issuer has made for this application. */
export interface ForeignPrincipal {
  readonly type: "foreign";
  readonly issuer: string;
  /** Identifies the bearer together with the issuer. */
  readonly subject: string;
  /** The application that got the token. Undefined if the issuer does not say. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  /** In seconds since the Unix epoch. */
  readonly expiresAt: number;
}

/**
 * Who makes a request on the word of an issuer. No such principal is a user of Sallyport: nothing in it is compared with a user, and
 * an address least of all.
 */
export type Principal = AgentPrincipal | ForeignPrincipal;

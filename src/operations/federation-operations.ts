/**
 * What the feature `federation` adds to `auth`.
 *
 * @module
 */
import type { Actor, SessionActor } from "../domain/actor.ts";
import type { Credential } from "../domain/credential.ts";
import type { CredentialId, UserId } from "../domain/id.ts";
import type { LinkedIdentity } from "../domain/identity-provider.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { ProviderPlaces } from "../engine/federation-settings.ts";
import type { AccessTokenRequest, ProviderAccessToken } from "../engine/kept-tokens.ts";
import type { Page } from "../engine/page.ts";
import type { Operation, PlannableOperation } from "../engine/plan.ts";
import type { ProviderPurpose } from "../engine/provider-attempts.ts";
import type { IssuedSession } from "../engine/sessions.ts";
import type { ImportOperations } from "./identity-import.ts";
import type { LinkingRequired } from "./identity-sign-in.ts";
import type { ProviderAnswer } from "./provider-answer.ts";
import type { DiscoveryOperations } from "./provider-discovery.ts";
import type { SignedIn } from "./sign-in.ts";

export type { LinkingRequired, ProviderAnswer };

/** A provider as a page shows it. */
export interface ListedProvider {
  readonly name: string;
  readonly label: string;
  /** The path of its logo, if it has one. */
  readonly mark: string | undefined;
  /** Where a link or a form begins a sign-in. */
  readonly startPath: string;
  /** Where a form begins the linking of an identity. */
  readonly linkPath: string;
  /** Where the provider sends browsers back to. */
  readonly callbackPath: string;
  /** Where a form begins a step-up. */
  readonly stepUpPath: string;
  /** True if the provider can ask its user for a new proof. Otherwise it steps up only users without a password. */
  readonly provesAgain: boolean;
  /** True if a form with its answer may come from another site. */
  readonly answersByForm: boolean;
  /** Its client id, if a script of the page can get an ID token from it. */
  readonly pageClientId: string | undefined;
}

/** A sign-in at a provider that has begun. */
export interface StartedSignIn {
  /** Where to send the browser. */
  readonly url: string;
  /** For this browser alone: keep it in a cookie, and give it to `finish`. It has no secret. */
  readonly attempt: string;
  /** For a provider that gives ID tokens to a script of the page: the token must have it. */
  readonly nonce: string;
  readonly maxAgeSeconds: number;
}

/** Signing in with a provider, and linking its identities. */
export interface FederationOperations extends DiscoveryOperations, ImportOperations {
  readonly providers: () => readonly ListedProvider[];
  /**
   * Begins a sign-in at a provider; or, for an actor, the linking of an identity or a step-up. No request goes to the database.
   *
   * @param input.purpose Default `sign_in`. The others need the `actor`.
   * @throws {AuthError} `not_found`, `unavailable.provider`.
   */
  start: Operation<
    {
      readonly provider: string;
      readonly purpose?: ProviderPurpose | undefined;
      readonly actor?: SessionActor | undefined;
      readonly next?: string | undefined;
      readonly remember?: boolean | undefined;
      /** Asks the provider for a new proof, if it can. A step-up always does. Default false. */
      readonly again?: boolean | undefined;
    },
    StartedSignIn
  >;
  /** Where sign-ins at providers lead. */
  readonly places: () => ProviderPlaces;
  /** What a sign-in is for that this browser has begun at the provider, if any, and where it leads: to a listed place. */
  look: Operation<
    { readonly provider: string; readonly attempt: string | undefined },
    {
      readonly purpose: ProviderPurpose | undefined;
      readonly next: string;
      readonly remember: boolean | undefined;
      /** True if the provider can be asked for a new proof, and was not. */
      readonly mayProveAgain: boolean;
    }
  >;
  /**
   * Ends a sign-in: verifies the provider's answer, and signs in with the identity, or makes an account for it. The identity is
   * its issuer and subject; its address identifies no one. A second factor that is required here is asked for here.
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`, `forbidden.sign_up_closed`,
   *   `forbidden.enrollment_not_granted`, `unauthorized.reauthentication_required`, `conflict.duplicate_credential`,
   *   `precondition.limit_reached`, `too_many_requests`.
   */
  finish: Operation<ProviderAnswer, SignedIn | LinkingRequired>;
  /**
   * Ends the linking of an identity, in the session that began it or one that has replaced it since, as a refresh does.
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`, `conflict.identity_in_use`,
   *   `precondition.limit_reached`, `too_many_requests`.
   */
  finishLink: Operation<ProviderAnswer & { readonly actor: SessionActor }, LinkedIdentity>;
  /**
   * Ends a step-up: the acting user has proved one of their identities again, and a fresh session replaces the acting one. A
   * provider that cannot ask for a new proof counts only for a user without a password. For a user with a second factor, the
   * session is fresh once that is proved too (`auth.stepUp`).
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`, `too_many_requests`.
   */
  finishStepUp: Operation<ProviderAnswer & { readonly actor: SessionActor }, IssuedSession>;
  /**
   * Links the identity that a sign-in has proved, and whose address the actor's account has.
   *
   * @param input.now The time of `auth.sessions.verify`, `asOf`.
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `conflict.identity_in_use`, `precondition.limit_reached`.
   */
  link: Operation<
    { readonly actor: SessionActor; readonly identity: string | undefined; readonly now: Date },
    LinkedIdentity
  >;
  /**
   * Heeds a message that a provider sends by itself: ends the sessions whose user has signed out there (OpenID Connect Back-Channel
   * Logout 1.0), or an identity that is gone there.
   *
   * @param input.token The logout token, or the provider's own signed message.
   * @throws {AuthError} `not_found`, `invalid_format.notice`, `unavailable.provider`.
   */
  heed: Operation<
    { readonly provider: string; readonly token: string; readonly context?: RequestContext | undefined },
    void
  >;
  /**
   * An access token with which the application acts for the user at a provider. One that ends within a minute is refreshed first, by
   * one caller at a time, in whatever isolate: the others wait for it, at most 2 seconds. Allowed for the user and the application.
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`.
   */
  accessToken: Operation<AccessTokenRequest, ProviderAccessToken>;
  /**
   * Revokes tokens of `keepTokens` at their providers, whose identities or users have ended: by the user, an administrator, or another
   * SDK. Call it on a schedule, as `auth.mail.deliver`; the routes and pages also call it after an unlinking. What fails is reported to
   * `onError`, and tried again for a week.
   *
   * @param input.limit How many at most. Default 20.
   */
  revokeOwed: (input?: { readonly limit?: number }) => Promise<{ readonly revoked: number }>;
  /** A user's identities. */
  list: Operation<{ actor: Actor; userId: UserId }, Page<LinkedIdentity>>;
  /**
   * Unlinks an identity of the actor's own, and ends the sessions that began with it.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `conflict.last_way_in`.
   */
  unlink: PlannableOperation<{ actor: SessionActor; credentialId: CredentialId }, Credential>;
}

/** The operations that the feature `federation` adds to `auth`. */
export interface FederationAuth {
  readonly federation: FederationOperations;
}

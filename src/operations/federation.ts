import { type Actor, type SessionActor, sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/provider.ts";
import type { Credential } from "../domain/credential.ts";
import { AuthError } from "../domain/error.ts";
import { type CredentialId, newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import {
  isIssuerAmong,
  type LinkedIdentity,
  linkedIdentity,
  type ProvedIdentity,
} from "../domain/identity-provider.ts";
import { toValue } from "../domain/record.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import {
  createFederationCore,
  type FederationCore,
  type FederationOptions,
  type ProviderPlaces,
} from "../engine/federation-settings.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import type { AccessTokenRequest, ProviderAccessToken } from "../engine/kept-tokens.ts";
import type { Page } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import {
  attemptSeconds,
  type BegunAttempt,
  beginAttempt,
  openAttempt,
  type ProviderPurpose,
} from "../engine/provider-attempts.ts";
import { readAll } from "../engine/reads.ts";
import { openText } from "../engine/sealed-text.ts";
import type { IssuedSession } from "../engine/sessions.ts";
import { revokeCredential } from "../store/credentials.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import * as store from "../store/linked-identities.ts";
import { lockUser } from "../store/locks.ts";
import { purgeChallenges, purgeProviderSessions } from "../store/maintenance.ts";
import { changeWork } from "./credential-changes.ts";
import { type LinkingRequired, provesFactor, signInWith } from "./identity-sign-in.ts";
import { keepingOf, newIdentity, type ProviderAnswer, prove, providerOf, refused, sidOf } from "./provider-answer.ts";
import { type DiscoveryOperations, discoveryOperations } from "./provider-discovery.ts";
import { providerFault } from "./provider-fault.ts";
import { heedProvider } from "./provider-notices.ts";
import { spendOnSession, stepUpBy } from "./second-factor.ts";
import type { SignedIn } from "./sign-in.ts";

export type { LinkingRequired, ProviderAnswer };

/** A provider as a page shows it. */
export interface ListedProvider {
  readonly name: string;
  readonly label: string;
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
export interface FederationOperations extends DiscoveryOperations {
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
   * Ends the linking of an identity, in the session that began it.
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`, `conflict.identity_in_use`,
   *   `precondition.limit_reached`.
   */
  finishLink: Operation<ProviderAnswer & { readonly actor: SessionActor }, LinkedIdentity>;
  /**
   * Ends a step-up: the acting user has proved one of their identities again, and a fresh session replaces the acting one. A
   * provider that cannot ask for a new proof counts only for a user without a password. For a user with a second factor, the
   * session is fresh once that is proved too (`auth.stepUp`).
   *
   * @throws {AuthError} `not_found`, `unauthorized.provider`, `unavailable.provider`.
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

export function federationParts(settings: Core, options: FederationOptions): FeatureParts<FederationAuth> {
  const core = createFederationCore(settings, options);
  const { keepTokens } = options;
  return {
    operations: { federation: federationOperations(core) },
    check: () => {
      void core.providers;
      keepTokens?.keys(core);
    },
    ...(keepTokens && { keys: () => ({ keepTokens: keepTokens.keys(core) }) }),
    purges: [purgeChallenges, purgeProviderSessions, ...(keepTokens ? [keepTokens.purge] : [])],
  };
}

function federationOperations(core: FederationCore): FederationOperations {
  return {
    providers: () =>
      [...core.providers.values()].map(({ name, label, provesAgain = false, answersByForm = false, pageClientId }) => {
        const path = `${core.routesPath}/${name}`;
        const [startPath, linkPath, stepUpPath, callbackPath] = ["start", "link", "step-up", "callback"].map(
          (verb) => `${path}/${verb}`,
        ) as [string, string, string, string];
        const paths = { startPath, linkPath, stepUpPath, callbackPath };
        return { name, label, ...paths, provesAgain, answersByForm, pageClientId };
      }),

    places: () => core.places,
    ...discoveryOperations(core),

    async start({ provider: name, purpose = "sign_in", actor, next, remember, again = purpose === "step_up" }) {
      const provider = providerOf(core, name);
      const sessionId = purpose === "sign_in" ? undefined : sessionOf(actor!).sessionId;
      const { attempt, sealed } = await beginAttempt(core, name, {
        purpose,
        again: again && provider.provesAgain === true,
        sessionId,
        // Only what a sign-in may lead to: a cookie has little room.
        next: placesOf(core).find((place) => place === next),
        remember,
        redirectUri: `${core.origins[0]!.origin}${core.routesPath}/${name}/callback`,
      });
      try {
        const url = await provider.begin(attempt);
        return { url, attempt: sealed, nonce: attempt.nonce, maxAgeSeconds: attemptSeconds };
      } catch (error) {
        throw providerFault(core, error);
      }
    },

    async look({ provider, attempt }) {
      const begun = await openAttempt(core, provider, attempt);
      const purpose = begun?.purpose;
      const otherwise = purpose === undefined || purpose === "sign_in" ? core.places.signedIn : core.places.linked;
      // The listed text itself, so that nothing that a client sent is followed (R062).
      const mayProveAgain = begun?.again === false && core.providers.get(provider)?.provesAgain === true;
      const next = placesOf(core).find((place) => place === begun?.next) ?? otherwise;
      return { purpose, next, remember: begun?.remember, mayProveAgain };
    },

    async finish({ presentedToken, context: given, ...asked }) {
      const { identity, begun } = await prove(core, asked, "sign_in");
      return await signInWith(core, { asked: { ...asked, presentedToken, context: given }, identity, begun });
    },

    async finishLink({ actor, ...asked }) {
      const { identity, begun } = await prove(core, asked, "link");
      requireOwnSession(begun, actor);
      const named = newIdentity(core, asked.provider, identity);
      return await linkTo(core, actor, named, {
        attempt: begun.spent,
        keepTokens: await keepingOf(core, named, identity),
      });
    },

    async finishStepUp({ actor, ...asked }) {
      const { identity, begun } = await prove(core, asked, "step_up");
      requireOwnSession(begun, actor);
      const { issuer, subject } = identity;
      const checked = {
        type: "oidc",
        issuer,
        subject,
        isNew: begun.again,
        provesFactor: begun.again && provesFactor(core, identity),
        sid: sidOf(identity),
        challenge: begun.spent,
      } as const;
      return await spendOnSession(core, { ...stepUpBy(actor, acts.stepUpWithProvider), checked, transport: "cookie" });
    },

    async link({ actor, identity: sealed, now }) {
      const text = sealed && (await openText(core, ["identity"], sealed, now));
      if (!text) throw refused("transaction_expired");
      const { provider, ...proved } = JSON.parse(text) as ProvedIdentity & { provider: string };
      // The provider, or its issuer, may have been taken from the list since.
      if (!isIssuerAmong(providerOf(core, provider).issuers, proved.issuer)) throw new AuthError("not_found");
      const identity = newIdentity(core, provider, proved);
      return await linkTo(core, actor, identity, { heldAs: identifiersFor(core, identity.email ?? "") });
    },

    heed: (asked) => heedProvider(core, asked),

    async accessToken(asked) {
      if (!core.tokenKeeping) throw new TypeError("The option `keepTokens` of `federation` is not set.");
      return await core.tokenKeeping.accessToken(core, asked);
    },

    async list({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readAll(core, store.selectIdentitiesOfUser(asked), toIdentity);
    },

    unlink: plannableChange(core, ({ actor, credentialId }) => {
      const asked = { actor, credentialId, onlyOwn: true, onlyType: "oidc" as const };
      return changeWork(core, acts.unlinkIdentity, asked, revokeCredential, undefined);
    }),
  };
}

/** The session that began it: another one in this browser may be of another account. */
function requireOwnSession(begun: BegunAttempt, actor: SessionActor): void {
  if (begun.sessionId !== sessionOf(actor).sessionId) throw refused("other_session");
}

function placesOf({ returnTo, pagePaths }: FederationCore): readonly string[] {
  return [...returnTo, ...pagePaths];
}

function toIdentity(row: store.LinkedIdentityRow): LinkedIdentity {
  return toValue(linkedIdentity, row);
}

async function linkTo(
  core: FederationCore,
  actor: SessionActor,
  identity: store.NewIdentity,
  only: Pick<Parameters<typeof store.insertIdentity>[0], "heldAs" | "attempt" | "keepTokens">,
): Promise<LinkedIdentity> {
  const userId = uuidFor("usr", actor.userId);
  const asked = { actor, auditId: newAuditId() };
  const work = guardedWork(acts.linkIdentity, asked, identity.credentialId, {
    locks: [
      ...store.lockIdentity(identity),
      ...(identity.email === null ? [] : lockIdentifier(identity.email)),
      lockUser(userId),
    ],
    body: store.insertIdentity({ ...asked, ...only, userId, identity, most: core.maxIdentities }),
    onLostReply: store.recallIdentity(identity.credentialId, asked.auditId),
    decode: toIdentity,
    // The provider's code is spent.
    mustCommit: true,
  });
  return await execute(core, work);
}

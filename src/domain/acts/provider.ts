import type { Act, Audited, GuardedAct } from "../act.ts";
import { stepUp } from "./session.ts";

/** Acts with an identity at a provider, such as a Google account. */

/** It only sends the browser away, so it leaves no event. */
export const startProviderSignIn: Act = {
  name: "startProviderSignIn",
  action: "identity.sign_in.start",
  target: "login",
  refusals: ["not_found", "unavailable.provider"],
};

/** The same at the provider of an address's domain. Each lookup is counted. */
export const discoverProvider: Act = {
  ...startProviderSignIn,
  name: "discoverProvider",
  refusals: [...startProviderSignIn.refusals!, "too_many_requests"],
};

/** The same for a link. What is linked is asked for at the end. */
export const startProviderLink: GuardedAct = {
  name: "startProviderLink",
  action: "identity.credential.link.start",
  target: "cred",
  who: { owner: true },
  refusals: ["not_found", "unavailable.provider"],
};

/** The same for a step-up. What is proved is asked for at the end. */
export const startProviderStepUp: GuardedAct = {
  ...startProviderLink,
  name: "startProviderStepUp",
  action: "identity.session.step_up.start",
  target: "usr",
};

/** A step-up by an identity of the user's own. */
export const stepUpWithProvider: GuardedAct = {
  ...stepUp,
  name: "stepUpWithProvider",
  refusals: ["not_found", "unauthorized.provider", "unavailable.provider", "too_many_requests"],
};

export const signInWithProvider: Act = {
  name: "signInWithProvider",
  action: "identity.sign_in",
  target: "cred",
  locks: ["identifier", "user"],
  refusals: [
    "not_found",
    "unauthorized.provider",
    "unavailable.provider",
    "forbidden.sign_up_closed",
    "forbidden.enrollment_not_granted",
    "unauthorized.reauthentication_required",
    "conflict.duplicate_credential",
    "precondition.limit_reached",
    "too_many_requests",
  ],
};

/** The account that a first sign-in with an identity makes. */
export const signUpWithProvider: Audited = { action: "identity.sign_up", target: "cred" };

/** The sign-in that failed. Its target is the digest of the identity if it was proved, and of the attempt if not. */
export const failedProviderSignIn: Audited = { action: "identity.sign_in", target: "login" };

export const linkIdentity: GuardedAct = {
  name: "linkIdentity",
  action: "identity.credential.link",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["identifier", "user"],
  refusals: [
    "not_found",
    "unauthorized.provider",
    "unavailable.provider",
    "conflict.identity_in_use",
    "precondition.limit_reached",
    "too_many_requests",
  ],
};

/** Links an identity that a sign-in has proved. */
export const linkProvedIdentity: GuardedAct = {
  ...linkIdentity,
  name: "linkProvedIdentity",
  refusals: ["not_found", "unauthorized.provider", "conflict.identity_in_use", "precondition.limit_reached"],
};

/** The application brings an identity from another system. It has proved nothing here, so no user may do it. */
export const importIdentity: GuardedAct = {
  name: "importIdentity",
  action: "identity.credential.import",
  target: "cred",
  who: {},
  locks: ["identifier", "user"],
  refusals: [
    "not_found",
    "invalid_format.subject_id",
    "precondition.user_not_active",
    "conflict.identity_in_use",
    "conflict.already_terminal",
    "precondition.limit_reached",
  ],
};

export const listIdentities: GuardedAct = {
  name: "listIdentities",
  action: "identity.credential.list",
  target: "usr",
  who: { owner: true, administrator: true },
};

/** The token with which the application acts for the user at a provider. */
export const readProviderToken: GuardedAct = {
  name: "readProviderToken",
  action: "identity.provider_token.read",
  target: "usr",
  who: { owner: true },
  refusals: ["not_found", "unauthorized.provider", "unavailable.provider"],
};

export const refreshProviderToken: Audited = { action: "identity.provider_token.refresh", target: "cred" };

/** The provider has refused to refresh the tokens for good. */
export const dropProviderToken: Audited = { action: "identity.provider_token.drop", target: "cred" };

/** A provider says that its user has signed out there. */
export const endProviderSessions: Act = {
  name: "endProviderSessions",
  action: "identity.session.end_at_provider",
  target: "cred",
  locks: ["user"],
  refusals: ["not_found", "invalid_format.notice", "unavailable.provider"],
};

/** A provider says that the user's account there is gone. */
export const endIdentity: Audited = { action: "identity.credential.revoke", target: "cred" };

/** An administrator revokes a credential of any type; the owner of an account unlinks an identity of their own. */
export const unlinkIdentity: GuardedAct = {
  name: "unlinkIdentity",
  action: "identity.credential.revoke",
  target: "cred",
  who: { owner: "fresh" },
  locks: ["user"],
  refusals: ["forbidden", "conflict.already_terminal", "conflict.last_way_in"],
};

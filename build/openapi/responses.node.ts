/**
 * The routes' responses as schemas for the OpenAPI document. The compiler compares them, member by member, with the types of
 * `api.ts` and `wire.ts`; no server runs them.
 *
 * @module
 */
import * as v from "valibot";
import { activityEvent as activityEventRecord } from "../../src/domain/activity.ts";
import { credential as credentialRecord } from "../../src/domain/credential.ts";
import { deploymentInvitation as deploymentInvitationRecord } from "../../src/domain/deployment-invitation.ts";
import { errorCodes } from "../../src/domain/error.ts";
import { anyFactor, type FactorType, factorTypes, mfaPolicy as mfaPolicyRecord } from "../../src/domain/factor.ts";
import { linkedIdentity as linkedIdentityRecord } from "../../src/domain/identity-provider.ts";
import { limit as limitRecord } from "../../src/domain/limit.ts";
import { memberOrganization, membership as membershipRecord } from "../../src/domain/membership.ts";
import { organization as organizationRecord } from "../../src/domain/organization.ts";
import {
  joinableOrganization as joinableRecord,
  joinRequest as joinRequestRecord,
  organizationDomain as organizationDomainRecord,
} from "../../src/domain/organization-domain.ts";
import {
  invitingOrganization,
  openOrganizationInvitation,
  organizationInvitation as organizationInvitationRecord,
} from "../../src/domain/organization-invitation.ts";
import { passkey as passkeyRecord } from "../../src/domain/passkey.ts";
import { personalAccessToken as personalAccessTokenRecord } from "../../src/domain/personal-access-token.ts";
import { securityPolicy as securityPolicyRecord } from "../../src/domain/security-policy.ts";
import { sessionDetails, specifiedSession } from "../../src/domain/session.ts";
import { tuple as tupleRecord } from "../../src/domain/tuple.ts";
import { user as userRecord } from "../../src/domain/user.ts";
import { authenticatorTransports } from "../../src/domain/webauthn/response.ts";
import { entriesOf, id, schemaOf, sparseEntriesOf, time } from "./record-schema.node.ts";

const user = schemaOf(userRecord);
const credential = schemaOf(credentialRecord);
const session = schemaOf(specifiedSession);

const { user_agent: _, address, ...details } = entriesOf(sessionDetails);
const accountSession = v.strictObject({
  ...entriesOf(specifiedSession),
  ...details,
  device: v.string(),
  address,
  current: v.boolean(),
});

const { user_agent: _agent, ...activityEntries } = entriesOf(activityEventRecord);
const activityEvent = v.strictObject({ ...activityEntries, device: v.nullable(v.string()) });

const factorSchema = <Type extends FactorType>(type: Type) =>
  v.strictObject({ ...sparseEntriesOf(anyFactor), ...sparseEntriesOf(factorTypes[type]) });
const factor = v.variant("type", [factorSchema("totp"), factorSchema("webauthn"), factorSchema("recovery")]);

const requestedLink = v.strictObject({ request_token: v.nullable(v.string()) });
const verifiedIdentifier = v.strictObject({ credential_id: id("cred"), identifier: v.string() });

const factors = v.strictObject({ factors: v.array(factor) });

const keyParameters = v.strictObject({ type: v.literal("public-key"), alg: v.picklist([-7, -8, -257]) });

const enrolledFactor = v.strictObject({
  factor,
  totp_enrollment: v.exactOptional(
    v.strictObject({
      secret_b32: v.string(),
      otpauth_uri: v.string(),
      period: v.number(),
      digits: v.number(),
      algorithm: v.picklist(["sha1", "sha256", "sha512"]),
    }),
  ),
  webauthn_enrollment: v.exactOptional(
    v.strictObject({
      challenge_b64u: v.string(),
      rp_id: v.string(),
      user_id_b64u: v.string(),
      pub_key_cred_params: v.array(keyParameters),
      timeout_ms: v.number(),
    }),
  ),
  recovery_codes: v.exactOptional(v.array(v.string())),
});

const descriptor = v.strictObject({
  type: v.literal("public-key"),
  id: v.string(),
  transports: v.exactOptional(v.array(v.picklist(authenticatorTransports))),
});
const userVerification = v.picklist(["required", "preferred", "discouraged"]);

const registrationOptions = v.strictObject({
  rp: v.strictObject({ id: v.string(), name: v.string() }),
  user: v.strictObject({ id: v.string(), name: v.string(), displayName: v.string() }),
  challenge: v.string(),
  pubKeyCredParams: v.array(keyParameters),
  timeout: v.number(),
  excludeCredentials: v.array(descriptor),
  authenticatorSelection: v.strictObject({
    residentKey: v.picklist(["required", "discouraged"]),
    requireResidentKey: v.boolean(),
    userVerification,
  }),
  attestation: v.picklist(["none", "direct"]),
});

const assertionOptions = v.strictObject({
  challenge: v.string(),
  timeout: v.number(),
  rpId: v.string(),
  allowCredentials: v.array(descriptor),
  userVerification,
});

const ownEnrolledFactor = v.strictObject({
  ...enrolledFactor.entries,
  webauthn_enrollment: v.exactOptional(registrationOptions),
});

const { usr_id: _owner, ...passkeyEntries } = entriesOf(passkeyRecord);
const passkey = v.strictObject(passkeyEntries);
const linkedIdentity = schemaOf(linkedIdentityRecord);

const verifiedFactor = v.strictObject({
  ok: v.literal(true),
  mfa_id: v.union([id("mfa"), id("cred")]),
  type: v.picklist(["totp", "webauthn", "recovery"]),
  mfa_verified_at: time,
  new_sign_count: v.exactOptional(v.number()),
});

const mfaPolicy = schemaOf(mfaPolicyRecord);
const limit = schemaOf(limitRecord);
const personalAccessToken = schemaOf(personalAccessTokenRecord);
const deploymentInvitation = schemaOf(deploymentInvitationRecord);
const organization = schemaOf(organizationRecord);
const securityPolicy = schemaOf(securityPolicyRecord);
const membership = schemaOf(membershipRecord);
const organizationDomain = v.strictObject({
  ...entriesOf(organizationDomainRecord),
  record: v.strictObject({ name: v.string(), text: v.string() }),
});
const joinableOrganization = schemaOf(joinableRecord);
const joinRequest = schemaOf(joinRequestRecord);
const invitationEntries = {
  ...entriesOf(organizationInvitationRecord),
  invited_user_id: v.nullable(id("usr")),
  pre_tuples: v.array(v.strictObject({ relation: v.string(), object_type: v.string(), object_id: v.string() })),
};
const organizationInvitation = v.strictObject(invitationEntries);
const openInvitation = v.strictObject({
  ...entriesOf(openOrganizationInvitation),
  organization: v.strictObject(entriesOf(invitingOrganization)),
});
const acceptedInvitation = v.strictObject({ invitation: organizationInvitation, membership });
const tuple = schemaOf(tupleRecord);
const membershipOfUser = v.strictObject({
  ...entriesOf(membershipRecord),
  organization: schemaOf(memberOrganization),
});

/** 32 bytes as base64url. */
const token = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

const error = v.strictObject({
  code: v.picklist([...errorCodes(), "internal_error"]),
  message: v.string(),
  details: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.array(v.string())]))),
});

const signedInUser = v.strictObject({
  ...entriesOf(userRecord),
  identifier: v.nullable(v.string()),
  identifier_verified: v.boolean(),
});

const credentials = v.strictObject({ credentials: v.array(credential) });

const signedIn = v.strictObject({ user, session: accountSession, token: v.exactOptional(token) });
const issued = v.strictObject({ session, token });
const issuedToken = v.strictObject({
  pat: personalAccessToken,
  token: v.pipe(v.string(), v.regex(/^pat_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/)),
});

function page<Item extends v.GenericSchema>(item: Item) {
  return v.strictObject({ data: v.array(item), page: v.strictObject({ next_cursor: v.nullable(v.string()) }) });
}

/** Schemas that have a name in the document. */
export const namedSchemas = {
  User: user,
  Credential: credential,
  Session: session,
  AccountSession: accountSession,
  ActivityEvent: activityEvent,
  SignedInUser: signedInUser,
  SignedIn: signedIn,
  Factor: factor,
  EnrolledFactor: enrolledFactor,
  OwnEnrolledFactor: ownEnrolledFactor,
  VerifiedFactor: verifiedFactor,
  Passkey: passkey,
  LinkedIdentity: linkedIdentity,
  CredentialDescriptor: descriptor,
  RegistrationOptions: registrationOptions,
  AssertionOptions: assertionOptions,
  Limit: limit,
  PersonalAccessToken: personalAccessToken,
  DeploymentInvitation: deploymentInvitation,
  Organization: organization,
  SecurityPolicy: securityPolicy,
  OrganizationDomain: organizationDomain,
  JoinableOrganization: joinableOrganization,
  JoinRequest: joinRequest,
  Membership: membership,
  MembershipOfUser: membershipOfUser,
  OrganizationInvitation: organizationInvitation,
  Tuple: tuple,
  Error: error,
};

/** The body of each route's success; `undefined` if it has none. */
export const responses = {
  "/auth/sign-up": { $post: signedIn },
  "/auth/sign-in": { $post: signedIn },
  "/auth/refresh": { $post: signedIn },
  "/auth/sign-out": { $post: v.null() },
  "/auth/session": { $get: v.strictObject({ user: signedInUser, session: accountSession }) },
  "/auth/user": { $get: user, $put: user },
  "/auth/user/revoke": { $post: user },
  "/auth/sessions/:ses_id": { $get: accountSession },
  "/auth/sessions/:ses_id/revoke": { $post: accountSession },
  "/auth/credentials": { $get: credentials, $post: credential },
  "/auth/credentials/:cred_id": { $get: credential },
  "/auth/credentials/:cred_id/suspend": { $post: credential },
  "/auth/credentials/:cred_id/revoke": { $post: credential },
  "/auth/merge": { $post: v.strictObject({ user, session: accountSession }) },
  "/auth/merge/begin": { $post: v.null() },
  "/auth/merge/cancel": { $post: v.null() },
  "/auth/terms": { $get: v.strictObject({ version: v.string(), url: v.string() }), $post: user },
  "/auth/activity": { $get: page(activityEvent) },
  "/auth/sessions": { $get: page(accountSession) },
  "/auth/sessions/revoke-others": { $post: v.strictObject({ revoked: v.number() }) },
  "/auth/password": { $post: signedIn },

  "/auth/sign-in/factor": { $post: signedIn },
  "/auth/sign-in/enroll": { $post: ownEnrolledFactor },
  "/auth/sign-in/enroll/:mfa_id/confirm": { $post: signedIn },
  "/auth/step-up": { $post: signedIn },
  "/auth/mfa-policy": { $get: mfaPolicy, $put: mfaPolicy },
  "/auth/factors": { $get: factors, $post: ownEnrolledFactor },
  "/auth/factors/:mfa_id/confirm": { $post: signedIn },
  "/auth/factors/:mfa_id/revoke": { $post: factor },

  "/auth/sign-in/passkey/options": { $post: assertionOptions },
  "/auth/sign-in/passkey": { $post: signedIn },
  "/auth/sign-in/factor/options": { $post: assertionOptions },
  "/auth/step-up/options": { $post: assertionOptions },
  "/auth/passkeys": { $get: v.strictObject({ passkeys: v.array(passkey) }), $post: passkey },
  "/auth/verification": { $post: v.null() },
  "/auth/verification/confirm": { $post: verifiedIdentifier },
  "/auth/verification/confirm-with-password": { $post: verifiedIdentifier },
  "/auth/identifier": { $post: requestedLink },
  "/auth/identifier/confirm": { $post: signedIn },
  "/auth/password-reset": { $post: requestedLink },
  "/auth/password-reset/confirm": { $post: verifiedIdentifier },
  "/auth/sign-in/link/request": { $post: requestedLink },
  "/auth/sign-in/link": { $post: signedIn },
  "/auth/sign-up/request": { $post: requestedLink },
  "/auth/sign-up/confirm": { $post: signedIn },
  "/v1/deployment-invitations": {
    $get: page(deploymentInvitation),
    $post: v.strictObject({ invitation: deploymentInvitation, url: v.string(), token }),
  },
  "/v1/deployment-invitations/:join_id/revoke": { $post: deploymentInvitation },
  "/v1/orgs": {
    $get: page(organization),
    $post: v.strictObject({ org: organization, owner_membership: membership }),
  },
  "/v1/orgs/:org_id": { $get: organization, $put: organization },
  "/v1/orgs/:org_id/suspend": { $post: organization },
  "/v1/orgs/:org_id/reinstate": { $post: organization },
  "/v1/orgs/:org_id/revoke": { $post: organization },
  "/v1/orgs/:org_id/security-policy": { $get: securityPolicy, $put: securityPolicy },
  "/v1/orgs/:org_id/domains": { $get: page(organizationDomain), $post: organizationDomain },
  "/v1/orgs/:org_id/domains/prove": { $post: organizationDomain },
  "/v1/orgs/:org_id/domains/joining": { $put: organizationDomain },
  "/v1/orgs/:org_id/domains/remove": { $post: v.null() },
  "/v1/orgs/:org_id/join-requests": { $get: page(joinRequest) },
  "/v1/orgs/:org_id/join-requests/approve": { $post: membership },
  "/v1/orgs/:org_id/join-requests/decline": { $post: v.null() },
  "/auth/organizations/joinable": { $get: page(joinableOrganization) },
  "/auth/organizations/join": {
    $post: v.strictObject({ status: v.picklist(["joined", "requested"]), membership: v.nullable(membership) }),
  },
  "/auth/organizations/withdraw": { $post: v.null() },
  "/v1/orgs/:org_id/transfer-ownership": {
    $post: v.strictObject({ from_membership: membership, to_membership: membership }),
  },
  "/v1/orgs/:org_id/members": { $get: page(membership), $post: membership },
  "/v1/orgs/:org_id/members/:mem_id": { $get: membership },
  "/v1/orgs/:org_id/members/:mem_id/history": { $get: page(membership) },
  "/v1/orgs/:org_id/members/:mem_id/change-role": { $post: membership },
  "/v1/orgs/:org_id/members/:mem_id/suspend": { $post: membership },
  "/v1/orgs/:org_id/members/:mem_id/reinstate": { $post: membership },
  "/v1/orgs/:org_id/members/:mem_id/self-leave": { $post: membership },
  "/v1/orgs/:org_id/members/:mem_id/admin-remove": { $post: membership },
  "/v1/orgs/:org_id/invitations": {
    $get: page(organizationInvitation),
    $post: v.strictObject({ ...invitationEntries, url: v.string(), token }),
  },
  "/v1/invitations/:inv_id": { $get: organizationInvitation },
  "/v1/invitations/:inv_id/revoke": { $post: organizationInvitation },
  "/v1/invitations/:inv_id/accept": { $post: acceptedInvitation },
  "/v1/invitations/:inv_id/decline": { $post: organizationInvitation },
  "/auth/organization-invitations/look": { $post: openInvitation },
  "/auth/organization-invitations/decline": { $post: organizationInvitation },
  "/auth/organization-invitations/accept": { $post: acceptedInvitation },
  "/auth/organization-invitations/sign-up": { $post: signedIn },
  "/v1/tuples": { $post: tuple },
  "/v1/tuples/check": { $post: v.strictObject({ allowed: v.boolean(), matched_tuple_id: v.nullable(id("tup")) }) },
  "/v1/tuples/by-subject": { $get: page(tuple) },
  "/v1/tuples/by-object": { $get: page(tuple) },
  "/v1/tuples/:tup_id": { $get: tuple, $delete: v.null() },
  "/auth/memberships": { $get: page(membershipOfUser) },
  "/v1/users/:usr_id/memberships": { $get: page(membershipOfUser) },
  "/auth/invitations/accept": { $post: signedIn },
  "/auth/notices/disown": { $post: v.strictObject({ identifier: v.string() }) },
  "/auth/recovery/cancel": { $post: v.null() },
  "/auth/recovery/finish": { $post: verifiedIdentifier },
  "/auth/mailed-code": {
    $post: v.strictObject({
      token: v.string(),
      purpose: v.picklist(["reset_password", "sign_in", "sign_up", "change_identifier"]),
    }),
  },
  "/auth/oidc/discover": { $post: v.null() },
  "/auth/oidc/:provider/start": { $get: v.null(), $post: v.null() },
  "/auth/oidc/:provider/link": { $get: v.null(), $post: v.null() },
  "/auth/oidc/:provider/logout": { $post: v.object({}) },
  "/auth/oidc/:provider/notices": { $post: v.object({}) },
  "/auth/oidc/:provider/nonce": { $post: v.object({ client_id: v.string(), nonce: v.string() }) },
  "/auth/oidc/:provider/step-up": { $get: v.null(), $post: v.null() },
  "/auth/oidc/:provider/callback": { $get: v.null(), $post: v.null() },
  "/auth/identities": { $get: v.strictObject({ identities: v.array(linkedIdentity) }), $post: linkedIdentity },
  "/auth/identities/:cred_id/unlink": { $post: credential },
  "/auth/passkeys/options": { $post: registrationOptions },
  "/auth/passkeys/:cred_id": { $put: passkey },
  "/auth/passkeys/:cred_id/revoke": { $post: credential },

  "/v1/users/:usr_id/mfa-factors": { $get: factors, $post: enrolledFactor },
  "/v1/mfa-factors/:mfa_id/confirm": { $post: factor },
  "/v1/mfa-factors/:mfa_id/revoke": { $post: factor },
  "/v1/users/:usr_id/mfa/verify": { $post: verifiedFactor },
  "/v1/users/:usr_id/mfa-policy": { $get: mfaPolicy, $put: mfaPolicy },
  "/v1/users/:usr_id/mfa-policy/grant-enrollment": { $post: v.null() },

  "/v1/limits": { $get: page(limit) },
  "/v1/limits/lift": { $post: v.strictObject({ lifted: v.number() }) },
  "/v1/users": { $get: page(user), $post: user },
  "/v1/users/:usr_id": { $get: user, $put: user },
  "/v1/users/:usr_id/suspend": { $post: user },
  "/v1/users/:usr_id/reinstate": { $post: user },
  "/v1/users/:usr_id/revoke": { $post: user },
  "/v1/users/:usr_id/sessions": { $get: page(session) },

  "/v1/credentials": { $post: credential },
  "/v1/credentials/verify": { $post: v.strictObject({ usr_id: id("usr"), cred_id: id("cred") }) },
  "/v1/credentials/:cred_id": { $get: credential },
  "/v1/credentials/:cred_id/rotate": { $post: credential },
  "/v1/credentials/:cred_id/suspend": { $post: credential },
  "/v1/credentials/:cred_id/reinstate": { $post: credential },
  "/v1/credentials/:cred_id/revoke": { $post: credential },

  "/v1/sessions": { $post: issued },
  "/v1/sessions/:ses_id": { $get: session },
  "/v1/sessions/:ses_id/refresh": { $post: issued },
  "/v1/sessions/:ses_id/revoke": { $post: session },

  "/auth/personal-access-tokens": { $get: page(personalAccessToken), $post: issuedToken },
  "/auth/personal-access-tokens/:pat_id": { $get: personalAccessToken },
  "/auth/personal-access-tokens/:pat_id/revoke": { $post: personalAccessToken },
  "/v1/users/:usr_id/pats": { $get: page(personalAccessToken), $post: issuedToken },
  "/v1/pats/:pat_id": { $get: personalAccessToken },
  "/v1/pats/:pat_id/revoke": { $post: personalAccessToken },

  "/health": { $get: v.strictObject({ status: v.literal("ok"), writes: v.record(v.string(), v.number()) }) },
  "/openapi.json": { $get: v.looseObject({ openapi: v.string() }) },
};

/**
 * Authentication and authorization for edge runtimes.
 *
 * @module
 */

export type { PasswordHasher } from "./crypto/password-hasher.ts";
export type { KeyVersions } from "./crypto/root-secrets.ts";
export type { ActivityEvent, ActivityType } from "./domain/activity.ts";
export { type Actor, type SessionActor, type SystemActor, systemActor } from "./domain/actor.ts";
export type { Credential, CredentialType } from "./domain/credential.ts";
export { AuthError, type ErrorBody, type ErrorCode, type ErrorStatus } from "./domain/error.ts";
export {
  type AuditId,
  type CredentialId,
  type DeploymentInvitationId,
  decodeAny,
  decodeId,
  encodeId,
  type FactorId,
  generateId,
  type Id,
  type IdType,
  type InvitationId,
  idTypes,
  isValidId,
  isValidShape,
  type MembershipId,
  type OrganizationId,
  type PersonalAccessTokenId,
  type SessionId,
  type TupleId,
  typeOfId,
  type UserId,
  uuidOf,
} from "./domain/id.ts";
export type { Limit } from "./domain/limit.ts";
export type { Origin, OriginUse } from "./domain/origin.ts";
export type { RequestContext } from "./domain/request-context.ts";
export type { CheckRoot, RewriteNode, RewriteRules } from "./domain/rewrite-rule.ts";
export type { Session, SessionLifetimes, Transport } from "./domain/session.ts";
export type { Tuple } from "./domain/tuple.ts";
export type { TupleWriter, TupleWriters } from "./domain/tuple-writer.ts";
export type { SignedInUser, Status, User } from "./domain/user.ts";
export type { Limits, PasswordHistory, PasswordSettings, SharedDatabase, SignUpMode } from "./engine/core.ts";
export type { Feature, FeatureParts } from "./engine/feature.ts";
export { type AuthOptions, type ClientAddress, ConfigurationError } from "./engine/options.ts";
export type { Page, PageInput } from "./engine/page.ts";
export type { Timeouts } from "./engine/patience.ts";
export type { BatchResults, Operation, Plan, PlannableOperation } from "./engine/plan.ts";
export { type RuleOptions, type RuleSet, rewriteRules } from "./engine/rule-set.ts";
export type { IssuedSession, PresentedToken, VerifiedSession } from "./engine/sessions.ts";
export { accounts } from "./http/features/accounts.ts";
export { activity } from "./http/features/activity.ts";
export { administration } from "./http/features/administration.ts";
export { authorization } from "./http/features/authorization.ts";
export { limits } from "./http/features/limits.ts";
export { merging } from "./http/features/merging.ts";
export { passwords } from "./http/features/passwords.ts";
export { signUp } from "./http/features/sign-up.ts";
export { terms } from "./http/features/terms.ts";
export type { AccountAuth } from "./operations/accounts.ts";
export type { ActivityAuth, ActivityOperations } from "./operations/activity.ts";
export type { AdministrationAuth, AdministratorOperations } from "./operations/administrators.ts";
export { type Auth, type AuthFor, type CoreOperations, createAuth } from "./operations/auth.ts";
export type {
  CredentialOperations,
  NewPassword,
  OfCredential,
  ProvedByAnother,
  ProvedByPassword,
} from "./operations/credentials.ts";
export { health, probe } from "./operations/health.ts";
export type { LimitAuth, LimitOperations, LimitsOf } from "./operations/limits.ts";
export type { MergedSessions, MergedUsers, MergingAuth, MergingOperations } from "./operations/merging.ts";
export type { OnlyOwn } from "./operations/only-own.ts";
export type { ChangePassword } from "./operations/password-change.ts";
export { passwordHistory } from "./operations/password-history.ts";
export type { OfSession, SessionOperations } from "./operations/sessions.ts";
export type {
  PasswordAuth,
  PasswordProof,
  SecondFactorNeeded,
  SignedIn,
  SignInOperations,
  VerifiedPassword,
} from "./operations/sign-in.ts";
export type { NewAccount, SignedUp, SignUp, SignUpAuth } from "./operations/sign-up.ts";
export type { Terms, TermsAuth, TermsOperations } from "./operations/terms.ts";
export type {
  AskedBy,
  CheckInput,
  CheckResult,
  ObjectInput,
  SessionCheckInput,
  Subject,
  TupleChecks,
} from "./operations/tuple-checks.ts";
export type {
  AuthorizationAuth,
  AuthorizationOptions,
  CreateTuple,
  DeletedTuples,
  OfObject,
  OfSubject,
  OfTuple,
  TupleOperations,
} from "./operations/tuples.ts";
export type { CreateUser, EndsOrganizations, OfUser, UserOperations } from "./operations/users.ts";
export type { AttemptLimit } from "./store/counters.ts";
export { type DatabaseStateCode, DatabaseStateError } from "./store/database-state.ts";
export { migrations } from "./store/generated/migrations.ts";
export { inSchema } from "./store/in-schema.ts";
export { type MigrateOptions, type MigrateReport, type Migration, migrate } from "./store/migrate.ts";
export { type Database, type SqlValue, type Statement, sql } from "./store/sql.ts";
export type { AskedRelation, TupleAnswer } from "./store/tuple-answers.ts";

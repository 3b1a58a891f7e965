/**
 * Authentication and authorization for edge runtimes.
 *
 * @module
 */

export type { PasswordHasher } from "./crypto/password-hasher.ts";
export { type Actor, type SessionActor, type SystemActor, systemActor } from "./domain/actor.ts";
export type { Credential, CredentialType } from "./domain/credential.ts";
export { AuthError, type ErrorBody, type ErrorCode } from "./domain/error.ts";
export {
  type AuditId,
  type CredentialId,
  decodeAny,
  decodeId,
  encodeId,
  type FactorId,
  generateId,
  type Id,
  type IdType,
  idTypes,
  isValidId,
  isValidShape,
  type PersonalAccessTokenId,
  type SessionId,
  type TupleId,
  typeOfId,
  type UserId,
} from "./domain/id.ts";
export type { Origin, OriginUse } from "./domain/origin.ts";
export type { RequestContext } from "./domain/request-context.ts";
export type { Session, SessionLifetimes, Transport } from "./domain/session.ts";
export type { Status, User } from "./domain/user.ts";
export type { Limits, SignUpMode } from "./engine/core.ts";
export { type AuthOptions, ConfigurationError } from "./engine/options.ts";
export type { Page } from "./engine/page.ts";
export type { BatchResults, Operation, Plan, PlannableOperation } from "./engine/plan.ts";
export type { IssuedSession, PresentedToken, VerifiedSession } from "./engine/sessions.ts";
export type { AdministratorOperations } from "./operations/administrators.ts";
export { type Auth, createAuth, createSignIn, type SignInAuth } from "./operations/auth.ts";
export type { CredentialOperations } from "./operations/credentials.ts";
export type { ChangePassword } from "./operations/password-change.ts";
export type { SessionOperations } from "./operations/sessions.ts";
export type {
  PasswordProof,
  SecondFactorNeeded,
  SignedIn,
  SignInOperations,
  VerifiedPassword,
} from "./operations/sign-in.ts";
export type { SignUp } from "./operations/sign-up.ts";
export type { CheckInput, CheckResult, TupleOperations } from "./operations/tuples.ts";
export type { UserOperations } from "./operations/users.ts";
export type { AttemptLimit } from "./store/counters.ts";
export { migrations } from "./store/generated/migrations.ts";
export { DatabaseStateError, type Migration, migrate } from "./store/migrate.ts";
export { type Database, type SqlValue, type Statement, sql } from "./store/sql.ts";

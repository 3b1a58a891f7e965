/**
 * A page or an act as a value: who may request it, what it takes, and the page that an act belongs to. The server registers
 * rows, and the tests read them.
 *
 * @module
 */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import type { WithRealm } from "../engine/realm.ts";
import type { FederationAuth } from "../http/federation.ts";
import type { InvitationAuth } from "../http/invitations.ts";
import type { MailAuth } from "../http/mail.ts";
import type { MfaAuth } from "../http/mfa.ts";
import type { PasskeyAuth } from "../http/passkeys.ts";
import type { PersonalAccessTokenAuth } from "../http/personal-access-tokens.ts";
import type {
  AccountAuth,
  ActivityAuth,
  AuthError,
  CoreOperations,
  MergingAuth,
  PasswordAuth,
  RequestContext,
  SignUpAuth,
  SignUpMode,
  TermsAuth,
  VerifiedSession,
} from "../index.ts";
import type { OrganizationAuth } from "../operations/organization-parts.ts";
import type { Form, Json } from "./form.ts";
import type { Site } from "./site.ts";

/**
 * The `auth` that the pages need: with `passwords`, `signUp`, `accounts`, `mfa`, `passkeys` and `personalAccessTokens`. With
 * `mail`, users can confirm their address, reset a forgotten password, and sign in or up by mail. With `activity`, they can read
 * what has happened to their account. With `terms`, they accept them. With `merging`, they merge two accounts of their own. With `invitations`, administrators invite people, who make an account.
 * With `organizations`, users form organizations, see their members, and manage them as their role permits.
 * With `federation`, users sign in with other sites, and link their accounts there.
 */
export type PagesAuth = CoreOperations &
  PasswordAuth &
  SignUpAuth &
  AccountAuth &
  MfaAuth &
  PasskeyAuth &
  PersonalAccessTokenAuth &
  Partial<MailAuth> &
  Partial<ActivityAuth> &
  Partial<TermsAuth> &
  Partial<MergingAuth> &
  Partial<InvitationAuth> &
  Partial<OrganizationAuth> &
  Partial<FederationAuth> &
  WithRealm;

/** A request for a page. */
export interface Visit {
  readonly c: Context;
  readonly site: Site;
  readonly auth: PagesAuth;
  readonly context: RequestContext;
  /** Who may create an account. */
  readonly signUp: SignUpMode;
  /** What the page says first. */
  readonly notice?: Child;
}

/** The parts of a visit that a response needs. A failure may be earlier than the operations. */
export type Asked = Pick<Visit, "c" | "site"> & Partial<Pick<Visit, "auth" | "notice">>;

/** A request from a signed-in user. */
export interface UserVisit extends Visit, VerifiedSession {
  /** The session whose form was sent, if a proof has replaced it since. Default: the current session. */
  readonly formsOf?: string;
}

type Answer = Response | Promise<Response>;

interface Sent {
  nothing: undefined;
  form: Form;
  json: Json;
}

interface PageFacts<Takes extends keyof Sent> {
  /** Below the base path of the site, as is `belongsTo`. */
  readonly path: string;
  /** The page for a browser that requests an act by its address, and for the return after a proof. */
  readonly belongsTo: string;
  readonly takes: Takes;
}

export interface OpenPage<Takes extends keyof Sent = keyof Sent> extends PageFacts<Takes> {
  readonly access: "anyone";
  run(visit: Visit, sent: Sent[Takes]): Answer;
  /**
   * Shows the form again with the reason, and with what was typed besides passwords. A form that may ask for a captcha has it:
   * one that guesses a password, makes an account or sends a message.
   */
  again?(visit: Visit, sent: Sent[Takes], refusal: AuthError): Answer;
}

/** What happens to an act once the user has confirmed who they are. */
export interface AfterProof {
  /** The fields of the act that the step-up form carries. None of them is a secret. */
  readonly fields: readonly string[] | ((site: Site) => readonly string[]);
  /** What will happen, as the step-up page says it. */
  does(visit: UserVisit, form: Form): Child;
  /** Fills the act's form again. Default: the act is done. */
  goOn?(visit: UserVisit, form: Form): Answer;
}

/** A page for signed-in users. It sends others to the sign-in page. */
export interface UserPage<Takes extends keyof Sent = keyof Sent> extends PageFacts<Takes> {
  readonly access: "user";
  /** For an act that needs a fresh proof. Default: after the proof, the user returns to its form. */
  readonly afterProof?: AfterProof | undefined;
  run(visit: UserVisit, sent: Sent[Takes]): Answer;
}

export type PageRoute = OpenPage | UserPage;

export function openPage(path: string, run: (visit: Visit) => Answer): PageRoute {
  return { path, belongsTo: path, takes: "nothing", access: "anyone", run };
}

export function userPage(path: string, run: (visit: UserVisit) => Answer): PageRoute {
  return { path, belongsTo: path, takes: "nothing", access: "user", run };
}

export function openForm(
  path: string,
  belongsTo: string,
  run: OpenPage<"form">["run"],
  again?: OpenPage<"form">["again"],
): PageRoute {
  return {
    path,
    belongsTo,
    takes: "form",
    access: "anyone",
    run,
    ...(again && { again }),
  } as OpenPage<"form"> as PageRoute;
}

export function userForm(
  path: string,
  belongsTo: string,
  run: UserPage<"form">["run"],
  afterProof?: AfterProof,
): PageRoute {
  return { path, belongsTo, takes: "form", access: "user", run, afterProof } as UserPage<"form"> as PageRoute;
}

export function openScript(path: string, belongsTo: string, run: OpenPage<"json">["run"]): PageRoute {
  return { path, belongsTo, takes: "json", access: "anyone", run } as OpenPage<"json"> as PageRoute;
}

export function userScript(
  path: string,
  belongsTo: string,
  run: UserPage<"json">["run"],
  afterProof?: AfterProof,
): PageRoute {
  return { path, belongsTo, takes: "json", access: "user", run, afterProof } as UserPage<"json"> as PageRoute;
}

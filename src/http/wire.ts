/**
 * What travels: snake_case members, RFC 3339 times, the specification's schemas under `/v1` to the letter.
 *
 * @module
 */
import type { Credential } from "../domain/credential.ts";
import { deviceLabel } from "../domain/device-label.ts";
import type { Session, Transport } from "../domain/session.ts";
import type { Status, User } from "../domain/user.ts";
import type { Page } from "../engine/page.ts";

/** A part of a list. */
export interface PageBody<Item> {
  data: Item[];
  page: { next_cursor: string | null };
}

export interface UserBody {
  id: string;
  status: Status;
  display_name: string | null;
  created_at: string;
  updated_at: string;
}

export interface CredentialBody {
  id: string;
  usr_id: string;
  type: "password" | "passkey" | "oidc";
  identifier: string;
  status: Status;
  replaces: string | null;
  passkey_rp_id: string | null;
  oidc_issuer: string | null;
  oidc_subject: string | null;
  created_at: string;
  updated_at: string;
}

/** A session as the specification has it: no member more. */
export interface SessionBody {
  id: string;
  usr_id: string;
  cred_id: string;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
}

/** A session as an application wants it. */
export interface AccountSessionBody extends SessionBody {
  transport: Transport | null;
  /** When the user last proved who they are. */
  auth_time: string | null;
  amr: string[];
  mfa_verified_at: string | null;
  last_seen_at: string | null;
  /** What a person calls the client. */
  device: string;
  /** Where it was used last. */
  address: string | null;
  /** Whether it is the session that asks. */
  current: boolean;
}

/** The answer to whatever gives a session: with the token if the transport is `token`, and never with it otherwise. */
export interface SignedInBody {
  user: UserBody;
  session: AccountSessionBody;
  token?: string;
}

export function userBody(user: User): UserBody {
  return {
    id: user.id,
    status: user.status,
    display_name: user.displayName,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  };
}

export function credentialBody(credential: Credential): CredentialBody {
  return {
    id: credential.id,
    usr_id: credential.userId,
    type: credential.type,
    identifier: credential.identifier,
    status: credential.status,
    replaces: credential.replaces,
    passkey_rp_id: credential.passkeyRpId,
    oidc_issuer: credential.oidcIssuer,
    oidc_subject: credential.oidcSubject,
    created_at: credential.createdAt.toISOString(),
    updated_at: credential.updatedAt.toISOString(),
  };
}

export function sessionBody(session: Session): SessionBody {
  return {
    id: session.id,
    usr_id: session.userId,
    cred_id: session.credentialId,
    created_at: session.createdAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    revoked_at: session.revokedAt?.toISOString() ?? null,
  };
}

export function accountSessionBody(session: Session, currentId: string): AccountSessionBody {
  return {
    ...sessionBody(session),
    transport: session.transport,
    auth_time: session.authTime?.toISOString() ?? null,
    amr: [...session.amr],
    mfa_verified_at: session.mfaVerifiedAt?.toISOString() ?? null,
    last_seen_at: session.lastSeenAt?.toISOString() ?? null,
    device: deviceLabel(session.userAgent),
    address: session.address,
    current: session.id === currentId,
  };
}

export function pageBody<Item, Body>(page: Page<Item>, convert: (item: Item) => Body): PageBody<Body> {
  return { data: page.data.map(convert), page: { next_cursor: page.nextCursor } };
}

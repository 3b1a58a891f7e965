/**
 * JSON on the wire: snake_case members, RFC 3339 times, and under `/v1` exactly the specification's schemas.
 *
 * @module
 */
import { type Credential, credential } from "../domain/credential.ts";
import { deviceLabel } from "../domain/device-label.ts";
import { toBody, type WireOf } from "../domain/record.ts";
import { type Session, sessionDetails, specifiedSession } from "../domain/session.ts";
import { type SignedInUser, type User, user } from "../domain/user.ts";
import type { Page } from "../engine/page.ts";

/** One page of a list. */
export interface PageBody<Item> {
  data: Item[];
  page: { next_cursor: string | null };
}

/** A user in a response. */
export interface UserBody extends WireOf<typeof user> {}

/** A credential in a response, without its secret. */
export interface CredentialBody extends WireOf<typeof credential> {}

/** A session in a response under `/v1`: the specification's members only. */
export interface SessionBody extends WireOf<typeof specifiedSession> {}

/** A session in a response under `/auth`, with additional members for applications. */
export interface AccountSessionBody extends SessionBody, Omit<WireOf<typeof sessionDetails>, "user_agent"> {
  /** A name for the client, such as its browser and system. */
  device: string;
  /** True for the session of the request. */
  current: boolean;
}

/** The response of every route that issues a session. It contains the token only if the transport is `token`. */
export interface SignedInBody {
  user: UserBody;
  session: AccountSessionBody;
  token?: string;
}

/** The caller's own user, with the identifier that they signed in with. */
export interface SignedInUserBody extends UserBody {
  /** The identifier of the session's password; null for a session that a passkey opened. */
  identifier: string | null;
  identifier_verified: boolean;
}

export function signedInUserBody(value: SignedInUser): SignedInUserBody {
  return { ...userBody(value), identifier: value.identifier, identifier_verified: value.identifierVerified };
}

export function userBody(value: User): UserBody {
  return toBody(user, value);
}

export function credentialBody(value: Credential): CredentialBody {
  return toBody(credential, value);
}

export function sessionBody(session: Session): SessionBody {
  return toBody(specifiedSession, session);
}

export function accountSessionBody(session: Session, currentId: string): AccountSessionBody {
  const { user_agent: userAgent, address, ...details } = toBody(sessionDetails, session);
  return {
    ...sessionBody(session),
    ...details,
    device: deviceLabel(userAgent),
    address,
    current: session.id === currentId,
  };
}

export function pageBody<Item, Body>(page: Page<Item>, convert: (item: Item) => Body): PageBody<Body> {
  return { data: page.data.map(convert), page: { next_cursor: page.nextCursor } };
}

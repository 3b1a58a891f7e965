/**
 * What the routes answer with, as schemas for the OpenAPI document. They are held, member by member, to the types of
 * `api.ts` and `wire.ts`; no server runs them.
 *
 * @module
 */
import * as v from "valibot";
import { errorCodes } from "../../domain/error.ts";
import type { AuthApi } from "../api.ts";

const time = v.pipe(v.string(), v.isoTimestamp());
const status = v.picklist(["active", "suspended", "revoked"]);

function id(type: "usr" | "cred" | "ses") {
  return v.pipe(v.string(), v.regex(new RegExp(`^${type}_[0-9a-f]{32}$`)));
}

const user = v.strictObject({
  id: id("usr"),
  status,
  display_name: v.nullable(v.string()),
  created_at: time,
  updated_at: time,
});

const credential = v.strictObject({
  id: id("cred"),
  usr_id: id("usr"),
  type: v.picklist(["password", "passkey", "oidc"]),
  identifier: v.string(),
  status,
  replaces: v.nullable(id("cred")),
  passkey_rp_id: v.nullable(v.string()),
  oidc_issuer: v.nullable(v.string()),
  oidc_subject: v.nullable(v.string()),
  created_at: time,
  updated_at: time,
});

const session = v.strictObject({
  id: id("ses"),
  usr_id: id("usr"),
  cred_id: id("cred"),
  created_at: time,
  expires_at: time,
  revoked_at: v.nullable(time),
});

const accountSession = v.strictObject({
  ...session.entries,
  transport: v.nullable(v.picklist(["cookie", "token"])),
  auth_time: v.nullable(time),
  amr: v.array(v.string()),
  mfa_verified_at: v.nullable(time),
  last_seen_at: v.nullable(time),
  device: v.string(),
  current: v.boolean(),
});

/** 32 bytes as base64url. */
const token = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

const error = v.strictObject({
  code: v.picklist([...errorCodes, "internal_error"]),
  message: v.string(),
  details: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.array(v.string())]))),
});

const signedIn = v.strictObject({ user, session: accountSession, token: v.exactOptional(token) });
const issued = v.strictObject({ session, token });

function page<Item extends v.GenericSchema>(item: Item) {
  return v.strictObject({ data: v.array(item), page: v.strictObject({ next_cursor: v.nullable(v.string()) }) });
}

/** Schemas that the document gives a name to. */
export const namedSchemas = {
  User: user,
  Credential: credential,
  Session: session,
  AccountSession: accountSession,
  Error: error,
};

/** The body of each route's success; `undefined` for none. */
export const responses = {
  "/auth/sign-up": { $post: signedIn },
  "/auth/sign-in": { $post: signedIn },
  "/auth/refresh": { $post: signedIn },
  "/auth/sign-out": { $post: v.null() },
  "/auth/session": { $get: v.strictObject({ user, session: accountSession }) },
  "/auth/sessions": { $get: page(accountSession) },
  "/auth/sessions/revoke-others": { $post: v.strictObject({ revoked: v.number() }) },
  "/auth/password": { $post: signedIn },

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

  "/health": { $get: v.strictObject({ status: v.literal("ok") }) },
  "/openapi.json": { $get: v.looseObject({ openapi: v.string() }) },
};

type Bodies<Answers> = Answers extends { status: 200 | 201 | 204; output: infer Body } ? Body : never;
type Declared = { [Path in keyof AuthApi]: { [Method in keyof AuthApi[Path]]: Bodies<AuthApi[Path][Method]> } };
type Described = {
  [Path in keyof typeof responses]: {
    [Method in keyof (typeof responses)[Path]]: (typeof responses)[Path][Method] extends v.GenericSchema<
      unknown,
      infer Body
    >
      ? Body
      : never;
  };
};
type IsEqual<A, B> = (<T>() => T extends A ? true : false) extends <T>() => T extends B ? true : false ? true : false;

/** Does not compile if a route, a method or a member of an answer is in one of the two and not in the other. */
export const isHeldToTheTypes: IsEqual<Described, Declared> = true;

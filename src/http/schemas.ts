/**
 * What requests may hold. Every object is strict: an unknown member is refused, for it may be a member that was meant to
 * matter.
 *
 * @module
 */
import * as v from "valibot";

/** An identifier in wire form; one that is malformed in a body is a 400, in a path a 404. */
function wireId(type: string): v.GenericSchema<unknown, string> {
  return v.pipe(v.string(), v.regex(new RegExp(`^${type}_[0-9a-f]{32}$`)));
}

const transport: v.GenericSchema<unknown, "cookie" | "token" | undefined> = v.optional(v.picklist(["cookie", "token"]));
const displayName: v.GenericSchema<unknown, string | null | undefined> = v.optional(v.nullable(v.string()));

export interface PasswordCredentialsBody {
  identifier: string;
  password: string;
  transport?: "cookie" | "token" | undefined;
}

export const signInBody: v.GenericSchema<unknown, PasswordCredentialsBody> = v.strictObject({
  identifier: v.string(),
  password: v.string(),
  transport,
});

export const signUpBody: v.GenericSchema<
  unknown,
  PasswordCredentialsBody & { display_name?: string | null | undefined }
> = v.strictObject({ identifier: v.string(), password: v.string(), display_name: displayName, transport });

export interface ChangePasswordBody {
  current_password: string;
  new_password: string;
}

export const changePasswordBody: v.GenericSchema<unknown, ChangePasswordBody> = v.strictObject({
  current_password: v.string(),
  new_password: v.string(),
});

export interface UserFieldsBody {
  display_name?: string | null | undefined;
}

export const userFieldsBody: v.GenericSchema<unknown, UserFieldsBody> = v.strictObject({ display_name: displayName });

/** What `POST /v1/credentials` takes. Only passwords are made here; the other kinds are for an import (S04). */
export type CreateCredentialBody =
  | {
      usr_id: string;
      type: "password";
      identifier: string;
      password: string;
      /** Needed where there is one (R008). */
      current_password?: string | undefined;
    }
  | { usr_id: string; type: "passkey"; identifier: string; public_key: string; sign_count: number; rp_id: string }
  | { usr_id: string; type: "oidc"; identifier: string; oidc_issuer: string; oidc_subject: string };

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const createCredentialBody: v.GenericSchema<unknown, CreateCredentialBody> = v.variant("type", [
  v.strictObject({
    usr_id: wireId("usr"),
    type: v.literal("password"),
    identifier: text,
    password: text,
    current_password: v.optional(text),
  }),
  v.strictObject({
    usr_id: wireId("usr"),
    type: v.literal("passkey"),
    identifier: text,
    public_key: text,
    sign_count: count,
    rp_id: text,
  }),
  v.strictObject({
    usr_id: wireId("usr"),
    type: v.literal("oidc"),
    identifier: text,
    oidc_issuer: text,
    oidc_subject: text,
  }),
]);

/** For one's own password: the password itself (R008). */
export interface EndCredentialBody {
  current_password?: string | undefined;
}

export const endCredentialBody: v.GenericSchema<unknown, EndCredentialBody> = v.strictObject({
  current_password: v.optional(text),
});

export type RotateCredentialBody =
  | { password: string; current_password: string }
  | { public_key: string; sign_count: number; rp_id: string }
  | { oidc_issuer: string; oidc_subject: string };

export const rotateCredentialBody: v.GenericSchema<unknown, RotateCredentialBody> = v.union([
  v.strictObject({ password: text, current_password: text }),
  v.strictObject({ public_key: text, sign_count: count, rp_id: text }),
  v.strictObject({ oidc_issuer: text, oidc_subject: text }),
]);

export type VerifyCredentialBody =
  | { type: "password"; identifier: string; proof: { password: string } }
  | { type: "passkey"; identifier: string; proof: { assertion: string; client_data_json: string } }
  | { type: "oidc"; identifier: string; proof: { id_token: string } };

export const verifyCredentialBody: v.GenericSchema<unknown, VerifyCredentialBody> = v.variant("type", [
  v.strictObject({ type: v.literal("password"), identifier: text, proof: v.strictObject({ password: text }) }),
  v.strictObject({
    type: v.literal("passkey"),
    identifier: text,
    proof: v.strictObject({ assertion: text, client_data_json: text }),
  }),
  v.strictObject({ type: v.literal("oidc"), identifier: text, proof: v.strictObject({ id_token: text }) }),
]);

export interface CreateSessionBody {
  usr_id: string;
  cred_id: string;
  ttl_seconds: number;
}

export const createSessionBody: v.GenericSchema<unknown, CreateSessionBody> = v.strictObject({
  usr_id: wireId("usr"),
  cred_id: wireId("cred"),
  ttl_seconds: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_147_483_647)),
});

export interface PageQuery {
  cursor?: string | undefined;
  limit?: string | undefined;
}

const limit = v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,9}$/)));

export const pageQuery: v.GenericSchema<unknown, PageQuery> = v.object({ cursor: v.optional(text), limit });

export interface UsersQuery extends PageQuery {
  query?: string | undefined;
  status?: "active" | "suspended" | "revoked" | undefined;
}

export const usersQuery: v.GenericSchema<unknown, UsersQuery> = v.object({
  cursor: v.optional(text),
  limit,
  query: v.optional(text),
  status: v.optional(v.picklist(["active", "suspended", "revoked"])),
});

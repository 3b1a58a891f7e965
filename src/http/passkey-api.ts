import type { Answers, TicketHeader, WithCredential } from "./api.ts";
import type * as schemas from "./passkey-schemas.ts";
import type { AssertionOptionsBody, PasskeyBody, RegistrationOptionsBody } from "./passkey-wire.ts";
import type { CredentialBody, SignedInBody } from "./wire.ts";

/** The routes of `passkeyRoutes` as types, for Hono's client: `hc<Hono<object, AuthApi & PasskeyApi>>(baseUrl)`. */
export type PasskeyApi = {
  "/auth/sign-in/passkey/options": { $post: Answers<{ json: schemas.PasskeyOptionsBody }, AssertionOptionsBody, 200> };
  "/auth/sign-in/passkey": { $post: Answers<{ json: schemas.PasskeySignInBody }, SignedInBody, 200> };
  "/auth/sign-in/factor/options": { $post: Answers<Partial<TicketHeader>, AssertionOptionsBody, 200> };
  "/auth/step-up/options": { $post: Answers<object, AssertionOptionsBody, 200> };
  "/auth/passkeys": {
    $get: Answers<object, { passkeys: PasskeyBody[] }, 200>;
    $post: Answers<{ json: schemas.RegisterPasskeyBody }, PasskeyBody, 201>;
  };
  "/auth/passkeys/options": { $post: Answers<object, RegistrationOptionsBody, 200> };
  "/auth/passkeys/:cred_id": {
    $put: Answers<WithCredential & { json: schemas.RenamePasskeyBody }, PasskeyBody, 200>;
  };
  "/auth/passkeys/:cred_id/revoke": { $post: Answers<WithCredential, CredentialBody, 200> };
};

/** All of identity, with the feature `federation` and the provider of any OpenID Connect issuer. */
import { accounts, signUp } from "sallyport";
import { federation } from "sallyport/federation";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { oidc } from "sallyport/providers/oidc";
import { workerWith } from "../entry-options.ts";

export default workerWith(
  signUp({ mode: "open" }),
  accounts(),
  mfa({ sealingKeys: "" }),
  passkeys(),
  personalAccessTokens(),
  federation({ providers: [oidc({ name: "acme", issuerUrl: "https://login.acme.example", clientId: "client" })] }),
);

/** All of identity. */
import { accounts, signUp } from "sallyport";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { workerWith } from "../entry-options.ts";

export default workerWith(
  signUp({ mode: "open" }),
  accounts(),
  mfa({ sealingKeys: "" }),
  passkeys(),
  personalAccessTokens(),
);

/** All of identity, with the feature `federation` and a provider that an application wrote itself. */
import { accounts, signUp } from "sallyport";
import { federation } from "sallyport/federation";
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
  federation({ providers: [] }),
);

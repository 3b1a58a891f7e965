/** The base Worker with personal access tokens. */
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { workerWith } from "../entry-options.ts";

export default workerWith(personalAccessTokens());

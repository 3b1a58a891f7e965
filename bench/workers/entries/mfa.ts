/** The base Worker with second factors. */
import { mfa } from "sallyport/mfa";
import { workerWith } from "../entry-options.ts";

export default workerWith(mfa({ sealingKeys: "" }));

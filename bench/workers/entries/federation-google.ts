/** The base Worker with the feature `federation`, and Google as its provider. */
import { federation } from "sallyport/federation";
import { google } from "sallyport/providers/google";
import { workerWith } from "../entry-options.ts";

export default workerWith(federation({ providers: [google({ clientId: "client", clientSecret: "secret" })] }));

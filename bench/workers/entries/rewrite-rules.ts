/** The base Worker with checks by rules. */
import { authorization, rewriteRules } from "sallyport";
import { workerWith } from "../entry-options.ts";

export default workerWith(
  authorization({ rules: rewriteRules({ doc: { viewer: [{ type: "computed_userset", relation: "editor" }] } }) }),
);

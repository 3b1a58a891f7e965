/** The base Worker with sign-up. */
import { signUp } from "sallyport";
import { workerWith } from "../entry-options.ts";

export default workerWith(signUp({ mode: "open" }));

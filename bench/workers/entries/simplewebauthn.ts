/** The base Worker with passkeys that SimpleWebAuthn verifies too. */
import { passkeys } from "sallyport/passkeys";
import { simpleWebAuthn } from "sallyport/passkeys/simplewebauthn";
import { workerWith } from "../entry-options.ts";

export default workerWith(passkeys({ verifier: simpleWebAuthn() }));

import { requireOption } from "../crypto/option-error.ts";
import type { Attestation } from "../domain/webauthn/attestation.ts";
import type { RelyingParty } from "../domain/webauthn/client-data.ts";
import type { WebAuthnVerifier } from "../domain/webauthn/verifier.ts";
import { Admissions } from "./admission.ts";
import type { Core } from "./core.ts";
import { withLazy } from "./lazy.ts";
import { checked, checkWhole, requireBoolean, requireText } from "./options.ts";

/** Whether an authenticator must check its user, by a PIN or biometrics (WebAuthn L3 §5.8.6). */
export type UserVerification = "required" | "preferred" | "discouraged";

/** The options of the feature `passkeys`. */
export interface PasskeyOptions {
  /** The relying party: a domain that contains every `webauthn` origin. Default: the host of the base URL. */
  rpId?: string;
  /** The site's name in authenticators. Default: the relying party. */
  rpName?: string;
  /**
   * Whether sign-in options list the credentials of an identifier that is typed first, for authenticators that store none.
   * Users without credentials get decoys, so that the response does not show who has passkeys. Default false.
   */
  identifierFirst?: boolean;
  /**
   * Whether a key that is used as a second factor must verify its user. `preferred` and `discouraged` admit security keys without
   * a PIN, after a password and to step up. Signing in with a passkey alone always requires it. Default `required`.
   */
  secondFactorVerification?: UserVerification;
  /** How many passkeys that are not revoked a user may have, 1 to 10,000. Default 50. */
  maxPerUser?: number;
  /** Allows ceremonies in frames of the pages named here. Default: none. */
  frames?: { readonly topOrigins: readonly string[] };
  /**
   * The makers to trust for the model of an authenticator: `attestation({ anchors })`. Default: none. Attestation is then not
   * requested, and no passkey has an `aaguid`.
   */
  attestation?: Attestation;
  /**
   * Another implementation that verifies the signature, and must accept the rest of each ceremony too: `simpleWebAuthn()` of
   * `sallyport/passkeys/simplewebauthn`. Default: only Sallyport verifies.
   */
  verifier?: WebAuthnVerifier;
}

/** The settings of operations on passkeys. */
export interface PasskeyCore extends Core, PasskeySettings {}

interface PasskeySettings {
  readonly relyingParty: RelyingParty;
  readonly rpName: string;
  readonly identifierFirst: boolean;
  readonly secondFactorVerification: UserVerification;
  readonly maxPerUser: number;
  /** Statements and certificates take milliseconds, so they are verified only once `admissions` has let the request through. */
  readonly attestation: (ReturnType<Attestation["read"]> & { readonly admissions: Admissions }) | undefined;
  readonly verifier: WebAuthnVerifier | undefined;
}

/** Joins the settings of passkeys with the application's settings. The options are checked at first use. */
export function createPasskeyCore(core: Core, options: PasskeyOptions): PasskeyCore {
  return withLazy<Core, PasskeySettings>(core, () => checkOptions(core, options));
}

function checkOptions(core: Core, options: PasskeyOptions): PasskeySettings {
  const origins = core.origins.filter(({ uses }) => uses.includes("webauthn")).map(({ origin }) => origin);
  const rpId = checked("rpId", () => {
    const id = options.rpId ?? new URL(origins[0]!).hostname;
    // WebAuthn L3 §5.1.3: the host itself or a parent domain of it. Other sites are related origins (§5.11).
    const host = new URL(origins[0]!).hostname;
    requireOption(host === id || (id !== "" && host.endsWith(`.${id}`)), id, `${host} or a parent domain of it`);
    return id;
  });
  const { maxPerUser = 50, rpName = rpId, identifierFirst = false, secondFactorVerification = "required" } = options;
  checked("rpName", () => requireText(rpName));
  checked("identifierFirst", () => requireBoolean(identifierFirst));
  checked("secondFactorVerification", () => {
    const isKnown = ["required", "preferred", "discouraged"].includes(secondFactorVerification);
    requireOption(isKnown, secondFactorVerification, '"required", "preferred" or "discouraged"');
  });
  checked("frames", () => {
    if (!options.frames) return;
    const { topOrigins } = options.frames;
    requireOption(Array.isArray(topOrigins), topOrigins, "`topOrigins`, a list of origins");
  });
  checkWhole("maxPerUser", maxPerUser, 10_000);
  const read = checked("attestation", () => options.attestation?.read());
  const attestation = read && { ...read, admissions: new Admissions() };
  const { verifier } = options;
  checked("verifier", () => {
    const isVerifier = [verifier?.registration, verifier?.assertion].every((method) => typeof method === "function");
    requireOption(verifier === undefined || isVerifier, verifier, "a verifier, such as simpleWebAuthn()");
  });
  return {
    relyingParty: { rpId, origins, ...(options.frames && { crossOrigin: options.frames }) },
    rpName,
    identifierFirst,
    secondFactorVerification,
    maxPerUser,
    attestation,
    verifier,
  };
}

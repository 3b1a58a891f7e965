import { type Bytes, fromHex } from "../crypto/bytes.ts";
import { requireOption } from "../crypto/option-error.ts";
import { isSealed, type SealedPlace, type SealingKeys } from "../crypto/sealing.ts";
import { AuthError } from "../domain/error.ts";
import type { Core } from "./core.ts";
import { withLazy } from "./lazy.ts";
import { checked, requireText } from "./options.ts";
import { readSealingKeys } from "./sealing-keys.ts";

/** The options of the feature `mfa`. */
export interface MfaOptions {
  /**
   * Keys that seal the secrets of authenticator apps in the database: base64url of at least 32 random bytes, or a list
   * `2:<new>,1:<old>`. They must differ from the root secret.
   */
  sealingKeys: string | undefined;
  /**
   * `on`; `accept-unsealed` also reads unsealed secrets, for the time until all are sealed; `off` writes them in plain form,
   * for a table that another SDK also reads. Default `on`.
   */
  sealing?: "on" | "accept-unsealed" | "off";
  /** The site's name in authenticator apps. Default: the host of the base URL. */
  issuer?: string;
}

/** The settings of operations on factors. */
export interface MfaCore extends Core, MfaSettings {}

interface MfaSettings {
  readonly sealing: "on" | "accept-unsealed" | "off";
  readonly sealingKeys: SealingKeys | undefined;
  readonly issuer: string;
}

/** Joins the settings of second factors with the application's settings. The options are checked at first use. */
export function createMfaCore(core: Core, options: MfaOptions): MfaCore {
  return withLazy<Core, MfaSettings>(core, () => checkOptions(core, options));
}

const sealings: ReadonlySet<string> = new Set(["on", "accept-unsealed", "off"]);

function checkOptions(core: Core, options: MfaOptions): MfaSettings {
  const base = core.origins[0]!.origin;
  const { sealing = "on", issuer = new URL(base).hostname } = options;
  checked("sealing", () => {
    // A variable of a deployment may hold anything.
    requireOption(sealings.has(sealing), sealing, '"on", "accept-unsealed" or "off"');
  });
  checked("issuer", () => requireText(issuer));
  if (sealing === "off") return { sealing, sealingKeys: undefined, issuer };
  const sealingKeys = readSealingKeys(core, options.sealingKeys);
  return { sealing, sealingKeys, issuer };
}

/** The place where the secret of an authenticator app is stored. */
export function totpPlace(factorId: string, userId: string): SealedPlace {
  return { purpose: "totp", table: "mfa", column: "totp_secret", rowId: factorId, userId };
}

/** The stored form of a secret. */
export async function sealSecret(core: MfaCore, place: SealedPlace, secret: Bytes): Promise<Bytes> {
  return core.sealingKeys ? await core.sealingKeys.seal(place, secret) : secret;
}

/**
 * The secret in a stored form.
 *
 * @throws {AuthError} `unavailable.configuration` if no key opens it.
 */
export async function openSecret(core: MfaCore, place: SealedPlace, hex: string): Promise<Bytes> {
  const stored = fromHex(hex)!;
  if (core.sealing !== "on" && !isSealed(stored)) return stored;
  try {
    if (!core.sealingKeys) throw new TypeError("A stored secret is sealed, and sealing is off.");
    return await core.sealingKeys.open(place, stored);
  } catch (error) {
    throw new AuthError("unavailable.configuration", { cause: error, details: { option: "sealingKeys" } });
  }
}

import { type Bytes, fromHex } from "../crypto/bytes.ts";
import { parseRootSecrets } from "../crypto/root-secrets.ts";
import { isSealed, type SealedPlace, SealingKeys } from "../crypto/sealing.ts";
import { AuthError } from "../domain/error.ts";
import { isLoopback } from "../domain/origin.ts";
import type { Core } from "./core.ts";
import { type AuthOptions, checked, createCore } from "./options.ts";

/** The options of {@link createMfa}: those of `createAuth`, best the very same object, and what second factors need besides. */
export interface MfaOptions extends AuthOptions {
  /**
   * Keys that seal the secrets of authenticator apps in the database: base64url of at least 32 random bytes, or a list
   * `2:<new>,1:<old>`. Other bytes than the root secret's.
   */
  sealingKeys: string | undefined;
  /**
   * `on`; `accept-unsealed` also reads secrets that are not sealed, while they are being sealed; `off` writes them in plain, for
   * a table that another SDK reads too. Default `on`.
   */
  sealing?: "on" | "accept-unsealed" | "off";
  /** What authenticator apps call the site. Default: the host of the base URL. */
  issuer?: string;
}

/** What operations on factors work with. */
export interface MfaCore extends Core {
  readonly sealing: "on" | "accept-unsealed" | "off";
  readonly sealingKeys: SealingKeys | undefined;
  readonly issuer: string;
}

/** Checks the options. @throws {ConfigurationError} If one is missing or unsafe (S34). */
export function createMfaCore(options: MfaOptions): MfaCore {
  const core = createCore(options);
  const base = core.origins[0]!.origin;
  const sealing = options.sealing ?? "on";
  const sealingKeys =
    sealing === "off"
      ? undefined
      : checked("sealingKeys", () => {
          const keys = new SealingKeys(options.sealingKeys);
          if (keys.hasDevelopment && !isLoopback(base)) {
            throw new TypeError("A development secret serves http on loopback only.");
          }
          if (keys.sharesWith(parseRootSecrets(options.secrets))) throw new TypeError("They are the root secret.");
          return keys;
        });
  return { ...core, sealing, sealingKeys, issuer: options.issuer ?? new URL(base).hostname };
}

/** Where the secret of an authenticator app stands. */
export function totpPlace(factorId: string, userId: string): SealedPlace {
  return { purpose: "totp", table: "mfa", column: "totp_secret", rowId: factorId, userId };
}

/** The secret as it is stored. */
export async function sealSecret(core: MfaCore, place: SealedPlace, secret: Bytes): Promise<Bytes> {
  return core.sealingKeys ? await core.sealingKeys.seal(place, secret) : secret;
}

/** The secret of a stored one. @throws {AuthError} `unavailable.configuration` if no key opens it. */
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

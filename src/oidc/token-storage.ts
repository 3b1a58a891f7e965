import { OptionError } from "../crypto/option-error.ts";
import { SealingKeys } from "../crypto/sealing.ts";
import { ConfigurationError, requireSetting } from "./errors.ts";

/** The options of every place that keeps tokens. */
export interface TokenStorageOptions {
  readonly sealingKeys: string | undefined;
  readonly name?: string;
  readonly lifetimeSeconds?: number;
}

const day = 86_400;

/**
 * The options that are the same in every place that keeps tokens.
 *
 * @param more The names of further options.
 * @throws {ConfigurationError} If one cannot be used, or is unknown.
 */
export function readStorageOptions(
  { sealingKeys, name = "tokens", lifetimeSeconds = 30 * day, ...rest }: TokenStorageOptions,
  more: readonly string[],
): { readonly keys: SealingKeys; readonly name: string; readonly lifetimeSeconds: number } {
  const unknown = Object.keys(rest).find((option) => !more.includes(option));
  if (unknown !== undefined) throw new ConfigurationError(unknown, "it is not an option.");
  const isName = typeof name === "string" && /^[\w-]{1,40}$/.test(name);
  requireSetting(isName, "name", name, "1 to 40 of A-Z, a-z, 0-9, _ and -");
  const isLifetime = Number.isInteger(lifetimeSeconds) && lifetimeSeconds >= 60 && lifetimeSeconds <= 400 * day;
  requireSetting(isLifetime, "lifetimeSeconds", lifetimeSeconds, "a whole number from 60 to 34560000");
  return { keys: parseKeys(sealingKeys), name, lifetimeSeconds };
}

function parseKeys(text: string | undefined): SealingKeys {
  try {
    const keys = new SealingKeys(text);
    if (keys.hasDevelopment) {
      throw new OptionError(
        "it was made by `npm start` for its own server; `npx --no sallyport secret` prints another.",
      );
    }
    return keys;
  } catch (error) {
    if (error instanceof OptionError) throw new ConfigurationError("sealingKeys", error.message);
    throw error;
  }
}

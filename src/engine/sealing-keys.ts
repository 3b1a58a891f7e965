import { OptionError } from "../crypto/option-error.ts";
import { SealingKeys } from "../crypto/sealing.ts";
import { isForDevelopment } from "../domain/origin.ts";
import type { Core } from "./core.ts";
import { checked, developmentOnly } from "./options.ts";

/**
 * Reads the option `sealingKeys`.
 *
 * @throws {ConfigurationError} If a key is missing, weak, for development only, or the same as the root secret.
 */
export function readSealingKeys(core: Core, text: string | undefined): SealingKeys {
  return checked("sealingKeys", () => {
    const keys = new SealingKeys(text);
    if (keys.hasDevelopment && !isForDevelopment(core.origins[0]!.origin)) throw new OptionError(developmentOnly);
    if (keys.sharesWith(core.keys))
      throw new OptionError("it must differ from the root secret; `npx --no sallyport secret` prints another.");
    return keys;
  });
}

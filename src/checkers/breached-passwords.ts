/**
 * Breached passwords, by a range query of Have I Been Pwned: the service learns the first five of forty hex digits of a
 * password's SHA-1, and answers with hundreds of hashes that begin so ("Searching by range", API v3).
 *
 * @module
 */
import { toHex, utf8 } from "../crypto/bytes.ts";
import { AuthError } from "../domain/error.ts";
import { requireOption } from "../domain/option-error.ts";
import { fetchText, parseService, requireTimeout } from "../net/bounded-fetch.ts";

/** The options of {@link breachedPasswords}. */
export interface BreachedPasswordsOptions {
  /**
   * What happens to a new password that could not be looked up. `accept`: it is accepted, and the fault is reported. `refuse`: the
   * request is answered with 503, and no one can set a password until the service answers.
   */
  readonly onUnavailable: "accept" | "refuse";
  /** Where ranges are, up to the prefix, so it ends in `/` or `=`. Default: `https://api.pwnedpasswords.com/range/`. */
  readonly url?: string;
  /** How long the service may take to answer, 100 to 30000. Default 2000. */
  readonly timeoutMilliseconds?: number;
}

const prefixLength = 5;
/** Three times what a range with padding takes: up to a thousand lines of about 45 bytes. */
const maxBytes = 131_072;

/**
 * Looks new passwords up in the breached ones: `passwords({ hasher, isCompromised: breachedPasswords({ onUnavailable: "accept" }) })`.
 *
 * Each look-up is one request, with padding, so that the length of the answer tells an observer nothing. Neither the password nor
 * its hash leaves the process, or stands in an error.
 *
 * @throws {TypeError} If an option is wrong.
 */
export function breachedPasswords(
  options: BreachedPasswordsOptions,
): (password: string, report: (error: unknown) => void) => Promise<boolean> {
  const { onUnavailable, url = "https://api.pwnedpasswords.com/range/", timeoutMilliseconds = 2_000 } = options ?? {};
  const isChoice = onUnavailable === "accept" || onUnavailable === "refuse";
  requireOption(isChoice, onUnavailable, '"accept" or "refuse"', "onUnavailable");
  const target = parseService(url);
  requireOption(/[/=]$/.test(target), url, "an address that ends in / or =, before the prefix", "url");
  requireTimeout(timeoutMilliseconds);
  const headers = { "Add-Padding": "true", "user-agent": "sallyport" };

  return async (password, report) => {
    // The form that is hashed, and the one that was typed and may stand in a list.
    const forms = [...new Set([password.normalize("NFKC"), password])];
    const hashes = await Promise.all(forms.map(sha1));
    try {
      const found = await Promise.all(
        hashes.map(async (hash) => {
          const request = {
            url: `${target}${hash.slice(0, prefixLength)}`,
            init: { headers },
            milliseconds: timeoutMilliseconds,
            maxBytes,
          };
          return isListed(await fetchText(request), hash.slice(prefixLength));
        }),
      );
      return found.includes(true);
    } catch (error) {
      if (onUnavailable === "refuse") throw new AuthError("unavailable.busy", { cause: error, retryAfterSeconds: 5 });
      report(error);
      return false;
    }
  };
}

/** SHA-1 is the service's index, and protects nothing here. */
async function sha1(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-1", utf8(text)))).toUpperCase();
}

/**
 * True if a range has the rest of a hash, more than zero times: lines of padding have a count of zero.
 *
 * @throws {Error} If the text is no range, such as a provider's page of an error: it would say that no password is breached.
 */
function isListed(range: string, rest: string): boolean {
  const lines = range.split("\n").map((line) => line.trim());
  const isRange = lines.every((line) => line === "" || /^[\dA-F]{35}:\d+$/i.test(line)) && range.trim() !== "";
  if (!isRange) throw Object.assign(new Error("The service did not answer with a range."), { code: "NO_RANGE" });
  return lines.some((line) => line.toUpperCase().startsWith(`${rest}:`) && !/:0+$/.test(line));
}

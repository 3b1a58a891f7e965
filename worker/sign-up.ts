import { ConfigurationError } from "../src/index.ts";
import type { Bindings } from "./bindings.ts";

/** Who may make an account, and why, as the server's log says it. */
export interface ChosenSignUp<Mode extends string> {
  readonly mode: Mode;
  readonly why: string;
}

/**
 * The mode of the server to deploy. Never `open`, which reveals who has an account.
 *
 * @throws {ConfigurationError} For another value of `SIGN_UP`.
 */
export function chosenSignUp({
  EMAIL,
  SIGN_UP,
}: Pick<Bindings, "EMAIL" | "SIGN_UP">): ChosenSignUp<"verify-first" | "invited" | "closed"> {
  if (SIGN_UP === undefined) {
    return EMAIL
      ? { mode: "verify-first", why: "because EMAIL sends mail and SIGN_UP is not set" }
      : { mode: "invited", why: "because there is no EMAIL and SIGN_UP is not set" };
  }
  const mode = (["verify-first", "invited", "closed"] as const).find((known) => known === SIGN_UP);
  if (mode) return { mode, why: "because SIGN_UP says so" };
  const fault = new TypeError(`${given(SIGN_UP)}, and must be "verify-first", "invited" or "closed".`);
  throw new ConfigurationError("SIGN_UP", fault);
}

/** What a variable holds, as the start of a message. A longer text may be a secret in the wrong place. */
export function given(value: string): string {
  return /^[\w-]{0,16}$/.test(value) ? `it is "${value}"` : `it is a text of ${value.length} characters`;
}

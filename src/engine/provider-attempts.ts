/**
 * Sign-ins at a provider that have begun. The browser keeps each in a cookie, so that no row is stored for it (S46); the statement
 * that ends one stores its digest, once.
 *
 * The cookie has no secret. The state, the nonce and the code verifier are derived from its random id.
 *
 * @module
 */
import { randomBytes, toBase64Url, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import type { ProviderAttempt } from "../domain/identity-provider.ts";
import type { SpentChallenge } from "../store/spent-challenges.ts";
import type { FederationCore } from "./federation-settings.ts";
import { openText, sealText, type TextBinding } from "./sealed-text.ts";

/** How long a user may take at the provider, in seconds. */
export const attemptSeconds = 600;

/** `sign_in`: begins a session. `link`: links the identity to the account. `step_up`: proves again that it is the user. */
export type ProviderPurpose = "sign_in" | "link" | "step_up";

/** What a sign-in at a provider is for, and where it leads. */
export interface AttemptPurpose {
  readonly purpose: ProviderPurpose;
  /** True if the provider must ask for a new proof. */
  readonly again: boolean;
  /** The session that links or steps up. */
  readonly sessionId?: string | undefined;
  readonly next?: string | undefined;
  readonly remember?: boolean | undefined;
  readonly redirectUri: string;
}

/** A sign-in that has begun. */
export interface BegunAttempt extends AttemptPurpose {
  readonly attempt: ProviderAttempt;
  readonly spent: SpentChallenge;
}

interface SealedAttempt extends AttemptPurpose {
  readonly id: string;
  readonly createdAt: number;
  /** The version of the root secret from which the secrets are derived. */
  readonly version: number;
}

/** Begins a sign-in at a provider. */
export async function beginAttempt(
  core: FederationCore,
  provider: string,
  purpose: AttemptPurpose,
): Promise<{ attempt: ProviderAttempt; sealed: string }> {
  const sealed: SealedAttempt = {
    ...purpose,
    id: toBase64Url(randomBytes(32)),
    createdAt: epochSeconds(),
    version: core.keys.currentVersion,
  };
  return {
    attempt: (await secretsOf(core, provider, sealed))!,
    sealed: await sealText(core, bindingOf(core, provider), JSON.stringify(sealed)),
  };
}

/** A provider of the same name may have another issuer in a later release: an attempt at the former one is none there. */
function bindingOf(core: FederationCore, provider: string): TextBinding {
  return ["attempt", provider, ...(core.providers.get(provider)?.issuers ?? [])];
}

/** What a browser's sign-in at this provider is for, or `undefined` if the text was not sealed here for it. */
export async function readAttempt(
  core: FederationCore,
  provider: string,
  sealed: string | undefined,
): Promise<SealedAttempt | undefined> {
  const text = sealed && (await openText(core, bindingOf(core, provider), sealed));
  return text ? (JSON.parse(text) as SealedAttempt) : undefined;
}

/**
 * The sign-in of a browser at this provider, or `undefined` if the text was not sealed here for it. Whether it has ended, the
 * provider's check and the statement that spends it decide.
 */
export async function openAttempt(
  core: FederationCore,
  provider: string,
  sealed: string | undefined,
): Promise<BegunAttempt | undefined> {
  const opened = await readAttempt(core, provider, sealed);
  const attempt = opened && (await secretsOf(core, provider, opened));
  if (!attempt) return undefined;
  const digest = await sha256Hex(`${provider} ${opened.id}`);
  const expiresAt = new Date((opened.createdAt + attemptSeconds) * 1_000);
  return { ...opened, attempt, spent: { digest, expiresAt } };
}

/** `undefined` if the secret that it was derived from is no longer listed. */
async function secretsOf(
  core: FederationCore,
  provider: string,
  sealed: SealedAttempt,
): Promise<ProviderAttempt | undefined> {
  const { id, version, createdAt, redirectUri, again } = sealed;
  const derive = async (what: string) => {
    const mac = await core.keys.mac("provider", [what, utf8(provider), id], version);
    return mac && toBase64Url(mac);
  };
  const [state, nonce, codeVerifier] = await Promise.all(["state", "nonce", "verifier"].map(derive));
  return state && nonce && codeVerifier ? { state, nonce, codeVerifier, createdAt, redirectUri, again } : undefined;
}

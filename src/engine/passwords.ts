import { HashQueueFullError } from "../crypto/hash-queue.ts";
import { hasTwoForms, type PasswordForm, preparePassword } from "../crypto/password-bytes.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { newUuid } from "../domain/id.ts";
import { needsSecondFactor, passwordFault } from "../domain/password.ts";
import { type Counted, returnAttempt } from "../store/counters.ts";
import type { Statement } from "../store/sql.ts";
import type { Core } from "./core.ts";

/**
 * Checks the part of the password policy that costs nothing; {@link hashNewPassword} checks the rest.
 *
 * @param owner The owner's identifier, or the actor who knows it. An attacker tries the identifier first.
 * @returns `needsFactor` is true for a password so short that it needs an enforced second factor. The statement checks that.
 * @throws {AuthError} `invalid_format.password`, with the reason in `details`.
 */
export function acceptPassword(
  core: Core,
  password: string,
  owner: string | Actor["subject"],
): { needsFactor: boolean } {
  const identifier = typeof owner === "string" ? owner : ((owner as { identifier?: string }).identifier ?? "");
  const { predictableWords = [], blocklist = () => [] } = core.acceptance;
  // `ada.lovelace@example.com`, `adalovelace`, `lovelace`, `example`.
  const names = [...predictableWords, identifier, ...identifier.split("@")].flatMap((name) => {
    const parts = name.split(/[\W_]/);
    return [name, parts.join(""), ...parts];
  });
  const fault = passwordFault(password, { words: [...names, ...blocklist(password, names)] });
  if (fault) throw new AuthError("invalid_format.password", { details: { reason: fault } });
  return { needsFactor: needsSecondFactor(password) };
}

/**
 * Looks a new password up in the application's list of breached ones, which may be a service, then hashes it. The look-up stays
 * counted, whatever its result. Where a password replaces another, `core.acceptance.history` is asked first.
 *
 * @throws {AuthError} `invalid_format.password`, and as {@link hashPassword} does.
 */
export async function hashNewPassword(core: Core, password: string, counted: readonly Counted[] = []): Promise<string> {
  if (await core.acceptance.isCompromised?.(password, core.onError)) {
    throw new AuthError("invalid_format.password", { details: { reason: "compromised" } });
  }
  return await hashPassword(core, password, counted);
}

/**
 * Hashes a password: in the form that another SDK hashes too, if the database is shared with one.
 *
 * @param counted The counters of the attempt, given back if the password is not hashed. Default: none.
 * @throws {AuthError} `unavailable.busy` when too many wait.
 */
export async function hashPassword(core: Core, password: string, counted: readonly Counted[] = []): Promise<string> {
  const hash = () => hashAs(core, password, core.sharedDatabase === true ? "typed" : "normal");
  return counted.length === 0 ? await hash() : await returningOnBusy(core, counted, hash);
}

function hashAs(core: Core, password: string, form: PasswordForm): Promise<string> {
  return queued(() => core.passwordHasher.hash(password, form));
}

/**
 * A new hash of the password, if its hash does not have the pinned cost, or if it is of the characters as typed in a database
 * that another SDK has left. `undefined` if too many hashes wait: the next sign-in tries again.
 *
 * @param form The form that the hash was made of. An SDK that still checks the hash needs it to stay so.
 */
export async function rehash(
  core: Core,
  passwordHash: string,
  password: string,
  form: PasswordForm,
): Promise<string | undefined> {
  const isForeign = form === "typed" && core.sharedDatabase === "inherited";
  if (!isForeign && !core.passwordHasher.needsRehash(passwordHash)) return undefined;
  try {
    return await hashAs(core, password, isForeign ? "normal" : form);
  } catch (error) {
    core.onError(error);
    return undefined;
  }
}

/**
 * The form of the password that made the hash, or `undefined` if none did. Without a hash, the decoy is verified, so that the
 * work is the same (Flametrench ADR 0023, S42). The same holds for a password that no user can have set (S15).
 *
 * In a database that others share, a password with two forms is verified in both, whatever the first result is.
 */
export async function verifyPasswordHash(
  core: Core,
  passwordHash: string | null,
  password: string,
): Promise<PasswordForm | undefined> {
  const { passwordHasher, decoyHash } = core;
  const usable = preparePassword(password) !== undefined;
  const known = usable && passwordHash !== null && passwordHasher.canVerify(passwordHash);
  const forms: PasswordForm[] = ["normal"];
  if (core.sharedDatabase && usable && hasTwoForms(password)) forms.push("typed");
  let matched: PasswordForm | undefined;
  for (const form of forms) {
    const matches = await queued(() =>
      passwordHasher.verify(known ? passwordHash : decoyHash, usable ? password : "unusable", form),
    );
    if (known && matches) matched ??= form;
  }
  return matched;
}

async function queued<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HashQueueFullError) {
      throw new AuthError("unavailable.busy", { cause: error, retryAfterSeconds: 1 });
    }
    throw error;
  }
}

/** An address may cause this many times as many busy answers as attempts, far more than honest users behind it do. */
const busyAnswersPerAttempt = 10;

/**
 * Runs the check or the hash of an attempt. If there is no result, as when too many hashes wait, it gives back every counter
 * that the attempt has raised, because no secret was looked at (S82).
 *
 * @param counted The counters, the address's first.
 * @param also Statements that give back what else the attempt has used up. Default: none.
 */
export async function returningOnBusy<Result>(
  core: Core,
  counted: readonly Counted[],
  check: () => Promise<Result>,
  also: readonly Statement[] = [],
): Promise<Result> {
  try {
    return await check();
  } catch (error) {
    const { attempts, windowSeconds } = core.limits.address;
    const limit = { attempts: attempts * busyAnswersPerAttempt, windowSeconds };
    try {
      const busy = { name: `busy:${counted[0]?.name}`, kind: "address", limit } as const;
      await core.database.batch([returnAttempt(newUuid(), counted, busy), ...also]);
    } catch (lost) {
      core.onError(lost);
    }
    throw error;
  }
}

/**
 * Refuses at once if this isolate cannot check a password now, before anything is counted for it or asked of the database (S82).
 *
 * @throws {AuthError} `unavailable.busy`.
 */
export function requireIdle({ passwordHasher }: Core): void {
  if (passwordHasher.isBusy?.()) throw new AuthError("unavailable.busy", { retryAfterSeconds: 1 });
}

import { fromBase64Url, fromHex, toHex } from "../crypto/bytes.ts";
import { parsePhc, widestCaps } from "../crypto/phc.ts";
import { sealedMark } from "../crypto/sealing.ts";
import { type IdType, wireId } from "../domain/id.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import { unusableHash } from "../domain/password-state.ts";
import { isUsableCoseKey, parseCoseKey } from "../domain/webauthn/cose-key.ts";
import type { Database, Statement } from "../store/sql.ts";
import * as store from "../store/stored-accounts.ts";

const limit = 1_000;

/** One finding about a row. A `fault` keeps its user out; anything else is for the operator to know. */
export interface Finding {
  readonly id: string;
  readonly finding: string;
  readonly fault: boolean;
}

/** Which options the deployment has. */
export interface Deployment {
  readonly allowNonAscii: boolean;
  /** The relying party that passkeys must be for. Undefined: not checked. */
  readonly rpId: string | undefined;
  /** True if another SDK uses the database too. */
  readonly shared: boolean;
}

/**
 * Everything in stored accounts and organizations that Sallyport cannot use, or serves otherwise than another SDK on the same
 * database.
 */
export async function* examineAccounts(database: Database, deployment: Deployment): AsyncGenerator<Finding> {
  yield* examinePasswords(database, deployment);
  yield* examineHashes(database, "mfa", store.selectRecoveryCodes);
  yield* examineHashes(database, "pat", store.selectTokens);
  for await (const key of pages(database, (page) => store.selectKeys(page))) {
    const finding = await faultOfKey(key, deployment.rpId);
    if (finding) yield { id: wireId(key.kind, key.id), finding, fault: true };
  }
  for await (const { id } of pages(database, store.selectOwnerless)) {
    yield { id: wireId("org", id), finding: "has no owner who can act: hand ownership over", fault: false };
  }
  for await (const { id } of pages(database, store.selectLockedOut)) {
    const finding = "has a security policy that none of its owners can meet: set another one";
    yield { id: wireId("org", id), finding, fault: false };
  }
  for await (const { id } of pages(database, store.selectWithoutBreakGlass)) {
    const finding = "has a security policy that lets no owner in without its providers: set another one";
    yield { id: wireId("org", id), finding, fault: false };
  }
  for await (const { id } of pages(database, store.selectForsakenInvitations)) {
    const finding = "counts for nothing, because its inviter has lost the right: renew or revoke it";
    yield { id: wireId("inv", id), finding, fault: false };
  }
  for await (const { id } of pages(database, store.selectUncheckedDomains)) {
    const finding =
      "has a domain whose proof was not checked for 60 days: call `auth.organizationDomains.recheck` from a cron job";
    yield { id: wireId("org", id), finding, fault: false };
  }
  for await (const { id } of pages(database, store.selectWithoutCompanion)) {
    yield { id: wireId("mem", id), finding: "has no tuple, so its role counts for nothing", fault: false };
  }
  if (!deployment.shared) return;
  const mark = toHex(sealedMark);
  for await (const user of pages(database, (page) => store.selectServedDifferently(page, mark))) {
    const id = wireId("usr", user.id);
    if (user.isSealed) {
      yield { id, finding: "has a sealed authenticator app, whose codes the other SDK cannot check", fault: false };
    }
    if (user.isUnasked) {
      yield { id, finding: "has a second factor, for which the other SDK does not ask", fault: false };
    }
  }
}

/** A stored text that is not a normal form is found as it is, unless another account has its normal form. */
async function* examinePasswords(database: Database, { allowNonAscii }: Deployment): AsyncGenerator<Finding> {
  for await (const { id: row, identifier, hashes } of pages(database, store.selectPasswords)) {
    const id = wireId("cred", row);
    const normal = normalizeIdentifier(identifier, { allowNonAscii });
    if (normal !== identifier) {
      const held = normal === undefined ? [] : await database.run(store.selectHeld([normal]));
      yield held.length > 0
        ? { id, finding: "cannot be used to sign in: another account has its name in normal form", fault: true }
        : { id, finding: "not in normal form, so its name must be typed exactly as it is stored", fault: false };
    }
    const finding = faultOfHashes(hashes);
    if (finding) yield { id, finding, fault: true };
  }
}

async function* examineHashes(
  database: Database,
  type: IdType,
  select: (page: store.PageOf) => Statement<{ id: string; hashes: readonly string[] }>,
): AsyncGenerator<Finding> {
  for await (const { id, hashes } of pages(database, select)) {
    const finding = faultOfHashes(hashes);
    if (finding) yield { id: wireId(type, id), finding, fault: true };
  }
}

function faultOfHashes(hashes: readonly string[]): string | undefined {
  const unread = hashes.filter((hash) => hash !== unusableHash && !parsePhc(hash));
  if (unread.length === 0) return undefined;
  return unread.every((hash) => parsePhc(hash, widestCaps))
    ? "has a hash above the limits: outside Workers, `largestHash` of `argon2id` raises them"
    : "has a hash that is not Argon2id in the PHC form";
}

async function faultOfKey(key: store.StoredKey, rpId: string | undefined): Promise<string | undefined> {
  if (!fromBase64Url(key.credentialId)) return "has an id that is not base64url";
  const cose = parseCoseKey(fromHex(key.publicKey)!);
  if (!cose || !(await isUsableCoseKey(cose))) return "has a public key that is not COSE with ES256, EdDSA or RS256";
  return rpId !== undefined && key.rpId !== null && key.rpId !== rpId
    ? "is for another relying party than --rp-id"
    : undefined;
}

/** All rows of a list. */
async function* pages<Row extends { readonly id: string }>(
  database: Database,
  select: (page: store.PageOf) => Statement<Row>,
): AsyncGenerator<Row> {
  let after: string | undefined;
  for (;;) {
    const rows = await database.run(select({ after, limit }));
    yield* rows;
    if (rows.length < limit) return;
    after = rows.at(-1)!.id;
  }
}

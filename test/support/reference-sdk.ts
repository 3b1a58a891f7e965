/**
 * What an SDK of the Flametrench reference does with a database, in statements of the shapes that it sends. It knows none of
 * Sallyport's columns, hashes passwords as they are typed, compares identifiers byte for byte, and asks for a second factor only
 * if the policy requires one.
 *
 * @module
 */
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import { newUuid } from "../../src/domain/id.ts";
import { generateRecoveryCodes } from "../../src/domain/recovery-code.ts";
import { defaultTotp, generateTotpSecret, matchTotpStep } from "../../src/domain/totp.ts";
import { verifyAssertion } from "../../src/domain/webauthn/assertion.ts";
import { parseAssertionResponse } from "../../src/domain/webauthn/response.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";

type State = "active" | "suspended" | "revoked";
type Row = Readonly<Record<string, unknown>>;

/** Every id is a UUID. */
export function referenceSdk(database: Database, hasher: PasswordHasher) {
  const rows = async <Found = Row>(statement: Statement<Found>): Promise<Found[]> => await database.run(statement);
  const one = async <Found = Row>(statement: Statement<Found>): Promise<Found | undefined> =>
    (await rows(statement))[0];
  const transaction = async (...statements: Statement<unknown>[]): Promise<Row[]> =>
    ((await database.batch(statements)) as Row[][]).at(-1)!;
  const lockUser = (id: string) => sql`select id, status from usr where id = ${id}::uuid for update`;
  const policyActive = async (userId: string): Promise<boolean> => {
    const policy = await one<{ required: boolean; graceUntil: Date | null }>(sql`
      select required, grace_until as "graceUntil" from usr_mfa_policy where usr_id = ${userId}::uuid`);
    return !!policy?.required && (policy.graceUntil === null || policy.graceUntil <= new Date());
  };

  const sdk = {
    async createUser(displayName: string | null = null): Promise<string> {
      const id = newUuid();
      await rows(sql`insert into usr (id, display_name) values (${id}::uuid, ${displayName}::text) returning *`);
      return id;
    },

    /** The columns of a user, as the SDK reads them. */
    async getUser(id: string) {
      return await one<{ status: State; displayName: string | null }>(sql`
        select id, status, display_name as "displayName", created_at, updated_at from usr where id = ${id}::uuid`);
    },

    async renameUser(id: string, displayName: string): Promise<void> {
      await transaction(
        lockUser(id),
        sql`update usr set display_name = ${displayName} where id = ${id}::uuid returning *`,
      );
    },

    async listUsers(query: string): Promise<string[]> {
      const found = await rows<{ id: string }>(sql`
        select id from usr where exists (select from cred where cred.usr_id = usr.id and cred.status = 'active'
          and cred.identifier ilike '%' || ${query} || '%') order by id limit 51`);
      return found.map(({ id }) => id);
    },

    async suspendUser(id: string): Promise<void> {
      await transaction(
        lockUser(id),
        sql`update ses set revoked_at = now() where usr_id = ${id}::uuid and revoked_at is null`,
        sql`update usr set status = 'suspended' where id = ${id}::uuid`,
      );
    },

    async reinstateUser(id: string): Promise<void> {
      await transaction(lockUser(id), sql`update usr set status = 'active' where id = ${id}::uuid`);
    },

    async revokeUser(id: string): Promise<void> {
      await transaction(
        lockUser(id),
        sql`update ses set revoked_at = now() where usr_id = ${id}::uuid and revoked_at is null`,
        sql`update cred set status = 'revoked' where usr_id = ${id}::uuid and status = 'active'`,
        sql`update usr set status = 'revoked' where id = ${id}::uuid`,
      );
    },

    async createPassword(userId: string, identifier: string, password: string): Promise<string> {
      const id = newUuid();
      const hash = await hasher.hash(password, "typed");
      await rows(sql`
        insert into cred (id, usr_id, type, identifier, status, password_hash)
        values (${id}::uuid, ${userId}::uuid, 'password', ${identifier}, 'active', ${hash}) returning *`);
      return id;
    },

    async createPasskey(userId: string, key: { credentialId: string; publicKey: Uint8Array; rpId: string | null }) {
      const id = newUuid();
      await rows(sql`
        insert into cred (id, usr_id, type, identifier, status, passkey_public_key, passkey_sign_count, passkey_rp_id)
        values (${id}::uuid, ${userId}::uuid, 'passkey', ${key.credentialId}, 'active',
          decode(${toHex(key.publicKey as never)}, 'hex'), 0, ${key.rpId}::text) returning *`);
      return id;
    },

    async createOidc(userId: string, identifier: string, issuer: string, subject: string): Promise<string> {
      const id = newUuid();
      await rows(sql`
        insert into cred (id, usr_id, type, identifier, status, oidc_issuer, oidc_subject)
        values (${id}::uuid, ${userId}::uuid, 'oidc', ${identifier}, 'active', ${issuer}, ${subject}) returning *`);
      return id;
    },

    async findCredential(type: string, identifier: string) {
      return await one<{ id: string; userId: string; replaces: string | null }>(sql`
        select id, usr_id as "userId", replaces from cred
        where type = ${type} and identifier = ${identifier} and status = 'active'`);
    },

    async rotatePassword(id: string, password: string): Promise<string> {
      const next = newUuid();
      const hash = await hasher.hash(password, "typed");
      await transaction(
        sql`select * from cred where id = ${id}::uuid for update`,
        sql`update cred set status = 'revoked' where id = ${id}::uuid`,
        sql`insert into cred (id, usr_id, type, identifier, status, replaces, password_hash)
          select ${next}::uuid, usr_id, type, identifier, 'active', id, ${hash} from cred where id = ${id}::uuid`,
        sql`update ses set revoked_at = now() where cred_id = ${id}::uuid and revoked_at is null`,
      );
      return next;
    },

    async setCredentialStatus(id: string, status: State): Promise<void> {
      await transaction(
        sql`select * from cred where id = ${id}::uuid for update`,
        sql`update cred set status = ${status} where id = ${id}::uuid`,
        ...(status === "active"
          ? []
          : [sql`update ses set revoked_at = now() where cred_id = ${id}::uuid and revoked_at is null`]),
      );
    },

    async verifyPassword(identifier: string, password: string) {
      const found = await one<{ id: string; userId: string; hash: string }>(sql`
        select id, usr_id as "userId", password_hash as hash from cred
        where type = 'password' and identifier = ${identifier} and status = 'active'`);
      if (!found || !(await hasher.verify(found.hash, password, "typed"))) return undefined;
      return { userId: found.userId, credentialId: found.id, mfaRequired: await policyActive(found.userId) };
    },

    /** Nothing for a user or a credential that is not active. */
    async createSession(userId: string, credentialId: string) {
      const token = toBase64Url(randomBytes(32));
      const id = newUuid();
      const found = await transaction(
        lockUser(userId),
        sql`select id, usr_id, status from cred where id = ${credentialId}::uuid`,
        sql`insert into ses (id, usr_id, cred_id, expires_at, token_hash)
          select ${id}::uuid, usr.id, cred.id, now() + interval '1 hour', decode(${await sha256Hex(token)}, 'hex')
          from usr join cred on cred.usr_id = usr.id and cred.id = ${credentialId}::uuid and cred.status = 'active'
          where usr.id = ${userId}::uuid and usr.status = 'active' returning id`,
      );
      return found.length > 0 ? { id, token } : undefined;
    },

    async verifySession(token: string) {
      const found = await one<{ id: string; userId: string; live: boolean }>(sql`
        select id, usr_id as "userId", revoked_at is null and expires_at > now() as live from ses
        where token_hash = decode(${await sha256Hex(token)}, 'hex')`);
      return found?.live ? { id: found.id, userId: found.userId } : undefined;
    },

    async refreshSession(id: string) {
      const token = toBase64Url(randomBytes(32));
      const next = newUuid();
      const found = await transaction(
        sql`select * from ses where id = ${id}::uuid for update`,
        sql`insert into ses (id, usr_id, cred_id, expires_at, token_hash)
          select ${next}::uuid, usr_id, cred_id, now() + (expires_at - created_at), decode(${await sha256Hex(token)}, 'hex')
          from ses where id = ${id}::uuid and revoked_at is null and expires_at > now()`,
        sql`update ses set revoked_at = now() where id = ${id}::uuid and revoked_at is null returning id`,
      );
      return found.length > 0 ? { id: next, token } : undefined;
    },

    async revokeSession(id: string): Promise<void> {
      await rows(sql`update ses set revoked_at = coalesce(revoked_at, now()) where id = ${id}::uuid returning *`);
    },

    async setPolicy(userId: string, required: boolean, graceUntil: Date | null = null): Promise<void> {
      await rows(sql`
        insert into usr_mfa_policy (usr_id, required, grace_until)
        values (${userId}::uuid, ${required}::boolean, ${graceUntil}::timestamptz)
        on conflict (usr_id) do update set required = excluded.required, grace_until = excluded.grace_until returning *`);
    },

    async getPolicy(userId: string) {
      const policy = await one<{ required: boolean; graceUntil: Date | null }>(sql`
        select required, grace_until as "graceUntil" from usr_mfa_policy where usr_id = ${userId}::uuid`);
      return policy ?? { required: false, graceUntil: null };
    },

    async enrollTotp(userId: string) {
      const id = newUuid();
      const secret = generateTotpSecret();
      await rows(sql`
        insert into mfa (id, usr_id, type, status, identifier, totp_secret, totp_algorithm, totp_digits, totp_period,
          pending_expires_at)
        values (${id}::uuid, ${userId}::uuid, 'totp', 'pending', 'phone', decode(${toHex(secret)}, 'hex'), 'sha1', 6, 30,
          now() + interval '600 seconds') returning *`);
      return { id, secret };
    },

    async confirmFactor(id: string): Promise<void> {
      await transaction(
        sql`select * from mfa where id = ${id}::uuid for update`,
        sql`update mfa set status = 'active', pending_expires_at = null where id = ${id}::uuid and status = 'pending'`,
      );
    },

    async enrollWebauthn(userId: string, key: { credentialId: string; publicKey: Uint8Array; rpId: string }) {
      const id = newUuid();
      await rows(sql`
        insert into mfa (id, usr_id, type, status, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id,
          pending_expires_at)
        values (${id}::uuid, ${userId}::uuid, 'webauthn', 'pending', ${key.credentialId},
          decode(${toHex(key.publicKey as never)}, 'hex'), 0, ${key.rpId}, now() + interval '600 seconds') returning *`);
      return id;
    },

    async enrollRecovery(userId: string) {
      const id = newUuid();
      const codes = generateRecoveryCodes();
      const hashes: string[] = [];
      for (const code of codes) hashes.push(await hasher.hash(code, "typed"));
      await transaction(
        sql`update mfa set status = 'revoked' where usr_id = ${userId}::uuid and type = 'recovery' and status = 'active'`,
        sql`insert into mfa (id, usr_id, type, status, recovery_hashes, recovery_consumed)
          values (${id}::uuid, ${userId}::uuid, 'recovery', 'active', ${hashes}::text[],
            array_fill(false, array[${hashes.length}::int])) returning *`,
      );
      return { id, codes };
    },

    async listFactors(userId: string) {
      return await rows<{ id: string; type: string; status: string; identifier: string | null }>(sql`
        select id, type, status, identifier from mfa where usr_id = ${userId}::uuid order by id`);
    },

    async revokeFactor(id: string): Promise<void> {
      await transaction(
        sql`select * from mfa where id = ${id}::uuid for update`,
        sql`update mfa set status = 'revoked', pending_expires_at = null where id = ${id}::uuid`,
      );
    },

    async verifyTotp(userId: string, code: string): Promise<boolean> {
      const factor = await one<{ secret: string }>(sql`
        select encode(totp_secret, 'hex') as secret from mfa
        where usr_id = ${userId}::uuid and type = 'totp' and status = 'active'`);
      if (!factor) return false;
      const secret = Uint8Array.from(Buffer.from(factor.secret, "hex"));
      return (await matchTotpStep(secret, code, Date.now() / 1000, defaultTotp)) !== undefined;
    },

    async verifyRecovery(userId: string, code: string): Promise<boolean> {
      const factor = await one<{ id: string; hashes: string[]; consumed: string[] }>(sql`
        select id, recovery_hashes as hashes, recovery_consumed::text[] as consumed from mfa
        where usr_id = ${userId}::uuid and type = 'recovery' and status = 'active' for update`);
      for (const [slot, hash] of (factor?.hashes ?? []).entries()) {
        if (factor!.consumed[slot] !== "false" || !(await hasher.verify(hash, code, "typed"))) continue;
        const found = await rows(sql`
          update mfa set recovery_consumed[${slot + 1}::int] = true
          where id = ${factor!.id}::uuid and recovery_consumed[${slot + 1}::int] = false returning id`);
        return found.length > 0;
      }
      return false;
    },

    /** An assertion with a factor of type `webauthn`. */
    async verifyWebauthn(userId: string, json: unknown, challenge: Uint8Array): Promise<boolean> {
      const response = parseAssertionResponse(json)!;
      const factor = await one<{ id: string; key: string; count: string; rpId: string }>(sql`
        select id, encode(webauthn_public_key, 'hex') as key, webauthn_sign_count::text as count,
          webauthn_rp_id as "rpId" from mfa
        where usr_id = ${userId}::uuid and type = 'webauthn' and status = 'active' and identifier = ${response.credentialId}`);
      if (!factor) return false;
      const verified = await verifyAssertion({
        response,
        challenge: challenge as never,
        relyingParty: { rpId: factor.rpId, origins: ["https://example.com"] },
        credential: {
          publicKey: Uint8Array.from(Buffer.from(factor.key, "hex")),
          signCount: Number(factor.count),
        },
      });
      if (!verified.ok) return false;
      await transaction(
        sql`select * from mfa where id = ${factor.id}::uuid for update`,
        sql`update mfa set webauthn_sign_count = ${String(verified.newSignCount)}::bigint where id = ${factor.id}::uuid`,
      );
      return true;
    },

    /** The token is the SDK's whole text. */
    async createPat(userId: string, scope: readonly string[], expiresAt: Date | null = null) {
      const id = newUuid();
      const secret = toBase64Url(randomBytes(32));
      const hash = await hasher.hash(secret, "typed");
      await transaction(
        sql`select status from usr where id = ${userId}::uuid`,
        sql`insert into pat (id, usr_id, name, scope, secret_hash, expires_at)
          values (${id}::uuid, ${userId}::uuid, 'theirs', ${scope}::text[], ${hash}, ${expiresAt}::timestamptz) returning *`,
      );
      return { id, token: `pat_${id.replaceAll("-", "")}_${secret}` };
    },

    async verifyPat(token: string): Promise<string | undefined> {
      const pat = await one<{ id: string; userId: string; hash: string; live: boolean }>(sql`
        select id, usr_id as "userId", secret_hash as hash,
          revoked_at is null and (expires_at is null or expires_at > now()) as live
        from pat where replace(id::text, '-', '') = ${token.slice(4, 36)}`);
      if (!pat?.live || !(await hasher.verify(pat.hash, token.slice(37), "typed"))) return undefined;
      await rows(sql`update pat set last_used_at = now() where id = ${pat.id}::uuid and revoked_at is null`);
      return pat.userId;
    },

    async revokePat(id: string): Promise<void> {
      await transaction(
        sql`select * from pat where id = ${id}::uuid for update`,
        sql`update pat set revoked_at = now() where id = ${id}::uuid and revoked_at is null`,
      );
    },

    /** False if the tuple exists. */
    async createTuple(userId: string, relation: string, objectId: string): Promise<boolean> {
      const found = await rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (${newUuid()}::uuid, 'usr', ${userId}::uuid, ${relation}, 'doc', ${objectId}::uuid)
        on conflict (subject_type, subject_id, relation, object_type, object_id) do nothing returning *`);
      return found.length > 0;
    },

    async deleteTuple(userId: string, relation: string, objectId: string): Promise<void> {
      await rows(sql`
        delete from tup where subject_type = 'usr' and subject_id = ${userId}::uuid and relation = ${relation}
          and object_type = 'doc' and object_id = ${objectId}::uuid`);
    },

    async check(userId: string, relation: string, objectId: string): Promise<boolean> {
      const found = await one<{ allowed: boolean }>(sql`
        select tup_check('usr', ${userId}::uuid, array[${relation}::text], 'doc', ${objectId}::uuid) as allowed`);
      return found!.allowed;
    },

    /** An organization with its owner, an invitation that is accepted, and a share that is used once. */
    async useTenancy(owner: string, guest: string): Promise<void> {
      const [org, invitation, share] = [newUuid(), newUuid(), newUuid()];
      await transaction(
        sql`insert into org (id, name, slug) values (${org}::uuid, 'Org', ${`o${org.slice(0, 8)}`}) returning *`,
        sql`insert into mem (id, usr_id, org_id, role) values (${newUuid()}::uuid, ${owner}::uuid, ${org}::uuid, 'owner')`,
        sql`insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
          values (${newUuid()}::uuid, 'usr', ${owner}::uuid, 'owner', 'org', ${org}::uuid, ${owner}::uuid)`,
      );
      await rows(sql`
        insert into inv (id, org_id, identifier, role, invited_by, expires_at)
        values (${invitation}::uuid, ${org}::uuid, 'guest@example.com', 'guest', ${owner}::uuid, now() + interval '1 day')`);
      await transaction(
        sql`update inv set status = 'accepted', invited_user_id = ${guest}::uuid, terminal_at = now(),
          terminal_by = ${guest}::uuid where id = ${invitation}::uuid`,
        sql`insert into mem (id, usr_id, org_id, role, invited_by)
          values (${newUuid()}::uuid, ${guest}::uuid, ${org}::uuid, 'guest', ${owner}::uuid)`,
      );
      await rows(sql`
        insert into shr (id, token_hash, object_type, object_id, relation, created_by, expires_at, single_use)
        values (${share}::uuid, decode(${toHex(randomBytes(32))}, 'hex'), 'doc', ${newUuid()}::uuid, 'viewer',
          ${owner}::uuid, now() + interval '1 day', true)`);
      await transaction(
        sql`select * from shr where id = ${share}::uuid for update`,
        sql`update shr set consumed_at = now() where id = ${share}::uuid and consumed_at is null`,
      );
    },
  };
  return sdk;
}

export type ReferenceSdk = ReturnType<typeof referenceSdk>;

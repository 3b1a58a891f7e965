import { sha256Hex } from "../crypto/digest.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { type CredentialId, newUuid, type SessionId, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { defaultLifetimes, type Transport } from "../domain/session.ts";
import { insertSession } from "../store/sessions.ts";
import { type Database, sql } from "../store/sql.ts";

/**
 * Creates a session without a proof, for tests of an application. No other function can do this.
 *
 * @param options.secondFactor If true, the session counts as just proved with two factors. Default false.
 */
export async function dangerouslyCreateSession(
  database: Database,
  options: { userId: UserId; credentialId: CredentialId; transport?: Transport; secondFactor?: boolean },
): Promise<{ sessionId: SessionId; token: string }> {
  const { userId, credentialId, transport = "token", secondFactor = false } = options;
  const token = generateOpaqueToken();
  const sessionId = newUuid();
  const session = {
    sessionId,
    tokenHash: await sha256Hex(token),
    transport,
    context: {},
    lifetimes: defaultLifetimes,
    remember: true,
  };
  const proof = sql`(
    select ${uuidFor("usr", userId)}::uuid as usr_id, ${uuidFor("cred", credentialId)}::uuid as cred_id,
      ${secondFactor ? ["pwd", "otp", "mfa"] : ["pwd"]}::text[] as amr, sallyport_now() as auth_time,
      case when ${secondFactor}::boolean then sallyport_now() end as mfa_verified_at)`;
  await database.run(insertSession(session, proof));
  return { sessionId: wireId("ses", sessionId), token };
}

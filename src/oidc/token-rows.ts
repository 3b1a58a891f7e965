/**
 * Keeps sets of tokens in sealed rows of a database, by the application's session, and refreshes them under a lease: however many
 * isolates want the tokens of a session, one of them asks the issuer.
 *
 * @module
 */
import { type Bytes, fromHex, toHex, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { AuthError } from "../domain/error.ts";
import { newUuid } from "../domain/id.ts";
import { agentTokensPlace } from "../engine/agent-tokens.ts";
import type { Executor } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { claimOrWait, endsWithin } from "../engine/lease.ts";
import * as store from "../store/agent-tokens.ts";
import type { Database } from "../store/sql.ts";
import type { AuthenticatedAgent } from "./agent.ts";
import type { IdpClient } from "./client.ts";
import { ConfigurationError, OAuthError, RefreshError, requireSetting, TokenExpiredError } from "./errors.ts";
import type { AgentOptions } from "./sign-in.ts";
import { TokenSet, type TokenSetJson } from "./token-set.ts";
import { readStorageOptions } from "./token-storage.ts";

/** The options of {@link tokenRows}. */
export interface TokenRowOptions {
  /** A migrated database: of `sallyport/neon`, `sallyport/postgres` or `sallyport/pglite`. */
  readonly database: Database;
  /**
   * Keys that seal the rows: base64url of at least 32 random bytes, or a list `2:<new>,1:<old>`, of which the newest seals and all
   * open. `npx --no sallyport secret` prints one.
   */
  readonly sealingKeys: string | undefined;
  /** Distinguishes several sets of one session: 1 to 40 of `A-Za-z0-9_-`. Default `tokens`. */
  readonly name?: string;
  /** How long after it was written, or last refreshed, a row counts: 60 to 34560000 (400 days). Default 2592000 (30 days). */
  readonly lifetimeSeconds?: number;
  /** How long before its end an access token is refreshed, 0 to 3600. Default 60. The client's option does not count here. */
  readonly refreshBufferSeconds?: number;
}

/**
 * Reads and writes the tokens of the application's sessions. A session is named by a random text of 22 to 512 characters, such as
 * `crypto.randomUUID()`, that only its browser has. The database has a digest of it.
 *
 * Every method throws `AuthError` with the code `unavailable.database` if the database does not answer.
 */
export interface TokenRows {
  /**
   * Stores a session's tokens after a sign-in, in place of former ones.
   *
   * @throws {TokenParseError} If the tokens are malformed.
   * @throws {ConfigurationError} `option` is `session` if the session cannot be used.
   */
  write(session: string, tokens: TokenSet | TokenSetJson): Promise<void>;
  /**
   * A session's tokens as they are stored. `undefined` if it has none.
   *
   * @throws {AuthError} `unavailable.configuration` if no key opens them.
   */
  read(session: string | null | undefined): Promise<TokenSet | undefined>;
  /** Deletes a session's tokens. Returns them for the sign-out at the issuer, if there were any and a key opens them. */
  delete(session: string | null | undefined): Promise<TokenSet | undefined>;
  /**
   * The agent of a session. `undefined` if it has no tokens. An access token that ends soon is refreshed first, by one caller of all
   * isolates. The others get the old agent while it lives, and otherwise wait.
   *
   * If the refresh fails while the access token still lives, `onRefreshError` is called and the old agent is returned. If the issuer
   * refuses the refresh token for good, the row is deleted and its error is thrown.
   *
   * @throws {TokenExpiredError} If the access token has expired and there is no refresh token.
   * @throws {RefreshError} If the access token has expired and could not be refreshed, or another caller takes long to refresh it.
   * @throws {AuthError} `unavailable.configuration` if no key opens the row.
   */
  createAgent(
    idp: IdpClient,
    session: string | null | undefined,
    options?: Pick<AgentOptions, "onRefreshError">,
  ): Promise<AuthenticatedAgent | undefined>;
}

/** What every step needs. */
interface Kept extends Executor {
  readonly seal: (id: string, tokens: TokenSet) => Promise<store.SealedSet>;
  readonly open: (id: string, hex: string) => Promise<TokenSet>;
}

/** At least 128 bits in base64url. */
const sessionText = /^[\x21-\x7e]{22,512}$/;

/** The longest life that is stored, in seconds. */
const longestSeconds = 1e9;

/**
 * Keeps tokens in the table `agent_token`, sealed, each for its row alone.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function tokenRows(options: TokenRowOptions): TokenRows {
  const { database, refreshBufferSeconds = 60 } = options;
  const { keys, name, lifetimeSeconds } = readStorageOptions(options, ["database", "refreshBufferSeconds"]);
  requireSetting(typeof database?.run === "function", "database", database, "the database of a driver");
  const isBuffer = Number.isInteger(refreshBufferSeconds) && refreshBufferSeconds >= 0 && refreshBufferSeconds <= 3_600;
  requireSetting(isBuffer, "refreshBufferSeconds", refreshBufferSeconds, "a whole number from 0 to 3600");
  const idOf = async (session: unknown): Promise<string | undefined> =>
    typeof session === "string" && sessionText.test(session) ? await rowId(name, session) : undefined;
  const kept: Kept = {
    database,
    // Whatever is reported is thrown too.
    onError: () => undefined,
    async seal(id, tokens) {
      const life = tokens.expires_at - epochSeconds();
      return {
        setId: newUuid(),
        tokens: toHex(await keys.seal(agentTokensPlace(id), utf8(JSON.stringify(tokens)))),
        seconds: Math.min(Math.max(life, -longestSeconds), longestSeconds),
        isRefreshable: tokens.refresh_token !== undefined,
        lifetimeSeconds,
      };
    },
    async open(id, hex) {
      let bytes: Bytes;
      try {
        bytes = await keys.open(agentTokensPlace(id), fromHex(hex)!);
      } catch (error) {
        throw new AuthError("unavailable.configuration", { cause: error, details: { option: "sealingKeys" } });
      }
      return TokenSet.from(JSON.parse(new TextDecoder().decode(bytes)));
    },
  };
  return {
    async write(session, tokens) {
      const id = await idOf(session);
      if (id === undefined) {
        throw new ConfigurationError(
          "session",
          "it must be a random text of 22 to 512 visible ASCII characters, such as `crypto.randomUUID()`.",
        );
      }
      const body = store.writeAgentTokens(id, await kept.seal(id, TokenSet.from(tokens)));
      await execute(kept, { body, onLostReply: "repeat" });
    },
    async read(session) {
      const id = await idOf(session);
      return id === undefined ? undefined : await readNow(kept, id).then((row) => row && kept.open(id, row.tokens));
    },
    async delete(session) {
      const id = await idOf(session);
      if (id === undefined) return undefined;
      const row = await execute(kept, { body: store.deleteAgentTokens(id), onLostReply: "repeat", decode: firstOf });
      if (!row?.tokens) return undefined;
      try {
        return await kept.open(id, row.tokens);
      } catch (error) {
        // The row is gone, so the user is signed out also if no listed key opens the tokens. Anything else is a fault.
        if (error instanceof AuthError) return undefined;
        throw error;
      }
    },
    async createAgent(idp, session, { onRefreshError } = {}) {
      const id = await idOf(session);
      if (id === undefined) return undefined;
      const leaseId = newUuid();
      const row = await claimOrWait(refreshBufferSeconds, (leastSeconds) => claim(kept, id, { leaseId, leastSeconds }));
      return row?.isClaimed
        ? await refresh(kept, idp, { id, leaseId, row, onRefreshError })
        : await agentOfRow(kept, idp, { id, row });
    },
  };
}

/** A UUID in a digest's first 128 bits. The words keep it apart from every other digest of the session. */
async function rowId(name: string, session: string): Promise<string> {
  const digest = await sha256Hex(JSON.stringify(["agent tokens", name, session]));
  return digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** For a statement that returns one row or none. */
const firstOf = <Row>(_row: Row, rows: readonly Row[]): Row | undefined => rows[0];

type Row = store.AgentTokensRow | undefined;

async function claim(
  kept: Kept,
  id: string,
  asked: { readonly leaseId: string; readonly leastSeconds: number },
): Promise<Row> {
  const body = store.claimAgentTokens(id, asked);
  return await execute(kept, { body, onLostReply: "repeat", mustCommit: true, decode: firstOf });
}

async function readNow(kept: Kept, id: string): Promise<Row> {
  const body = store.claimAgentTokens(id, { leaseId: newUuid(), leastSeconds: undefined });
  return await execute(kept, { body, onLostReply: "repeat", decode: firstOf });
}

/** The agent of tokens as they are stored, if they live. By the database's clock, so the client is not asked to refresh. */
async function agentOfRow(
  kept: Kept,
  idp: IdpClient,
  { id, row, error }: { readonly id: string; readonly row: Row; readonly error?: unknown },
): Promise<AuthenticatedAgent | undefined> {
  if (!row) return undefined;
  if (endsWithin(row, 0)) {
    if (error !== undefined) throw error;
    // Another caller refreshes it, and that takes long.
    throw row.isRefreshable ? new RefreshError(undefined, new OAuthError("issuer_timeout")) : new TokenExpiredError();
  }
  return await idp.createAgent(await kept.open(id, row.tokens), { autoRefresh: false });
}

/** A caller that has the lease. */
interface Refresh extends Pick<AgentOptions, "onRefreshError"> {
  readonly id: string;
  readonly leaseId: string;
  readonly row: store.AgentTokensRow;
}

/** The agent of refreshed tokens. If the row has changed meanwhile, the agent of what it has now. */
async function refresh(
  kept: Kept,
  idp: IdpClient,
  { id, leaseId, row, onRefreshError }: Refresh,
): Promise<AuthenticatedAgent | undefined> {
  const lease: store.AgentLease = { id, leaseId, setId: row.setId };
  let agent: AuthenticatedAgent;
  try {
    const tokens = await kept.open(id, row.tokens);
    // The client refreshes tokens that have ended, or throws.
    agent = await idp.createAgent({ ...tokens.toJSON(), expires_at: 0 }, { autoRefresh: true });
  } catch (error) {
    const isOver = error instanceof OAuthError && refusedForGood.has(error.error);
    // The caller before may have spent the refresh token, and may still store what came for it.
    const isDropped = await giveBack(kept, lease, isOver && !row.isTakenOver);
    if (!(error instanceof OAuthError) || error instanceof ConfigurationError) throw error;
    await onRefreshError?.(error);
    if (isDropped) throw error;
    // The issuer has taken its time, so the time is asked again.
    return await agentOfRow(kept, idp, { id, row: await readNow(kept, id), ...(!isOver && { error }) });
  }
  const body = store.storeRefreshedAgent(lease, await kept.seal(id, agent.tokens));
  const stored = await execute(kept, { body, onLostReply: "repeat", mustCommit: true, decode: firstOf });
  return stored ? agent : await agentOfRow(kept, idp, { id, row: await readNow(kept, id) });
}

/** What an issuer says of a grant that no refresh brings back: RFC 6749 §5.2, and the client's own classes. */
const refusedForGood: ReadonlySet<string> = new Set([
  "invalid_grant",
  "session_expired",
  "user_blocked",
  "login_required",
]);

/** Gives the lease back after a refresh that failed, together with the tokens if they are of no more use. True if that deleted them. */
async function giveBack(kept: Kept, lease: store.AgentLease, isUseless: boolean): Promise<boolean> {
  const body = isUseless ? store.dropAgentTokens(lease) : store.releaseAgentLease(lease);
  const changed = await execute(kept, { body, onLostReply: "repeat", mustCommit: true, decode: firstOf });
  return isUseless && changed !== undefined;
}

/// <reference lib="esnext.disposable" preserve="true" />
/** The client of an issuer. @module */
import { epochSeconds } from "../crypto/epoch.ts";
import {
  AuthenticatedAgent,
  agentOf,
  type Organization,
  type PrincipalType,
  principalTypeOf,
  profileOf,
  textOf,
} from "./agent.ts";
import {
  type AuthorizationRequest,
  type AuthorizationTransaction,
  beginAuthorization,
  type CallbackAnswer,
  readCallback,
  requireRedirectUri,
  scopeText,
} from "./authorization.ts";
import { ConfigurationError, errorForCode, SubjectMismatchError, TokenParseError } from "./errors.ts";
import { doOnce, identityOf } from "./flights.ts";
import type { Claims } from "./id-token.ts";
import { knownMetadata, readMetadata } from "./issuer.ts";
import type { IssuerMetadata } from "./issuer-metadata.ts";
import { readObject, setParameters } from "./issuer-request.ts";
import { type ClientSettings, type IdpClientOptions, readSettings } from "./options.ts";
import { type AgentOptions, exchange, renew, restore, verify } from "./sign-in.ts";
import { requestRevocation, requestTokens, requestUserInfo, requireEndpoint } from "./token-requests.ts";
import { type TokenSet, tokensOfAnswer } from "./token-set.ts";

/** What the issuer says about an agent's user: OpenID Connect Core §5.1. */
export interface UserInfo {
  readonly sub: string;
  /** Identifies no one, and may be unverified. */
  readonly email: string | undefined;
  readonly emailVerified: boolean | undefined;
  readonly name: string | undefined;
  readonly picture: string | undefined;
  readonly organizations: readonly Organization[];
}

/** Where and how to sign out at the issuer: OpenID Connect RP-Initiated Logout §2. */
export interface LogoutOptions {
  readonly idTokenHint?: string | undefined;
  readonly postLogoutRedirectUri?: string | undefined;
  readonly state?: string | undefined;
}

/** An agent, and whether its ID token was bound to this sign-in. */
export interface ExchangedCode {
  readonly agent: AuthenticatedAgent;
  /** False if no nonce was given: then nothing shows that the ID token was made for this sign-in. */
  readonly nonceVerified: boolean;
}

/**
 * A client of an issuer. It holds no connection, so making one for each request costs little: what is known of an issuer is kept
 * in the isolate.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function createIdpClient(options: IdpClientOptions): IdpClient {
  return new IdpClient(readSettings(options));
}

/** A client of an issuer, made by {@link createIdpClient}. */
export class IdpClient {
  readonly #open: ClientSettings;
  #isClosed = false;

  constructor(settings: ClientSettings) {
    this.#open = settings;
  }

  /** Begins a sign-in: send the browser to its `url`, and keep it for {@link exchangeCallback}. */
  async createAuthorizationUrl(request: AuthorizationRequest): Promise<AuthorizationTransaction> {
    return await beginAuthorization(this.#settings, request);
  }

  /**
   * Ends a sign-in: checks the issuer's answer against the transaction, exchanges the code, and verifies the ID token.
   *
   * The transaction must come from the browser that began the sign-in, and be used once.
   *
   * @throws {OAuthError} `transaction_expired`, `state_mismatch`, `issuer_mismatch`, `invalid_callback`, or the issuer's error.
   * @throws {TokenParseError} If the tokens are not acceptable.
   */
  async exchangeCallback(answer: CallbackAnswer, transaction: AuthorizationTransaction): Promise<AuthenticatedAgent> {
    const { tokens, claims } = await this.exchangeForClaims(answer, transaction);
    return agentOf(claims, tokens, this.#open.principalType);
  }

  /** As {@link exchangeCallback}, with the ID token's claims, for issuers whose subjects are no agents. */
  async exchangeForClaims(
    answer: CallbackAnswer,
    transaction: AuthorizationTransaction,
  ): Promise<{ readonly tokens: TokenSet; readonly claims: Claims }> {
    const settings = this.#settings;
    const code = await readCallback(settings, answer, transaction);
    const expected = { ...transaction, maxAgeSeconds: transaction.maxAge };
    return await exchange(settings, { ...transaction, code, expected });
  }

  /**
   * Exchanges a code without its transaction. The caller checks `state`. Prefer {@link exchangeCallback}, which checks everything.
   */
  async exchangeCode(code: string, codeVerifier: string, { nonce }: { nonce?: string } = {}): Promise<ExchangedCode> {
    const settings = this.#settings;
    const redirectUri = requireRedirectUri(settings);
    const { tokens, claims } = await exchange(settings, { code, codeVerifier, redirectUri, expected: { nonce } });
    return { agent: agentOf(claims, tokens, settings.principalType), nonceVerified: nonce !== undefined };
  }

  /**
   * The agent of stored tokens. Tokens that end within `refreshBufferSeconds` are refreshed first.
   *
   * If the refresh fails while the access token still lives, `onRefreshError` is called and the old agent is returned.
   *
   * @throws {TokenExpiredError} If the access token has expired and there is no refresh token.
   * @throws {RefreshError} If the access token has expired and could not be refreshed. If the issuer's code or answer has a class of its
   *   own, such as `SessionExpiredError` or `TokenParseError`, that class is thrown instead.
   */
  async createAgent(tokens: unknown, options: AgentOptions = {}): Promise<AuthenticatedAgent> {
    return await restore(this.#settings, tokens, options);
  }

  /** A new agent with refreshed tokens. The old one's refresh token may be spent: store the new tokens. */
  async refresh(agent: AuthenticatedAgent): Promise<AuthenticatedAgent> {
    return await renew(this.#settings, agent.tokens, agent.id);
  }

  /** @throws {SubjectMismatchError} If the answer is about another subject. */
  async getUserInfo(agent: AuthenticatedAgent): Promise<UserInfo> {
    const claims = await this.readUserInfo(agent.tokens.access_token, agent.id);
    return {
      sub: agent.id,
      name: textOf(claims, "name"),
      picture: textOf(claims, "picture"),
      ...profileOf(claims, "userinfo"),
    };
  }

  /** True if the issuer has a userinfo endpoint. */
  async hasUserInfo(): Promise<boolean> {
    return (await readMetadata(this.#settings)).userinfo_endpoint !== undefined;
  }

  /** Every claim of the userinfo endpoint, which may be a signed token (OpenID Connect Core §5.3.2). */
  async readUserInfo(accessToken: string, subject: string): Promise<Claims> {
    const settings = this.#settings;
    const answer = await requestUserInfo(settings, accessToken);
    const isSigned = /^application\/jwt\s*(;|$)/i.test(answer.headers.get("content-type") ?? "");
    // RFC 6750 §3: the error of a refused token is in the header.
    const [, error] = /\berror="([\x20-\x7e]+?)"/.exec(answer.headers.get("www-authenticate") ?? "") ?? [];
    if (answer.status >= 400 && error) throw errorForCode(error);
    const claims =
      isSigned && answer.status === 200
        ? await verify(settings, new TextDecoder().decode(answer.body), { isUserInfo: true })
        : readObject(answer);
    const actual = claims.get("sub");
    if (typeof actual !== "string") throw new TokenParseError("userinfo.sub");
    if (actual !== subject) throw new SubjectMismatchError(subject, actual);
    return claims;
  }

  /**
   * Where to send the browser to sign out at the issuer. A text as soon as the issuer is known in this isolate, and a promise
   * before; `await` takes both.
   */
  createLogoutUrl(options: LogoutOptions = {}): string | Promise<string> {
    const settings = this.#settings;
    const urlFor = ({ end_session_endpoint: endpoint }: IssuerMetadata): string => {
      const url = new URL(requireEndpoint(endpoint, "logout"));
      const { idTokenHint, postLogoutRedirectUri, state } = options;
      setParameters(url.searchParams, {
        id_token_hint: idTokenHint,
        client_id: settings.clientId,
        post_logout_redirect_uri: postLogoutRedirectUri,
        state,
      });
      return url.href;
    };
    const metadata = knownMetadata(settings);
    return metadata ? urlFor(metadata) : readMetadata(settings).then(urlFor);
  }

  /**
   * An agent for this client itself, which has scopes and no organizations. Its token serves the isolate until 60 seconds before
   * its end.
   */
  async clientCredentials(scopes: readonly string[] = []): Promise<AuthenticatedAgent> {
    const settings = this.#settings;
    const { clientId, clientSecret, privateKey, resources, dpop, fetch, issuerUrl, timeoutMs } = settings;
    if (clientSecret === undefined && !privateKey)
      throw new ConfigurationError("clientSecret", "client credentials need one.");
    const scope = scopeText(scopes) || undefined;
    // With everything that proves the client, so that only who has it gets the token.
    const proofs = typeof clientSecret === "string" ? clientSecret : identityOf(clientSecret);
    const identities = [fetch, privateKey?.key, dpop].map(identityOf);
    const tokens = await doOnce({
      key: JSON.stringify(["client", issuerUrl, clientId, proofs, identities, scope, resources]),
      timeoutMs,
      keptMilliseconds: ({ expires_at }) => (expires_at - epochSeconds() - 60) * 1_000,
      work: async () => {
        const answer = await requestTokens(settings, { grant_type: "client_credentials", scope });
        return tokensOfAnswer(readObject(answer), { previous: { scope }, isBound: dpop !== undefined });
      },
    });
    const type: PrincipalType = principalTypeOf(clientId, settings.principalType ?? "agent");
    return new AuthenticatedAgent({ id: clientId, type, organizations: [], tokens });
  }

  /** Revokes a token (RFC 7009). A token that the issuer does not know counts as revoked. */
  async revokeToken(token: string, hint?: "access_token" | "refresh_token"): Promise<void> {
    const answer = await requestRevocation(this.#settings, token, hint);
    // RFC 7009 §2.2: the body of a success says nothing.
    if (answer.status !== 200) readObject(answer);
  }

  /** Closes the client: every later call is refused. There is nothing to release. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  get #settings(): ClientSettings {
    if (this.#isClosed) throw new ConfigurationError("client", "it is closed.");
    return this.#open;
  }
}

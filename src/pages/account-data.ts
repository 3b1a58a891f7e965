import { minimumPasswordLength, minimumPasswordLengthWithFactor } from "../domain/password.ts";
import type { Factor } from "../http/mfa.ts";
import type { PersonalAccessToken } from "../http/personal-access-tokens.ts";
import { type AccountSessionBody, accountSessionBody } from "../http/wire.ts";
import type { Credential, Page } from "../index.ts";
import type { PagesAuth, UserVisit } from "./route.ts";

type Passkey = Awaited<ReturnType<PagesAuth["passkeys"]["list"]>>["data"][number];

/** The data of the account page. */
export interface Account {
  readonly displayName: string | null;
  /** The active password, with its identifier; `undefined` for an account with passkeys only. */
  readonly password: Credential | undefined;
  /** How many characters a new password needs. */
  readonly leastPasswordLength: number;
  /** The identifiers of other active passwords. */
  readonly otherIdentifiers: readonly string[];
  readonly passkeys: readonly Passkey[];
  readonly authenticator: Extract<Factor, { type: "totp" }> | undefined;
  readonly recoveryCodes: Extract<Factor, { type: "recovery" }> | undefined;
  readonly tokens: Page<PersonalAccessToken>;
  /** The current session comes first. */
  readonly sessions: readonly AccountSessionBody[];
  readonly hasMoreSessions: boolean;
}

/** The most entries that one page shows of a list. */
const limit = 200;

export async function loadAccount({ auth, actor, user, session }: UserVisit): Promise<Account> {
  const mine = { actor, userId: user.id };
  const [credentials, passkeys, factors, tokens, sessions] = await Promise.all([
    auth.credentials.list(mine),
    auth.passkeys.list(mine),
    auth.factors.list(mine),
    auth.personalAccessTokens.list({ ...mine, status: "active", limit }),
    auth.sessions.list({ ...mine, onlyLive: true, limit }),
  ]);
  const active = factors.data.filter(({ status }) => status === "active");
  const bodies = sessions.data.map((one) => accountSessionBody(one, session.id));
  const [password, ...others] = credentials.data.filter(
    ({ type, status }) => type === "password" && status === "active",
  );
  return {
    displayName: user.displayName,
    password,
    // An active factor is asked for at every sign-in.
    leastPasswordLength: active.length > 0 ? minimumPasswordLengthWithFactor : minimumPasswordLength,
    otherIdentifiers: others.map(({ identifier }) => identifier),
    passkeys: passkeys.data,
    authenticator: active.find((factor) => factor.type === "totp"),
    recoveryCodes: active.find((factor) => factor.type === "recovery"),
    tokens,
    sessions: [...bodies.filter(({ current }) => current), ...bodies.filter(({ current }) => !current).reverse()],
    hasMoreSessions: sessions.nextCursor !== null,
  };
}

/**
 * Every act and event. Only tests and documents assemble the whole list: a Worker carries only the rows that it uses.
 *
 * @module
 */
import type { Act, Audited } from "../src/domain/act.ts";
import * as administrators from "../src/domain/acts/administrator.ts";
import * as credentials from "../src/domain/acts/credential.ts";
import * as factors from "../src/domain/acts/factor.ts";
import * as passkeys from "../src/domain/acts/passkey.ts";
import * as tokens from "../src/domain/acts/personal-access-token.ts";
import * as sessions from "../src/domain/acts/session.ts";
import * as signIn from "../src/domain/acts/sign-in.ts";
import * as users from "../src/domain/acts/user.ts";

export const everyAudited: readonly (Act | Audited)[] = [
  administrators,
  credentials,
  factors,
  passkeys,
  sessions,
  signIn,
  tokens,
  users,
].flatMap((rows): (Act | Audited)[] => Object.values(rows));

export const everyAct: readonly Act[] = everyAudited.filter((row) => "name" in row);

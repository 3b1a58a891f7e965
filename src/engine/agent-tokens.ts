import type { SealedPlace } from "../crypto/sealing.ts";

/** Where the tokens of an application's session are stored. */
export function agentTokensPlace(id: string): SealedPlace {
  return { purpose: "agent tokens", table: "agent_token", column: "tokens", rowId: id, userId: "" };
}

import type { Audited } from "../domain/act.ts";
import type { FactorHolder, LinkHolder } from "../store/factor-holder.ts";
import type { Executor } from "./core.ts";
import { denialOf, recordDenial } from "./denial.ts";
import { refuse } from "./refuse.ts";

/** Throws the refusal in a row, if there is one. If a user was refused, the refusal is recorded first (S03). */
export async function refuseHolder(
  core: Executor,
  holder: FactorHolder | LinkHolder,
  act: Audited,
  refusal: string | null,
): Promise<void> {
  try {
    refuse(refusal);
  } catch (error) {
    if ("actor" in holder) await recordDenial(core, denialOf(holder.actor, act, holder.sessionId, "ses"), error);
    throw error;
  }
}

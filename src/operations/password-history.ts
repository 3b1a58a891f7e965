import { AuthError } from "../domain/error.ts";
import { newUuid, uuidFor } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import type { PasswordHistory } from "../engine/core.ts";
import { requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import type { Counter } from "../store/counters.ts";
import { reservePasswordHistory } from "../store/password-history.ts";

/**
 * Refuses a new password that its owner has or had: `passwords({ hasher, history: passwordHistory(5) })`. A password that the
 * application sets is not checked.
 *
 * A change takes one request more, and a hash for each password that counts, at most `remembered` + 1. These hashes are counted,
 * and wait in the queue of all hashes. A change erases older hashes, so at most one more than `remembered` is kept between two changes.
 *
 * @param remembered How many passwords before the present one count, 1 to 10.
 * @throws {TypeError} If it is no such number.
 */
export function passwordHistory(remembered: number): PasswordHistory {
  const isCount = Number.isInteger(remembered) && remembered >= 1 && remembered <= 10;
  requireOption(isCount, remembered, "a whole number from 1 to 10", "history");
  return async (core, password, owner) => {
    if (owner === undefined) return;
    const userId = uuidFor("usr", owner);
    // The counter of new passwords that one user asks for, by the hashes that this one takes.
    const units = remembered + 1;
    const counter: Counter = { name: `hashes:${userId}`, limit: core.limits.address, kind: "address", units };
    const reserved = await execute(core, {
      body: reservePasswordHistory({ id: newUuid(), userId, remembered, counters: [counter] }),
      // A caller's transaction can undo the count. Nothing else can.
      ...(!core.database.isNested?.() && { mustCommit: true }),
      onLostReply: "repeat",
    });
    requireAdmitted(reserved);
    const isReused = await returningOnBusy(core, [counter], async () => {
      for (const hash of reserved.hashes) if (await verifyPasswordHash(core, hash, password)) return true;
      return false;
    });
    if (isReused) throw new AuthError("invalid_format.password", { details: { reason: "reused" } });
  };
}

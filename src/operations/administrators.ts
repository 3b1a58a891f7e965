import type { Actor } from "../domain/actor.ts";
import { generateId, uuidFor } from "../domain/id.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Executor } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { execute, work } from "../engine/execute.ts";
import type { Operation } from "../engine/plan.ts";
import { sql } from "../store/sql.ts";
import * as store from "../store/tuples.ts";

/** Who may administer (S06). The command line makes the first; nobody becomes one by being early. */
export interface AdministratorOperations {
  /** For the application, and administrators with a fresh second factor. Tells whether the user was not one before. */
  grant: Operation<{ actor: Actor; userId: string }, { granted: boolean }>;
  /** @throws {AuthError} `conflict.last_administrator`. */
  remove: Operation<{ actor: Actor; userId: string }, { removed: boolean }>;
}

export function administratorOperations(core: Executor): AdministratorOperations {
  const actOf = ({ actor, userId }: { actor: Actor; userId: string }) => ({
    actor,
    auditId: newAuditId(),
    userId: uuidFor("usr", userId),
  });
  return {
    async grant(input) {
      const act = actOf(input);
      return await execute(
        core,
        work({
          locks: [{ on: "usr", key: sql`select ${act.userId}::uuid as id` }],
          body: store.grantAdministrator({ ...act, tupleId: uuidFor("tup", generateId("tup")) }),
          onLostReply: store.recallAdministrator(act.auditId),
          answer: (row) => row,
          denial: denialOf(act.actor, "authz.administrator.grant", "usr", act.userId),
        }),
      );
    },
    async remove(input) {
      const act = actOf(input);
      return await execute(
        core,
        work({
          locks: [{ on: "usr", key: sql`select ${act.userId}::uuid as id` }, store.lockAdministrators()],
          body: store.removeAdministrator(act),
          onLostReply: store.recallAdministrator(act.auditId),
          answer: (row) => row,
          denial: denialOf(act.actor, "authz.administrator.remove", "usr", act.userId),
        }),
      );
    },
  };
}

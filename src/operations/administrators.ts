import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/administrator.ts";
import { newAuditId, newUuid, type UserId, uuidFor } from "../domain/id.ts";
import type { Executor } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { locksOf } from "../engine/locks.ts";
import type { Operation } from "../engine/plan.ts";
import * as store from "../store/administrators.ts";
import { lockUser } from "../store/locks.ts";
import { lockAdministrators } from "../store/relations.ts";

/** Granting and removing the right to administer. Only the command line or the application can make the first administrator. */
export interface AdministratorOperations {
  /**
   * Makes a user an administrator. Allowed for the application, and for administrators with a fresh second factor. `granted` is
   * false if the user already was an administrator.
   *
   * @throws {AuthError} `precondition.user_not_active`, `precondition.factor_needed_first`.
   */
  grant: Operation<{ actor: Actor; userId: UserId }, { granted: boolean }>;
  /**
   * Removes the right to administer. `removed` is false if the user was not an administrator.
   *
   * @throws {AuthError} `conflict.last_administrator`.
   */
  remove: Operation<{ actor: Actor; userId: UserId }, { removed: boolean }>;
}

/** The operations that the feature `administration` adds to `auth`. */
export interface AdministrationAuth {
  readonly administrators: AdministratorOperations;
}

/** The operations on administrators. */
export function administrationParts(core: Executor): FeatureParts<AdministrationAuth> {
  return { operations: { administrators: administratorOperations(core) } };
}

export function administratorOperations(core: Executor): AdministratorOperations {
  const ask = ({ actor, userId }: { actor: Actor; userId: UserId }) => ({
    actor,
    auditId: newAuditId(),
    userId: uuidFor("usr", userId),
  });
  return {
    async grant(input) {
      const asked = ask(input);
      return await execute(core, {
        locks: locksOf(acts.grantAdministrator, lockUser(asked.userId)),
        body: store.grantAdministrator({ ...asked, tupleId: newUuid() }),
        onLostReply: store.recallAdministrator(asked.auditId),
        denial: denialOf(asked.actor, acts.grantAdministrator, asked.userId),
      });
    },
    async remove(input) {
      const asked = ask(input);
      return await execute(core, {
        locks: locksOf(acts.removeAdministrator, lockUser(asked.userId), lockAdministrators()),
        body: store.removeAdministrator(asked),
        onLostReply: store.recallAdministrator(asked.auditId),
        denial: denialOf(asked.actor, acts.removeAdministrator, asked.userId),
      });
    },
  };
}

import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/limit.ts";
import { addressKeys } from "../domain/client-address.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import type { Limit } from "../domain/limit.ts";
import { storableText } from "../domain/text.ts";
import type { Core } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import type { Page } from "../engine/page.ts";
import type { Operation } from "../engine/plan.ts";
import { readAll } from "../engine/reads.ts";
import * as store from "../store/limits.ts";

/**
 * Whose limits are meant: those of an account, by an identifier that need not exist; of an address and its network; of a key that
 * `rateLimit` was given; or one limit, by its name in a list.
 */
export type LimitsOf =
  | { readonly identifier: string }
  | { readonly address: string }
  | { readonly key: string }
  | { readonly name: string };

/** Seeing and lifting limits on attempts. */
export interface LimitOperations {
  /**
   * The limits that an account, an address or a key has begun to use up; without `of`, every limit that is used up. At most 200 in
   * one page, those that end last first. Allowed for the application, and for administrators with a fresh second factor.
   *
   * @throws {AuthError} `invalid_format.identifier`.
   */
  list: Operation<{ actor: Actor; of?: LimitsOf | undefined }, Page<Limit>>;
  /**
   * Lets attempts begin again: removes the counters, with the failures in a row that have closed a password or a factor. Allowed for
   * the application, and for administrators with a fresh second factor. `lifted` is the number of counters.
   *
   * @throws {AuthError} `invalid_format.identifier`.
   */
  lift: Operation<{ actor: Actor; of: LimitsOf }, { lifted: number }>;
}

/** The operations that the feature `limits` adds to `auth`. */
export interface LimitAuth {
  readonly limits: LimitOperations;
}

/** The operations on limits. */
export function limitParts(core: Core): FeatureParts<LimitAuth> {
  const limits: LimitOperations = {
    async list({ actor, of }) {
      const asked = { actor, auditId: newAuditId(), of: of && (await countersOf(core, of)) };
      return await readAll(core, store.selectLimits(asked), ({ refusal: _, id, ...limit }) => ({
        name: id!,
        ...limit,
      }));
    },
    async lift({ actor, of }) {
      const asked = { actor, auditId: newAuditId(), of: await countersOf(core, of) };
      return await execute(core, {
        body: store.deleteLimits(asked),
        onLostReply: store.recallLift(asked.auditId),
        denial: denialOf(actor, acts.liftLimit, "limits"),
      });
    },
  };
  return { operations: { limits } };
}

/** The digests under which counters are named, as {@link attemptCounters} and its neighbours name them. */
async function countersOf(core: Core, of: LimitsOf): Promise<store.CountersOf> {
  const digest = (kind: string) => (text: string) => core.keys.digest(kind, text);
  if ("name" in of) return { digests: [], identifiers: [], name: storableText(of.name) };
  if ("key" in of) return { digests: [await digest("rate")(of.key)], identifiers: [], name: undefined };
  if ("address" in of) {
    const keys = addressKeys(of.address);
    if (!keys) throw new AuthError("invalid_format.identifier");
    const digests = await Promise.all([digest("address")(keys.narrow), digest("network")(keys.wide)]);
    return { digests, identifiers: [], name: undefined };
  }
  const identifiers = identifiersFor(core, of.identifier);
  if (identifiers.length === 0) throw new AuthError("invalid_format.identifier");
  const digests = await Promise.all([...identifiers.map(digest("login")), ...identifiers.map(digest("mailbox"))]);
  return { digests, identifiers, name: undefined };
}

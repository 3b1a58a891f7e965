import { requireOption } from "../crypto/option-error.ts";
import { acceptTerms } from "../domain/acts/terms.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, uuidFor } from "../domain/id.ts";
import type { User } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { checked } from "../engine/options.ts";
import { type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { toUser } from "../engine/sessions.ts";
import { lockUser } from "../store/locks.ts";
import { acceptVersion } from "../store/terms.ts";
import { recallUser } from "../store/users.ts";
import type { OfUser } from "./users.ts";

/** The terms that users accept: the options of the feature `terms`. */
export interface Terms {
  /** The version: 1 to 64 of the characters `A-Za-z0-9._-`, such as `2026-11-01`. Change it when the terms change. */
  readonly version: string;
  /** Where the terms can be read: an https address, or a path of the same origin such as `/terms`. */
  readonly url: string;
}

/** The terms of the application, and who has accepted them. */
export interface TermsOperations {
  /** The current terms. */
  readonly current: Terms;
  /**
   * Records that a user accepts a version of the terms, with the time. Allowed for the user, and for the application, such as
   * for consent that was given elsewhere. An administrator cannot accept for a user. If the user's last
   * accepted version is the same, nothing changes and its time stays.
   *
   * @param input.version The version that the user has read. Another version than the current one is refused.
   * @throws {AuthError} `conflict.terms_changed`, `precondition.user_not_active`.
   */
  accept: PlannableOperation<OfUser & { version: string }, User>;
}

/** The operations that the feature `terms` adds to `auth`. */
export interface TermsAuth {
  readonly terms: TermsOperations;
}

/** The operations on terms. */
export function termsParts(core: Core, options: Terms): FeatureParts<TermsAuth> {
  const current = { version: options.version, url: options.url };
  const accept = plannableChange(core, ({ actor, userId, version }: OfUser & { version: string }) => {
    checkTerms(core, current);
    if (version !== current.version) {
      throw new AuthError("conflict.terms_changed", { details: { ...current } });
    }
    const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
    return guardedWork(acceptTerms, asked, asked.userId, {
      locks: [lockUser(asked.userId)],
      body: acceptVersion({ ...asked, version }),
      onLostReply: recallUser(asked.userId, asked.auditId),
      decode: toUser,
    });
  });
  return { operations: { terms: { current, accept } }, check: () => checkTerms(core, current) };
}

function checkTerms(core: Core, { version, url }: Terms): void {
  checked("terms.version", () =>
    requireOption(matches(/^[\w.-]{1,64}$/, version), version, "1 to 64 of A-Z, a-z, 0-9, dot, hyphen and underscore"),
  );
  checked("terms.url", () => {
    const base = core.origins[0]!.origin;
    // A browser reads `//` and `/\` as another host (WHATWG URL §4.4).
    const isPath = matches(/^\/[!-~]*$/, url) && URL.canParse(url, base) && new URL(url, base).origin === base;
    const isAddress = matches(/^https:\/\/[!-~]+$/, url) && URL.canParse(url);
    requireOption(isPath || isAddress, url, "an https address, or a path such as /terms");
  });
}

function matches(form: RegExp, text: unknown): boolean {
  return typeof text === "string" && form.test(text);
}

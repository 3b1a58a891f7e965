import { acceptTerms } from "../domain/acts/terms.ts";
import { user } from "../domain/user.ts";
import type { AskedOfUser } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { guardedChange, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";
import type { UserRow } from "./users.ts";

/** Records that the user accepts a version. Accepting it again keeps the first time. */
export function acceptVersion(asked: AskedOfUser & { version: string }): Statement<UserRow> {
  const { version } = asked;
  return guardedChange({
    ...ofUser(acceptTerms, asked),
    refusal: ({ target }) => sql`case when ${target}.status <> 'active' then 'precondition.user_not_active' end`,
    set: sql`terms_version = ${version}::text, terms_accepted_at = sallyport_now()`,
    when: sql`target.terms_version is distinct from ${version}::text`,
    metadata: sql`jsonb_build_object('version', ${version}::text)`,
    columns: columnsOf("usr", user),
  });
}

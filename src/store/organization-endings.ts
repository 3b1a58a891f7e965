/**
 * What ends with an organization. A statement that ends organizations says which: the rows of one of its CTEs.
 *
 * @module
 */
import type { Handle } from "./cte.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The CTEs that end every membership, every invitation that waits, every tuple on the organizations, and their policies. Each is preceded
 * by a comma.
 *
 * @param of SQL for the name of the CTE with the organizations' rows.
 */
export function organizationEndings(of: Statement, acting: Handle<"acting">): Statement {
  return sql`,
    org_memberships as (
      update mem set status = 'revoked', removed_by = ${acting}.usr_id from ${of} cross join ${acting}
      where mem.org_id = ${of}.id and mem.status <> 'revoked'),
    org_policies as (delete from org_security_policy using ${of} where org_security_policy.org_id = ${of}.id),
    org_tuples as (delete from tup using ${of} where tup.object_type = 'org' and tup.object_id = ${of}.id),
    org_invitations as (
      update inv set status = 'revoked', terminal_at = greatest(sallyport_now(), inv.created_at), terminal_by = ${acting}.usr_id
      from ${of} cross join ${acting} where inv.org_id = ${of}.id and inv.status = 'pending')`;
}

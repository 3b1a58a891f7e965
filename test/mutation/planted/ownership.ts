import type { PlantedFault } from "../planted-faults.ts";

const invitations = "test/operations/organization-invitations.test.ts";
const recovery = "test/operations/recovery.test.ts";
const acceptance = "src/store/organization-acceptance.ts";
const inviting = "src/store/organization-invitations.ts";

/** Ways to ownership and administration past their rules, and whom an invitation is for. */
export const ownershipFaults: readonly PlantedFault[] = [
  {
    rule: "ownership",
    fault: "an admin who is added again brings back those whom they had invited",
    file: "src/store/membership-changes.ts",
    find: "and inv.invited_by = ended.usr_id and not inv.is_trusted",
    replace: "and false",
    suite: invitations,
    title: "an admin who was removed and is one again: the old invitations stay ended",
  },
  {
    rule: "ownership",
    fault: "a security policy holds the last owner, who cannot meet it",
    file: "src/store/access.ts",
    find: "return relation.freesLastOwner\n",
    replace: "return false\n",
    suite: "test/operations/organizations.attacks.test.ts",
    title: "the stranger ends the organization, with a fresh proof, and keeps the account",
  },
  {
    rule: "ownership",
    fault: "a renewed invitation of another SDK makes an administrator",
    file: inviting,
    find: "when ${hasWithheld(preTuples)} or (not acting",
    replace: "when (not acting",
    suite: invitations,
    title: "cannot be renewed, unless other relations take their place",
  },
  {
    rule: "ownership",
    fault: "an invitation that was renewed before makes an administrator",
    file: inviting,
    find: "(not ${hasWithheld(sql`inv.pre_tuples`)} and (",
    replace: "(true and (",
    suite: invitations,
    title: "opens nothing where an owner has renewed it before",
  },
  {
    rule: "ownership",
    fault: "an administrator takes an organization with its owner's account",
    file: "src/store/recovery.ts",
    find: "${isOutOfReach(sql`target.id`)}",
    replace: "${isAdministrator(sql`target.id`)}",
    suite: recovery,
    title: "for the last owner of an organization",
  },
  {
    rule: "ownership",
    fault: "a recovery that was started before ends in an organization",
    file: "src/store/recovery.ts",
    find: "${isOutOfReach(sql`t.usr_id`)}",
    replace: "${isAdministrator(sql`t.usr_id`)}",
    suite: recovery,
    title: "for a user who has become the last owner of an organization",
  },
  {
    rule: "ownership",
    fault: "an old session makes a second account an owner",
    file: "src/store/access.ts",
    find: "sql`coalesce(${strongest} = 1, false)`",
    replace: "sql`false`",
    suite: "test/operations/memberships.test.ts",
    title: "giving or taking ownership needs a proof of the last ten minutes, as ending the organization does > adding",
  },
  {
    rule: "S10",
    fault: "the copied secret of the application's invitation proves an address",
    file: acceptance,
    find: "when not ${isMailed(tokenHash)} and not bool_or(own.is_verified)",
    replace: "when not ${isVouched(tokenHash)} and not bool_or(own.is_verified)",
    suite: invitations,
    title: "the copied secret of the application's own invitation proves no address of a user either",
  },
  {
    rule: "S10",
    fault: "an address that a provider vouches for counts for no user",
    file: acceptance,
    find: "where l.email = inv.identifier and",
    replace: "where false and",
    suite: invitations,
    title: "is theirs: the copied secret suffices",
  },
  {
    rule: "S10",
    fault: "a removed member comes back with the address of their provider",
    file: "src/store/membership-changes.ts",
    find: "where cred.usr_id = ended.usr_id and cred.status = 'active') known",
    replace: "where false) known",
    suite: invitations,
    title: "is no way back for a member who was removed",
  },
];

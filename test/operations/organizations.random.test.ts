/**
 * Random sequences of everything that changes an organization, by random actors, beside a small model of the rules. After each
 * step, memberships, tuples, owners and events are compared. `ORGANIZATION_SEQUENCES=10000 npx vitest run
 * test/operations/organizations.random.test.ts` runs more of them. Slow.
 *
 * @module
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Actor } from "../../src/domain/actor.ts";
import {
  generateId,
  type InvitationId,
  type MembershipId,
  newUuid,
  type OrganizationId,
  type UserId,
  uuidFor,
} from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import type { OrganizationInvitation } from "../../src/domain/organization-invitation.ts";
import type { Status } from "../../src/domain/user.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshName, goodPassword, outcome, type Person, quickHasher, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { verifyAddress } from "../support/invitations.ts";
import { organizationsIn } from "../support/organizations.ts";

const sequences = Number(process.env.ORGANIZATION_SEQUENCES ?? 1_000);
const people = 5;
const notPending = "conflict.invitation_not_pending";

interface ModelMember {
  readonly id: MembershipId;
  readonly user: number;
  readonly role: Role;
  status: Status;
}

interface ModelInvitation {
  readonly id: InvitationId;
  token: string;
  /** `people` is the application. */
  inviter: number;
  /** From `people + 1`: a person who has no account when they are invited. */
  readonly user: number;
  role: Role;
  status: OrganizationInvitation["status"];
}

interface ModelUser {
  status: Status;
  /** False once a suspension has ended the session. */
  isSignedIn: boolean;
}

/** One step: who acts (`people` is the application), on whom, and the rest by number. */
interface Step {
  readonly act: (typeof acts)[number];
  readonly actor: number;
  readonly user: number;
  readonly member: number;
  readonly role: Role;
}

const acts = [
  "add",
  "changeRole",
  "suspend",
  "reinstate",
  "leave",
  "leave with an heir",
  "remove",
  "transfer",
  "invite",
  "accept",
  "decline",
  "revoke invitation",
  "renew invitation",
  "invite a newcomer",
  "accept as a newcomer",
  "update organization",
  "suspend organization",
  "reinstate organization",
  "end organization",
  "suspend user",
  "reinstate user",
  "end user",
] as const;

/** Acts that succeed only after another one. */
const often = [
  "suspend",
  "suspend",
  "reinstate",
  "reinstate",
  "reinstate",
  "reinstate",
  "invite",
  "invite",
  "invite",
  "invite a newcomer",
  "accept as a newcomer",
  "accept as a newcomer",
  "accept",
  "suspend user",
  "reinstate user",
  "reinstate user",
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...acts, ...acts.slice(0, 10), ...acts.slice(0, 10), ...often),
  // The application and the owner act most: otherwise nearly everything is refused.
  actor: fc.constantFrom(0, 0, 1, 2, 3, 4, people, people),
  user: fc.nat(people - 1),
  member: fc.nat(5),
  role: fc.constantFrom(...roles),
});

/** Whether the holder of a role may invite to another one. */
const mayInvite = (own: Role, role: Role): boolean =>
  roles.indexOf(own) <= Math.min(roles.indexOf("admin"), roles.indexOf(role));

/** The rules, written without the statements. */
class Model {
  status: Status = "active";
  readonly users: ModelUser[] = Array.from({ length: people }, () => ({ status: "active", isSignedIn: true }));
  readonly members: ModelMember[] = [];
  readonly invitations: ModelInvitation[] = [];
  /** How many persons were invited who have no account. The first is number `people + 1`. */
  newcomers = 0;
  /** The accounts that they made. */
  readonly accounts = new Map<number, UserId>();

  active(user: number): ModelMember | undefined {
    return this.members.find((member) => member.user === user && member.status === "active");
  }

  isSoleOwner(member: ModelMember): boolean {
    const isOwner = ({ role, status }: ModelMember) => role === "owner" && status === "active";
    const others = this.members.filter((other) => isOwner(other) && other.user !== member.user);
    return isOwner(member) && !others.some(({ user }) => this.users[user]!.status === "active");
  }

  /** The refusal of an act on members by a user with a role, if the actor is not the application. */
  refusalOf(actor: number, atLeast: Role, touched: readonly Role[] = []): string | undefined {
    if (actor === people) return undefined;
    if (!this.users[actor]!.isSignedIn) return "unauthorized.invalid_token";
    const own = this.active(actor);
    if (!own || this.status === "revoked") return "not_found";
    const rank = (role: Role) => roles.indexOf(role);
    if (rank(own.role) > rank(atLeast)) return "forbidden";
    return touched.some((role) => rank(role) < rank(own.role)) ? "forbidden.role_hierarchy" : undefined;
  }

  /** The expected code of a step. What it changes is done in `apply`, once the ids of new memberships are known. */
  expected(step: Step): string {
    const { act, user, member: index, role } = step;
    const actor = this.actorOf(step);
    const member = this.members[index % this.members.length]!;
    const target = this.users[user]!;
    const inactive = this.status === "active" ? undefined : "precondition.org_not_active";
    switch (act) {
      case "add": {
        const held = this.members.some((one) => one.user === user && one.status !== "revoked");
        return (
          this.refusalOf(actor, "admin", [role]) ??
          (target.status === "active" ? undefined : "precondition.user_not_active") ??
          inactive ??
          (held ? "conflict.duplicate_membership" : "done")
        );
      }
      case "changeRole":
        return (
          this.refusalOf(actor, "admin", [member.role, role]) ??
          inactive ??
          (member.status === "active" ? undefined : "precondition.mem_not_active") ??
          (role !== "owner" && this.isSoleOwner(member) ? "conflict.sole_owner" : "done")
        );
      case "suspend":
        return (
          this.refusalOf(actor, "admin", [member.role]) ??
          inactive ??
          (member.status === "revoked" ? "conflict.already_terminal" : undefined) ??
          (member.status === "suspended" ? "precondition.mem_not_active" : undefined) ??
          (this.isSoleOwner(member) ? "conflict.sole_owner" : "done")
        );
      case "reinstate":
        return (
          this.refusalOf(actor, "admin", [member.role]) ??
          inactive ??
          (member.status === "suspended" ? undefined : "precondition.invalid_transition") ??
          (this.users[member.user]!.status === "active" ? "done" : "precondition.user_not_active")
        );
      case "leave":
      case "leave with an heir": {
        const heir = this.active(user);
        const own = actor === people ? undefined : actor === member.user ? undefined : "not_found";
        const door = actor !== people && !this.users[actor]!.isSignedIn ? "unauthorized.invalid_token" : undefined;
        return (
          door ??
          own ??
          (member.status === "active" ? undefined : "precondition.mem_not_active") ??
          (!this.isSoleOwner(member)
            ? "done"
            : act === "leave"
              ? "conflict.sole_owner"
              : user === member.user
                ? "precondition.self_transfer"
                : heir && target.status === "active"
                  ? "done"
                  : "not_found")
        );
      }
      case "remove":
        return (
          this.refusalOf(actor, "admin", [member.role]) ??
          inactive ??
          (member.status === "revoked" ? "conflict.already_terminal" : undefined) ??
          (member.role === "owner" ? "forbidden.role_hierarchy" : "done")
        );
      case "transfer": {
        const to = this.members[(index + 1 + user) % this.members.length]!;
        return (
          this.refusalOf(actor, "owner") ??
          inactive ??
          (member.id === to.id ? "precondition.self_transfer" : undefined) ??
          (member.status === "active" ? undefined : "precondition.from_not_active") ??
          (member.role === "owner" ? undefined : "precondition.from_not_owner") ??
          (to.status === "active" && this.users[to.user]!.status === "active"
            ? undefined
            : "precondition.to_not_active") ??
          (actor === people || actor === member.user ? "done" : "forbidden")
        );
      }
      case "invite":
      case "invite a newcomer":
      case "renew invitation":
        return (
          this.refusalOf(actor, "admin", act === "renew invitation" ? [role, this.open(user)?.role ?? role] : [role]) ??
          (actor === people && this.users[0]!.status !== "active" ? "not_found" : undefined) ??
          inactive ??
          "done"
        );
      case "accept as a newcomer": {
        const invitation = this.invitation(index);
        const isOpen = invitation?.status === "pending" && this.status === "active" && this.isUpheld(invitation);
        if (!isOpen) return "unauthorized.invalid_link";
        // The name of an account that has ended is free.
        const holder = this.users[invitation.user];
        return holder && holder.status !== "revoked" ? "conflict.duplicate_credential" : "done";
      }
      case "update organization":
        return this.refusalOf(actor, "admin") ?? (this.status === "revoked" ? "conflict.already_terminal" : "done");
      case "accept": {
        const invitation = this.invitation(index);
        if (actor === people) return "forbidden";
        if (!this.users[actor]!.isSignedIn) return "unauthorized.invalid_token";
        if (invitation?.status !== "pending") return invitation ? notPending : "unauthorized.invalid_link";
        const held = this.members.some((one) => one.user === actor && one.status !== "revoked");
        return (
          inactive ??
          (this.isUpheld(invitation) ? undefined : notPending) ??
          (invitation.user === actor ? undefined : "precondition.identifier_mismatch") ??
          (held ? "conflict.duplicate_membership" : "done")
        );
      }
      case "decline": {
        const invitation = this.invitation(index);
        if (!invitation) return "unauthorized.invalid_link";
        return invitation.status === "pending" ? "done" : notPending;
      }
      case "revoke invitation": {
        const invitation = this.invitation(index);
        if (!invitation)
          return actor === people || this.users[actor]!.isSignedIn ? "not_found" : "unauthorized.invalid_token";
        return (
          this.refusalOf(actor, "admin", [invitation.role]) ?? (invitation.status === "pending" ? "done" : notPending)
        );
      }
      case "suspend organization":
        return this.status === "revoked" ? "conflict.already_terminal" : "done";
      case "reinstate organization":
        return this.status === "suspended" ? "done" : "precondition.invalid_transition";
      case "end organization":
        return this.refusalOf(actor, "owner") ?? (this.status === "revoked" ? "conflict.already_terminal" : "done");
      case "suspend user":
        return target.status === "revoked" ? "conflict.already_terminal" : "done";
      case "reinstate user":
        return target.status === "suspended" ? "done" : "precondition.invalid_transition";
      case "end user": {
        if (target.status === "revoked") return "conflict.already_terminal";
        const own = this.active(user);
        return own && this.status !== "revoked" && this.isSoleOwner(own) ? "conflict.sole_owner" : "done";
      }
    }
  }

  /** Who acts. Mostly the invited person accepts: otherwise nearly nothing is accepted. */
  actorOf({ act, actor, user, member }: Step): number {
    const invited = this.invitation(member)?.user ?? people;
    return act === "accept" && user > 0 && invited < people ? invited : actor;
  }

  /** The newest open invitation of a user. */
  open(user: number): ModelInvitation | undefined {
    return this.invitations.findLast((one) => one.user === user && one.status === "pending");
  }

  invitation(index: number): ModelInvitation | undefined {
    return this.invitations[index % Math.max(this.invitations.length, 1)];
  }

  /** Whether the inviter could still make it. */
  isUpheld({ inviter, role }: ModelInvitation): boolean {
    if (inviter === people) return true;
    const own = this.active(inviter);
    if (!own || this.users[inviter]!.status !== "active") return false;
    return mayInvite(own.role, role);
  }

  /** Puts another membership in the place of one that ends. */
  replace(member: ModelMember, role: Role, id: MembershipId): void {
    if (member.role === role) return;
    this.part(member, role);
    this.members.push({ id, user: member.user, role, status: "active" });
  }

  /** Ends a membership, and the open invitations that its user could not make with the next role. */
  part(member: ModelMember, next?: Role): void {
    member.status = "revoked";
    for (const open of this.invitations) {
      const isOwn = open.inviter === member.user && open.status === "pending";
      if (isOwn && !(next && mayInvite(next, open.role))) open.status = "revoked";
    }
  }

  /** Ends the open invitations of a user. */
  uninvite(user: number): void {
    for (const open of this.invitations) if (open.user === user && open.status === "pending") open.status = "revoked";
  }

  end(user: number): void {
    for (const member of this.members) if (member.user === user) member.status = "revoked";
  }
}

describeWorld(
  "random changes of an organization",
  { on: ["pglite"], auth: { passwordHasher: quickHasher() } },
  (world, auth) => {
    const { form, join } = organizationsIn(world);

    /** Does a step, and what it does in the model if it succeeded. Returns the code. */
    async function take(one: Step, model: Model, persons: Person[], organizationId: OrganizationId): Promise<string> {
      const { act, user, role } = one;
      const acting = model.actorOf(one);
      const actor: Actor = acting === people ? system : persons[acting]!.actor;
      const member = model.members[one.member % model.members.length]!;
      const to = model.members[(one.member + 1 + user) % model.members.length]!;
      const { userId } = persons[user]!;
      const invitation = model.invitation(one.member);
      const token = invitation?.token ?? "A".repeat(43);
      const asked = { actor, membershipId: member.id };
      const bySystem = { actor: system, organizationId };
      const did = async <Result>(promise: Promise<Result>, apply: (result: Result) => void): Promise<string> =>
        await outcome(promise.then(apply));
      switch (act) {
        case "add":
          return await did(auth.memberships.add({ actor, organizationId, userId, role }), ({ id }) =>
            model.members.push({ id, user, role, status: "active" }),
          );
        case "changeRole":
          return await did(auth.memberships.changeRole({ ...asked, role }), ({ id }) => {
            if (member.role !== role) model.uninvite(member.user);
            model.replace(member, role, id);
          });
        case "suspend":
        case "reinstate":
        case "remove":
          return await did(auth.memberships[act](asked), ({ status }) => {
            member.status = status;
            if (act !== "remove") return;
            model.part(member);
            model.uninvite(member.user);
          });
        case "leave":
        case "leave with an heir": {
          const bequeaths = act === "leave with an heir" && model.isSoleOwner(member);
          const heir = model.active(user);
          const left = await did(
            auth.memberships.leave({ ...asked, ...(act === "leave" ? {} : { transferTo: userId }) }),
            () => model.part(member),
          );
          if (left === "done" && bequeaths && heir && heir.role !== "owner") {
            const { data } = await auth.memberships.list({ ...bySystem, status: "active" });
            model.replace(heir, "owner", data.find((held) => held.userId === userId)!.id);
          }
          return left;
        }
        case "transfer": {
          const transfer = { actor, organizationId, fromMembershipId: member.id, toMembershipId: to.id };
          return await did(auth.memberships.transferOwnership(transfer), (both) => {
            model.replace(member, "member", both.from.id);
            model.replace(to, "owner", both.to.id);
          });
        }
        case "invite": {
          const invited = { actor, organizationId, identifier: persons[user]!.identifier, role };
          const inviter = one.actor === people ? { invitedBy: persons[0]!.userId } : {};
          return await did(auth.organizationInvitations.create({ ...invited, ...inviter }), ({ invitation, token }) =>
            model.invitations.push({ id: invitation.id, token, inviter: one.actor, user, role, status: "pending" }),
          );
        }
        case "renew invitation": {
          const invited = { actor, organizationId, identifier: persons[user]!.identifier, role, renew: true };
          const inviter = one.actor === people ? { invitedBy: persons[0]!.userId } : {};
          return await did(auth.organizationInvitations.create({ ...invited, ...inviter }), (made) => {
            const old = model.open(user);
            const now = { token: made.token, inviter: one.actor, role };
            if (old) Object.assign(old, now);
            else model.invitations.push({ ...now, id: made.invitation.id, user, status: "pending" });
          });
        }
        case "invite a newcomer": {
          const identifier = freshName();
          const inviter = one.actor === people ? { invitedBy: persons[0]!.userId } : {};
          return await did(
            auth.organizationInvitations.create({ actor, organizationId, identifier, role, ...inviter }),
            (made) => {
              model.newcomers += 1;
              const { token, invitation } = made;
              const now = {
                token,
                inviter: one.actor,
                user: people + model.newcomers,
                role,
                status: "pending" as const,
              };
              model.invitations.push({ ...now, id: invitation.id });
            },
          );
        }
        case "accept as a newcomer":
          return await did(
            auth.organizationInvitations.acceptAsNewUser({
              token,
              password: goodPassword,
              context: { address: freshAddress() },
            }),
            async (made) => {
              const known = invitation!.user;
              const number = model.users[known] ? people + ++model.newcomers : known;
              model.users[number] = { status: "active", isSignedIn: true };
              model.accounts.set(number, made.user.id);
              const { data } = await auth.memberships.list({ ...bySystem, status: "active" });
              const { id, role: given } = data.find(({ userId: holder }) => holder === made.user.id)!;
              model.members.push({ id, user: number, role: given, status: "active" });
              invitation!.status = "accepted";
              model.uninvite(known);
            },
          );
        case "update organization":
          return await did(
            auth.organizations.update({ actor, organizationId, name: `${role} ${user}` }),
            () => undefined,
          );
        case "accept":
          return await did(
            auth.organizationInvitations.accept({ actor, token }),
            ({ membership: { id, role: given } }) => {
              model.members.push({ id, user: acting, role: given, status: "active" });
              invitation!.status = "accepted";
              model.uninvite(acting);
            },
          );
        case "decline":
          return await did(auth.organizationInvitations.decline({ token }), ({ status }) => {
            invitation!.status = status;
          });
        case "revoke invitation": {
          const invitationId = invitation?.id ?? generateId("inv");
          return await did(auth.organizationInvitations.revoke({ actor, invitationId }), ({ status }) => {
            invitation!.status = status;
          });
        }
        case "suspend organization":
          return await did(auth.organizations.suspend(bySystem), ({ status }) => {
            model.status = status;
          });
        case "reinstate organization":
          return await did(auth.organizations.reinstate(bySystem), ({ status }) => {
            model.status = status;
          });
        case "end organization":
          return await did(auth.organizations.revoke({ actor, organizationId }), ({ status }) => {
            model.status = status;
            for (const ended of model.users.keys()) model.end(ended);
            for (const open of model.invitations) if (open.status === "pending") open.status = "revoked";
          });
        case "suspend user":
          return await did(auth.users.suspend({ actor: system, userId }), ({ status }) => {
            model.users[user] = { status, isSignedIn: false };
          });
        case "reinstate user":
          return await did(auth.users.reinstate({ actor: system, userId }), ({ status }) => {
            model.users[user]!.status = status;
          });
        case "end user":
          return await did(auth.users.revoke({ actor: system, userId }), ({ status }) => {
            model.users[user] = { status, isSignedIn: false };
            model.end(user);
          });
      }
    }

    /** A user whose name counts as verified. Names get no mail, so their invitations are not limited. */
    async function withVerifiedName(): Promise<Person> {
      const person = await world.person({ identifier: freshName() });
      await verifyAddress(world, person);
      return person;
    }

    /**
     * What a step may change, in one request. Memberships must be exactly the tuples of the built-in relations. An event's id holds its
     * time: counting all of them would take longer with each sequence.
     */
    async function look(organizationId: OrganizationId, begun: string) {
      const id = uuidFor("org", organizationId);
      const [row] = await world.rows(sql<{
        members: string[];
        tuples: string[];
        invitations: string[];
        events: number;
      }>`
        select
          array(select usr_id || ' ' || role from mem where org_id = ${id}::uuid and status = 'active' order by 1) as members,
          array(select subject_id || ' ' || relation from tup where object_type = 'org' and object_id = ${id}::uuid
            and subject_type = 'usr' and relation = any(${roles}::text[]) order by 1) as tuples,
          array(select status from inv where org_id = ${id}::uuid order by id) as invitations,
          (select count(*)::int from aud where id > ${begun}::uuid and outcome = 'success' and action like 'tenancy.%') as events`);
      expect(row!.tuples).toEqual(row!.members);
      return row!;
    }

    test(`${sequences} sequences`, { timeout: 60_000 + sequences * 400 }, async () => {
      /** Users whom no sequence has suspended or ended. */
      const spare: Person[] = [];
      const seen = new Map<string, number>();
      const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const persons: Person[] = [];
        const begun = newUuid();
        // Persons come again, and each invites 50 an hour.
        await world.rows(sql`delete from attempt`);
        while (persons.length < people) persons.push(spare.pop() ?? (await withVerifiedName()));
        const model = new Model();
        const { organizationId, membershipId } = await form(persons[0]!);
        model.members.push({ id: membershipId, user: 0, role: "owner", status: "active" });
        for (const [user, role] of [
          [1, "admin"],
          [2, "member"],
        ] as const) {
          const joined = await join(organizationId, role, persons[user]!);
          model.members.push({ id: joined.membershipId, user, role, status: "active" });
        }
        let { events: count } = await look(organizationId, begun);
        for (const one of steps) {
          const expected = model.expected(one);
          const before = JSON.stringify(model.members);
          expect([one.act, await take(one, model, persons, organizationId)]).toEqual([one.act, expected]);
          seen.set(`${one.act}: ${expected}`, (seen.get(`${one.act}: ${expected}`) ?? 0) + 1);
          const { members: held, invitations, events: now } = await look(organizationId, begun);
          expect(invitations).toEqual(model.invitations.map(({ status }) => status));
          const wanted = model.members
            .filter(({ status }) => status === "active")
            .map(({ user, role }) => `${uuidFor("usr", model.accounts.get(user) ?? persons[user]!.userId)} ${role}`);
          expect(held).toEqual(wanted.toSorted());
          if (model.status !== "revoked") expect(held.some((member) => member.endsWith(" owner"))).toBe(true);
          const isOfUser = one.act.endsWith(" user");
          const isSame =
            before === JSON.stringify(model.members) && ["changeRole", "suspend organization"].includes(one.act);
          if (expected !== "done" || isOfUser) expect(now).toBe(count);
          else expect(isSame ? [count, count + 1] : [count + 1]).toContain(now);
          count = now;
        }
        // Otherwise a user of the next sequence would still own it.
        if (model.status !== "revoked") await auth.organizations.revoke({ actor: system, organizationId });
        spare.push(
          ...persons.filter((_person, user) => model.users[user]!.status === "active" && model.users[user]!.isSignedIn),
        );
      });
      await fc.assert(property, { numRuns: sequences, endOnFailure: sequences > 1_000 });
      // Every act has succeeded, and nearly every refusal has occurred: otherwise the steps would prove little.
      for (const act of acts) expect([act, (seen.get(`${act}: done`) ?? 0) > 0]).toEqual([act, true]);
      expect(seen.size).toBeGreaterThan(55);
    });
  },
);

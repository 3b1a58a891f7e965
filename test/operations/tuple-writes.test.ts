/** Flametrench `docs/authorization.md`: writing, reading and deleting tuples, and who may. @module */
import { describe, expect, test } from "vitest";
import { systemObjectId } from "../../src/domain/administrator.ts";
import { generateId, type TupleId, type UserId, uuidFor } from "../../src/domain/id.ts";
import { rewriteRules } from "../../src/engine/rule-set.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, refusal, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { type End, newDoc, newFolder, tupleOf, tuplesIn, user } from "../support/tuples.ts";

describeWorld("tuples", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { write, owned, allowed } = tuplesIn(world);
  const uuid = (userId: UserId) => uuidFor("usr", userId);
  const create = (...[actor, ...key]: [Parameters<typeof write>[3], ...Parameters<typeof tupleOf>]) =>
    outcome(write(key[0], key[1], key[2], actor));

  describe("create", () => {
    test("by the application: the tuple, a check that it allows, and one event that describes it", async () => {
      const { userId } = await world.person();
      const doc = newDoc();
      const made = await write(user(userId), "viewer", doc);
      expect(made).toEqual({
        id: expect.stringMatching(/^tup_[0-9a-f]{32}$/),
        ...tupleOf(["usr", uuid(userId)], "viewer", doc),
        createdAt: expect.any(Date),
        createdBy: null,
      });
      expect(await allowed(user(userId), "viewer", doc)).toBe(true);
      expect(await world.events({ target: made.id })).toMatchObject([
        {
          action: "authz.tup.create",
          outcome: "success",
          metadata: { subject: userId, relation: "viewer", object: `doc_${doc[1].replaceAll("-", "")}` },
        },
      ]);
    });

    test("by a user who holds the relation that the writers name: `createdBy` is the user", async () => {
      const [ada, ben] = [await world.person(), await world.person()];
      const doc = await owned(ada.userId);
      const made = await write(user(ben.userId), "viewer", doc, ada.actor);
      expect(made.createdBy).toBe(ada.userId);
      expect(await auth.tuples.get({ actor: ada.actor, tupleId: made.id })).toEqual(made);
    });

    test.each<{ case: string; key: (own: End, other: End, ada: UserId, ben: UserId) => Parameters<typeof tupleOf> }>([
      { case: "on an object of another", key: (_own, other, ada) => [user(ada), "viewer", other] },
      { case: "on an object that does not exist", key: (_own, _other, ada) => [user(ada), "viewer", newDoc()] },
      { case: "a relation that no user writes", key: (own, _other, ada) => [user(ada), "owner", own] },
      { case: "a relation that names inherit", key: (own, _other, ada) => [user(ada), "constructor", own] },
      { case: "on a type without writers", key: ([, id], _other, ada) => [user(ada), "viewer", ["file", id]] },
      { case: "on an organization", key: ([, id], _other, ada) => [user(ada), "owner", ["org", id]] },
      { case: "S06: on the system", key: (_own, _other, ada) => [user(ada), "administrator", ["sys", systemObjectId]] },
      { case: "for a subject that is no user", key: (own, other) => [other, "viewer", own] },
      { case: "a link to an object of another", key: (own) => [newFolder(), "parent", own] },
      { case: "a link of a user", key: (own, _other, ada) => [user(ada), "parent", own] },
    ])("S07: $case: not_found, nothing is written, and the refusal is in the log", async ({ key }) => {
      const [ada, ben] = [await world.person(), await world.person()];
      const [own, other] = [await owned(ada.userId), await owned(ben.userId)];
      const asked = key(own, other, ada.userId, ben.userId);
      expect(await create(ada.actor, ...asked)).toBe("not_found");
      const { objectId } = tupleOf(...asked);
      expect(await world.rows(sql`select id from tup where created_by = ${uuid(ada.userId)}::uuid`)).toEqual([]);
      const events = await world.events({ actor: ada.userId, action: "authz.tup.create" });
      expect(events.map((event) => [event.outcome, event.targetId.split("_")[1]])).toEqual([
        ["denied", objectId.replaceAll("-", "")],
      ]);
    });

    test("S07: an administrator who is no writer: forbidden", async () => {
      const root = await world.administrator();
      expect(await create(root.actor, user(root.userId), "viewer", await owned((await world.person()).userId))).toBe(
        "forbidden",
      );
    });

    test("S07: a link needs a right on both ends", async () => {
      const ada = await world.person();
      const doc = await owned(ada.userId);
      const folder = newFolder();
      expect(await create(ada.actor, folder, "parent", doc)).toBe("not_found");
      await write(user(ada.userId), "owner", folder);
      expect(await create(ada.actor, folder, "parent", doc)).toBe("done");
    });

    test("a session that has ended, and a user who is suspended: refused", async () => {
      const ada = await world.person();
      const doc = await owned(ada.userId);
      const again = await world.signIn(ada);
      await auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
      expect(await create(ada.actor, user(ada.userId), "viewer", doc)).toBe("unauthorized.invalid_token");
      await auth.users.suspend({ actor: system, userId: ada.userId });
      expect(await create(again.actor, user(ada.userId), "viewer", doc)).toBe("unauthorized.invalid_token");
    });

    test("the right is taken from the writer: refused at once", async () => {
      const ada = await world.person();
      const doc = newDoc();
      const right = await write(user(ada.userId), "owner", doc);
      expect(await create(ada.actor, user(ada.userId), "viewer", doc)).toBe("done");
      await auth.tuples.delete({ actor: system, tupleId: right.id });
      expect(await create(ada.actor, user(ada.userId), "editor", doc)).toBe("not_found");
    });

    test("twice: conflict.duplicate_tuple, with the tuple that exists; a stranger learns nothing of it", async () => {
      const [ada, eve] = [await world.person(), await world.person()];
      const doc = await owned(ada.userId);
      const first = await write(user(eve.userId), "viewer", doc, ada.actor);
      const error = await refusal(write(user(eve.userId), "viewer", doc, ada.actor));
      expect([error.code, error.name, error.details]).toEqual([
        "conflict.duplicate_tuple",
        "DuplicateTupleError",
        { tup_id: first.id },
      ]);
      expect(await create(eve.actor, user(eve.userId), "viewer", doc)).toBe("not_found");
    });

    test("for a user who is revoked: refused; for one who is suspended or unknown: written", async () => {
      const { userId } = await world.person();
      await auth.users.suspend({ actor: system, userId });
      expect(await create(system, user(userId), "viewer", newDoc())).toBe("done");
      await auth.users.revoke({ actor: system, userId });
      expect(await create(system, user(userId), "viewer", newDoc())).toBe("precondition.user_not_active");
      expect(await create(system, user(generateId("usr")), "viewer", newDoc())).toBe("done");
    });

    test("S06: on the system, by the application: invalid_format.object_type", async () => {
      const { userId } = await world.person();
      const key = [user(userId), "administrator", ["sys", systemObjectId]] as const;
      expect(await create(system, ...key)).toBe("invalid_format.object_type");
      expect(await allowed(...key)).toBe(false);
    });

    test("a role on an organization, by the application: the role of nobody", async () => {
      const { form } = organizationsIn(world);
      const { organizationId } = await form(await world.person());
      const ada = await world.person();
      await write(user(ada.userId), "owner", ["org", uuidFor("org", organizationId)]);
      expect(await outcome(auth.organizations.get({ actor: ada.actor, organizationId }))).toBe("not_found");
    });

    test.each([
      { case: "a relation in capitals", more: { relation: "Viewer" }, code: "invalid_format.relation" },
      { case: "a short relation", more: { relation: "x" }, code: "invalid_format.relation" },
      { case: "an enormous relation", more: { relation: "a".repeat(100_000) }, code: "invalid_format.relation" },
      { case: "SQL", more: { relation: "viewer'; drop table tup; --" }, code: "invalid_format.relation" },
      { case: "a long type", more: { objectType: "project" }, code: "invalid_format.object_type" },
      { case: "a type of a subject in capitals", more: { subjectType: "USR" }, code: "invalid_format.subject_type" },
      { case: "no subject", more: { subjectId: "" }, code: "invalid_format.subject_id" },
      { case: "a NUL", more: { objectId: "\0" }, code: "invalid_format.object_id" },
      {
        case: "the nil UUID",
        more: { objectId: "00000000-0000-0000-0000-000000000000" },
        code: "invalid_format.object_id",
      },
      { case: "an id of another type", more: { subjectId: generateId("org") }, code: "invalid_format.subject_id" },
    ])("$case: $code, and no request", async ({ more, code }) => {
      const key = tupleOf(user(generateId("usr")), "viewer", newDoc());
      world.counting.reset(0);
      expect(await outcome(auth.tuples.create({ actor: system, ...key, ...more }))).toBe(code);
      world.counting.reset();
    });

    test("in a batch: with the application's own row, or not at all", async () => {
      const { userId } = await world.person();
      const doc = newDoc();
      const plan = async (relation: string) =>
        await auth.tuples.create.plan({ actor: system, ...tupleOf(user(userId), relation, doc) });
      await auth.batch([await plan("owner"), await plan("viewer")]);
      expect(await outcome(auth.batch([await plan("editor"), await plan("owner")]))).toBe("conflict.duplicate_tuple");
      expect(await allowed(user(userId), "editor", doc)).toBe(false);
    });
  });

  describe("delete", () => {
    test("by a writer: the next check denies, and one event describes the tuple", async () => {
      const [ada, ben] = [await world.person(), await world.person()];
      const doc = await owned(ada.userId);
      const { id: tupleId } = await write(user(ben.userId), "viewer", doc, ada.actor);
      await auth.tuples.delete({ actor: ada.actor, tupleId });
      expect(await allowed(user(ben.userId), "viewer", doc)).toBe(false);
      const [, deleted] = await world.events({ target: tupleId });
      expect(deleted).toMatchObject({
        action: "authz.tup.delete",
        metadata: { subject: ben.userId, relation: "viewer" },
      });
      expect(await outcome(auth.tuples.delete({ actor: ada.actor, tupleId }))).toBe("not_found");
    });

    test("S07: by its subject, a stranger, an administrator, or one who lacks a right on the other end: refused", async () => {
      const [ada, ben, eve] = [await world.person(), await world.person(), await world.person()];
      const root = await world.administrator();
      const doc = await owned(ada.userId);
      const shared = await write(user(ben.userId), "viewer", doc);
      const right = await write(user(ben.userId), "owner", newDoc());
      const link = await write(newFolder(), "parent", doc);
      const by = ({ actor }: { actor: Parameters<typeof write>[3] }, { id: tupleId }: { id: TupleId }) =>
        outcome(auth.tuples.delete({ actor: actor!, tupleId }));
      expect(await by(ben, shared)).toBe("not_found");
      expect(await by(eve, shared)).toBe("not_found");
      expect(await by(root, shared)).toBe("forbidden");
      expect(await by(ben, right)).toBe("not_found");
      expect(await by(ada, link)).toBe("not_found");
      expect(await by(ada, { id: generateId("tup") })).toBe("not_found");
      expect(await by({ actor: system }, { id: generateId("tup") })).toBe("not_found");
      expect(await allowed(user(ben.userId), "viewer", doc)).toBe(true);
    });

    test("S07: the tuple of a membership or an administrator: precondition.companion_tuple, by the application too", async () => {
      const { form } = organizationsIn(world);
      const owner = await form(await world.person());
      const root = await world.administrator();
      const idOf = async (type: string, objectId: string): Promise<TupleId> => {
        const [row] = await world.rows<{ id: string }>(
          sql`select id from tup where object_type = ${type} and object_id = ${objectId}::uuid order by id desc`,
        );
        return `tup_${row!.id.replaceAll("-", "")}`;
      };
      for (const tupleId of [
        await idOf("org", uuidFor("org", owner.organizationId)),
        await idOf("sys", systemObjectId),
      ]) {
        expect(await outcome(auth.tuples.delete({ actor: system, tupleId }))).toBe("precondition.companion_tuple");
      }
      expect(await outcome(auth.organizations.get(owner))).toBe("done");
      expect(await outcome(auth.users.list({ actor: root.actor }))).toBe("done");
    });

    test("all of a subject, or of an object: how many, one event, and those of memberships stay", async () => {
      const { form } = organizationsIn(world);
      const ada = await world.person();
      const { organizationId } = await form(ada);
      const org: End = ["org", uuidFor("org", organizationId)];
      const [first, second] = [await owned(ada.userId), await owned(ada.userId)];
      await write(["usr", generateId("usr")], "viewer", first);
      await write(user(ada.userId), "reporter", org);
      expect(await auth.tuples.deleteByObject({ actor: system, objectType: "doc", objectId: first[1] })).toEqual({
        count: 2,
      });
      expect(await auth.tuples.deleteBySubject({ actor: system, subjectType: "usr", subjectId: ada.userId })).toEqual({
        count: 2,
      });
      expect(await auth.tuples.deleteBySubject({ actor: system, subjectType: "usr", subjectId: ada.userId })).toEqual({
        count: 0,
      });
      expect(await allowed(user(ada.userId), "owner", second)).toBe(false);
      expect(await allowed(user(ada.userId), "owner", org)).toBe(true);
      const events = await world.events({ target: ada.userId, action: "authz.tup.delete_all" });
      expect(events.map(({ metadata }) => metadata)).toEqual([{ of: "subject", count: 2 }]);
    });

    test("all of a subject, by a user or an administrator: forbidden", async () => {
      for (const { actor, userId } of [await world.person(), await world.administrator()]) {
        const doc = await owned(userId);
        expect(await outcome(auth.tuples.deleteBySubject({ actor, subjectType: "usr", subjectId: userId }))).toBe(
          "forbidden",
        );
        expect(await outcome(auth.tuples.deleteByObject({ actor, objectType: "doc", objectId: doc[1] }))).toBe(
          "forbidden",
        );
        expect(await allowed(user(userId), "owner", doc)).toBe(true);
      }
    });
  });

  describe("S07: questions of users", () => {
    const ask = (actor: Parameters<typeof write>[3], ...key: Parameters<typeof tupleOf>) =>
      auth.tuples.check({ actor, ...tupleOf(...key) });

    test("about themselves: answered, on any object; about others: only on an object that they manage", async () => {
      const [ada, ben, eve] = [await world.person(), await world.person(), await world.person()];
      const doc = await owned(ada.userId);
      await write(user(ben.userId), "viewer", doc);
      expect(await ask(ben.actor, user(ben.userId), "viewer", doc)).toMatchObject({ allowed: true });
      expect(await ask(eve.actor, user(eve.userId), "viewer", doc)).toMatchObject({ allowed: false });
      expect(await ask(ada.actor, user(ben.userId), "viewer", doc)).toMatchObject({ allowed: true });
      expect(await outcome(ask(eve.actor, user(ben.userId), "viewer", doc))).toBe("not_found");
      expect(await outcome(ask(ben.actor, user(ada.userId), "owner", doc))).toBe("not_found");
      // A subject of another type with the caller's id is not the caller.
      expect(await outcome(ask(eve.actor, ["doc", uuid(eve.userId)], "viewer", doc))).toBe("not_found");
    });

    test("by administrators: about all, and it leaves an event; the session must have proved a second factor", async () => {
      const root = await world.administrator();
      const ben = await world.person();
      const doc = newDoc();
      expect(await ask(root.actor, user(ben.userId), "viewer", doc)).toMatchObject({ allowed: false });
      const events = await world.events({ target: ben.userId, action: "authz.tup.find" });
      expect(events.map(({ actorUserId }) => actorUserId)).toEqual([uuid(root.userId)]);
      await world.rows(sql`update ses set mfa_verified_at = null where id = ${uuidFor("ses", root.session.id)}::uuid`);
      expect(await outcome(ask(root.actor, user(ben.userId), "viewer", doc))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("a tuple: to its subject, to writers of its object and to administrators", async () => {
      const [ada, ben, eve] = [await world.person(), await world.person(), await world.person()];
      const root = await world.administrator();
      const { id: tupleId } = await write(user(ben.userId), "viewer", await owned(ada.userId));
      const get = (actor: Parameters<typeof write>[3]) => outcome(auth.tuples.get({ actor: actor!, tupleId }));
      expect(await Promise.all([get(ada.actor), get(ben.actor), get(root.actor), get(system)])).toEqual(
        Array(4).fill("done"),
      );
      expect(await get(eve.actor)).toBe("not_found");
      const readers = await world.events({ target: tupleId, action: "authz.tup.read" });
      expect(readers.map(({ actorUserId }) => actorUserId)).toEqual([uuid(root.userId)]);
    });

    test("lists: of one's own, of an object that one manages, in pages; others are not found", async () => {
      const [ada, ben] = [await world.person(), await world.person()];
      const doc = await owned(ada.userId);
      const made = [
        await write(user(ben.userId), "viewer", doc),
        await write(user(ben.userId), "editor", doc),
        await write(["usr", generateId("usr")], "viewer", doc),
      ];
      await write(["doc", uuid(ben.userId)], "viewer", newDoc());
      const ofBen = { subjectType: "usr", subjectId: ben.userId };
      const ofDoc = { objectType: "doc", objectId: doc[1] };
      expect((await auth.tuples.listBySubject({ actor: ben.actor, ...ofBen })).data).toEqual(made.slice(0, 2));
      expect(await outcome(auth.tuples.listBySubject({ actor: ada.actor, ...ofBen }))).toBe("not_found");
      expect(await outcome(auth.tuples.listByObject({ actor: ben.actor, ...ofDoc }))).toBe("not_found");
      const first = await auth.tuples.listByObject({ actor: ada.actor, ...ofDoc, relation: "viewer", limit: 1 });
      expect(first.data).toEqual(made.slice(0, 1));
      const rest = await auth.tuples.listByObject({
        actor: ada.actor,
        ...ofDoc,
        relation: "viewer",
        cursor: first.nextCursor!,
      });
      expect(rest).toEqual({ data: made.slice(2), nextCursor: null });
      expect((await auth.tuples.listByObject({ actor: ada.actor, ...ofDoc })).data).toHaveLength(4);
      expect(await outcome(auth.tuples.listByObject({ actor: ada.actor, ...ofDoc, cursor: "usr_1" }))).toBe(
        "invalid_format.cursor",
      );
      expect(await outcome(auth.tuples.listByObject({ actor: ada.actor, ...ofDoc, relation: "%" }))).toBe(
        "invalid_format.relation",
      );
    });
  });
});

const rules = {
  doc: {
    owner: [
      {
        type: "tuple_to_userset",
        tupleset_relation: "parent",
        computed_userset_relation: "owner",
        subject_type: "folder",
      },
    ],
  },
  folder: {
    owner: [
      {
        type: "tuple_to_userset",
        tupleset_relation: "parent",
        computed_userset_relation: "owner",
        subject_type: "folder",
      },
    ],
  },
} as const;

describe.each([{ exactOrder: false }, { exactOrder: true }])("writers by rules: %o", (options) => {
  const writers = {
    doc: { viewer: "owner", parent: { object: "owner", subject: "owner" } },
    folder: { parent: { object: "owner", subject: "owner" } },
  };
  const ruled = { rules: rewriteRules(rules, { ...options, maxDepth: 2 }), writers };
  describeWorld("tuples", { on: ["postgres"], auth: ruled }, (world, auth) => {
    const { write } = tuplesIn(world);

    test("the right may follow from another object, for writing, deleting, reading and asking", async () => {
      const [ada, eve] = [await world.person(), await world.person()];
      const [folder, doc] = [newFolder(), newDoc()];
      await write(user(ada.userId), "owner", folder);
      await write(folder, "parent", doc);
      const { id: tupleId } = await write(user(eve.userId), "viewer", doc, ada.actor);
      const key = tupleOf(user(eve.userId), "viewer", doc);
      const acts = ({ actor }: { actor: typeof ada.actor }) => [
        () => auth.tuples.check({ actor, ...key }),
        () => auth.tuples.get({ actor, tupleId }),
        () => auth.tuples.listByObject({ actor, objectType: "doc", objectId: doc[1] }),
        () => auth.tuples.delete({ actor, tupleId }),
      ];
      const stranger = await world.person();
      for (const act of acts(stranger)) expect(await outcome(act())).toBe("not_found");
      for (const act of acts(ada)) expect(await outcome(act())).toBe("done");
    });

    test("S07: a limit of the rules: evaluation_limit_exceeded, never a yes and never a no; administrators read on", async () => {
      const [ada, root] = [await world.person(), await world.administrator()];
      const [doc, ...folders] = [newDoc(), newFolder(), newFolder(), newFolder(), newFolder()];
      for (const [index, folder] of folders.entries()) await write(folder, "parent", folders[index - 1] ?? doc);
      await write(user(ada.userId), "owner", folders.at(-1)!);
      const made = await write(user(ada.userId), "viewer", doc);
      const by = ({ actor }: { actor: typeof ada.actor }) => ({
        create: () => auth.tuples.create({ actor, ...tupleOf(user(root.userId), "viewer", doc) }),
        delete: () => auth.tuples.delete({ actor, tupleId: made.id }),
        list: () => auth.tuples.listByObject({ actor, objectType: "doc", objectId: doc[1] }),
        check: () => auth.tuples.check({ actor, ...tupleOf(user(root.userId), "viewer", doc) }),
      });
      for (const act of Object.values(by(ada))) expect(await outcome(act())).toBe("evaluation_limit_exceeded");
      expect(await outcome(auth.tuples.get({ actor: ada.actor, tupleId: made.id }))).toBe("done");
      const administrator = by(root);
      expect(await outcome(administrator.list())).toBe("done");
      expect(await outcome(administrator.check())).toBe("done");
    });
  });
});

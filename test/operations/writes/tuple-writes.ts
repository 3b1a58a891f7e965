import { expect } from "vitest";
import type { TupleId } from "../../../src/domain/id.ts";
import type { Tuple } from "../../../src/domain/tuple.ts";
import { type Person, system, type World } from "../../support/auth.ts";
import { type End, tupleOf, tuplesIn, user } from "../../support/tuples.ts";
import type { Write } from "./write.ts";

/** A document that the person owns and another user may view. */
const shared = async (world: World, person: Person) => {
  const { owned, write } = tuplesIn(world);
  const doc = await owned(person.userId);
  const other = await world.person();
  return { doc, other, tuple: await write(user(other.userId), "viewer", doc) };
};
type Shared = Awaited<ReturnType<typeof shared>>;

const tuplesOf = async (world: World, [objectType, objectId]: End) =>
  (await world.auth.tuples.listByObject({ actor: system, objectType, objectId })).data.length;

const ofObject = ([objectType, objectId]: End) => ({ objectType, objectId });

/** Acts on tuples. */
export const tupleWrites: readonly Write[] = [
  {
    name: "tuples.create",
    action: "authz.tup.create",
    requests: 1,
    prepare: shared,
    act: (auth, { actor }, { doc, other }: Shared) =>
      auth.tuples.create({ actor, ...tupleOf(user(other.userId), "editor", doc) }),
    repeated: "conflict.duplicate_tuple",
    check: async (world, { objectType, objectId }: Tuple) =>
      expect(await tuplesOf(world, [objectType, objectId])).toBe(3),
  },
  {
    name: "tuples.delete",
    action: "authz.tup.delete",
    requests: 1,
    prepare: shared,
    act: (auth, { actor }, { tuple }: Shared) => auth.tuples.delete({ actor, tupleId: tuple.id }),
    repeated: "not_found",
  },
  {
    name: "tuples.deleteBySubject",
    action: "authz.tup.delete_all",
    requests: 1,
    prepare: shared,
    act: (auth, _person, { other }: Shared) =>
      auth.tuples.deleteBySubject({ actor: system, subjectType: "usr", subjectId: other.userId }),
    repeated: "done",
    check: async (_world, { count }: { count: number }) => expect(count).toBe(1),
  },
  {
    name: "tuples.deleteByObject",
    action: "authz.tup.delete_all",
    requests: 1,
    prepare: shared,
    act: (auth, _person, { doc }: Shared) => auth.tuples.deleteByObject({ actor: system, ...ofObject(doc) }),
    repeated: "done",
    check: async (_world, { count }: { count: number }) => expect(count).toBe(2),
  },
];

/** Questions about tuples. */
export const tupleReads = [
  {
    name: "tuples.get",
    prepare: shared,
    act: (auth: World["auth"], { actor }: Person, { tuple }: { tuple: { id: TupleId } }) =>
      auth.tuples.get({ actor, tupleId: tuple.id }),
  },
  {
    name: "tuples.check, by a user",
    prepare: shared,
    act: (auth: World["auth"], { actor }: Person, { doc, other }: Shared) =>
      auth.tuples.check({ actor, ...tupleOf(user(other.userId), "viewer", doc) }),
  },
  {
    name: "tuples.checkMany",
    act: (auth: World["auth"], { userId }: Person) =>
      auth.tuples.checkMany([tupleOf(user(userId), "viewer", ["doc", "0190f2a8-1b3c-7abc-8123-456789abcdef"])]),
  },
  {
    name: "tuples.listBySubject",
    act: (auth: World["auth"], { actor, userId }: Person) =>
      auth.tuples.listBySubject({ actor, subjectType: "usr", subjectId: userId }),
  },
  {
    name: "tuples.listByObject",
    prepare: shared,
    act: (auth: World["auth"], { actor }: Person, { doc }: Shared) =>
      auth.tuples.listByObject({ actor, ...ofObject(doc) }),
  },
];

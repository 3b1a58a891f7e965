import type { Actor } from "../../src/domain/actor.ts";
import { generateId, newUuid, type TupleId, type UserId, uuidFor } from "../../src/domain/id.ts";
import type { Tuple } from "../../src/domain/tuple.ts";
import { sql } from "../../src/store/sql.ts";
import { system, type World } from "./auth.ts";

/** A subject or an object of a tuple. */
export type End = readonly [type: string, id: string];

export const user = (userId: UserId): End => ["usr", userId];
export const newDoc = (): End => ["doc", crypto.randomUUID()];
export const newFolder = (): End => ["folder", crypto.randomUUID()];

/** A tuple as an operation takes it. */
export const tupleOf = ([subjectType, subjectId]: End, relation: string, [objectType, objectId]: End) => ({
  subjectType,
  subjectId,
  relation,
  objectType,
  objectId,
});

/** Writes tuples in a world. */
export function tuplesIn(world: World) {
  const write = (subject: End, relation: string, object: End, actor: Actor = system): Promise<Tuple> =>
    world.auth.tuples.create({ actor, ...tupleOf(subject, relation, object) });
  return {
    write,
    /** A document that a user owns. */
    owned: async (userId: UserId): Promise<End> => {
      const doc = newDoc();
      await write(user(userId), "owner", doc);
      return doc;
    },
    allowed: async (subject: End, relation: string, object: End): Promise<boolean> =>
      (await world.auth.tuples.check(tupleOf(subject, relation, object))).allowed,
  };
}

/** What a route about tuples is about. */
export interface TuplesFor {
  readonly tupleId: TupleId;
  /** A document that the user owns, and which another user may view by that tuple. */
  readonly docId: string;
}

/** True if a route is about tuples. */
export const isAboutTuples = ({ path }: { path: string }): boolean => path.startsWith("/v1/tuples");

/** A document of a user, and a tuple of another user on it. */
export async function tuplesFor(
  { rows }: Pick<World, "rows">,
  userId: string,
  route: { path: string },
): Promise<TuplesFor> {
  const [tupleId, docId] = [generateId("tup"), newUuid()];
  // Without operations, which would leave events. A user may have ended.
  if (isAboutTuples(route)) {
    await rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      values (${newUuid()}::uuid, 'usr', ${uuidFor("usr", userId)}::uuid, 'owner', 'doc', ${docId}::uuid),
        (${uuidFor("tup", tupleId)}::uuid, 'usr', ${newUuid()}::uuid, 'viewer', 'doc', ${docId}::uuid)`);
  }
  return { tupleId, docId };
}

/** The bodies of the routes about tuples. */
export function tupleBodies(userId: string, { docId }: TuplesFor): Readonly<Record<string, object>> {
  const key = { subject_type: "usr", subject_id: userId, relation: "viewer", object_type: "doc", object_id: docId };
  return { createTuple: key, check: key };
}

/** The query of a route that lists tuples; nothing for any other route. */
export function tupleQuery({ id }: { id: string }, userId: string, { docId }: TuplesFor): string {
  if (id === "listTuplesBySubject") return `?subject_type=usr&subject_id=${userId}`;
  return id === "listTuplesByObject" ? `?object_type=doc&object_id=${docId}` : "";
}

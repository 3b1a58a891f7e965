import * as v from "valibot";
import * as acts from "../../domain/acts/tuple.ts";
import type { AuthorizationAuth } from "../../operations/tuples.ts";
import { pageEntries, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { checkBody, tupleBody } from "../tuple-wire.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<AuthorizationAuth>();

/** The operation checks the form of each, with its own code. */
const subjectEntries = () => ({ subject_type: v.string(), subject_id: v.string() });
const objectEntries = () => ({ object_type: v.string(), object_id: v.string() });

/** Relational tuples, as the specification has them. */
export const tupleRoutes: RouteTable<AuthorizationAuth> = () => [
  rows.guarded({
    act: acts.createTuple,
    method: "post",
    path: "/v1/tuples",
    body: () => v.strictObject({ ...subjectEntries(), relation: v.string(), ...objectEntries() }),
    status: 201,
    run: async ({ auth, actor, body: { relation, ...sides } }) =>
      tupleBody(await auth.tuples.create({ actor, relation, ...subjectIn(sides), ...objectIn(sides) })),
  }),
  rows.guarded({
    act: acts.check,
    method: "post",
    path: "/v1/tuples/check",
    body: () =>
      v.union([
        v.strictObject({ ...subjectEntries(), relation: v.string(), ...objectEntries() }),
        v.strictObject({ ...subjectEntries(), relations: v.array(v.string()), ...objectEntries() }),
      ]),
    run: async ({ auth, actor, body }) => {
      const relations = "relations" in body ? body.relations : [body.relation];
      const asked = { actor, relations, ...subjectIn(body), ...objectIn(body) };
      return checkBody(await auth.tuples.checkAny(asked));
    },
  }),
  rows.guarded({
    act: acts.listTuplesBySubject,
    method: "get",
    path: "/v1/tuples/by-subject",
    query: () => v.object({ ...subjectEntries(), ...pageEntries() }),
    run: async ({ auth, actor, query: { limit, cursor, ...side } }) => {
      const page = await auth.tuples.listBySubject({ actor, cursor, limit: toNumber(limit), ...subjectIn(side) });
      return pageBody(page, tupleBody);
    },
  }),
  rows.guarded({
    act: acts.listTuplesByObject,
    method: "get",
    path: "/v1/tuples/by-object",
    query: () => v.object({ ...objectEntries(), relation: v.optional(v.string()), ...pageEntries() }),
    run: async ({ auth, actor, query: { limit, cursor, relation, ...side } }) => {
      const asked = { actor, cursor, limit: toNumber(limit), relation, ...objectIn(side) };
      return pageBody(await auth.tuples.listByObject(asked), tupleBody);
    },
  }),
  rows.guarded({
    act: acts.getTuple,
    method: "get",
    path: "/v1/tuples/:tup_id",
    run: async ({ auth, actor, parameter }) =>
      tupleBody(await auth.tuples.get({ actor, tupleId: parameter("tup_id") })),
  }),
  rows.guarded({
    act: acts.deleteTuple,
    method: "delete",
    path: "/v1/tuples/:tup_id",
    status: 204,
    run: async ({ auth, actor, parameter }) => await auth.tuples.delete({ actor, tupleId: parameter("tup_id") }),
  }),
];

function subjectIn(side: { subject_type: string; subject_id: string }): { subjectType: string; subjectId: string } {
  return { subjectType: side.subject_type, subjectId: side.subject_id };
}

function objectIn(side: { object_type: string; object_id: string }): { objectType: string; objectId: string } {
  return { objectType: side.object_type, objectId: side.object_id };
}

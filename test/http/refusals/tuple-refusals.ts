import type { ErrorCode } from "../../../src/domain/error.ts";
import { generateId, newUuid } from "../../../src/domain/id.ts";
import { rewriteRules } from "../../../src/engine/rule-set.ts";
import { type Person, system } from "../../support/auth.ts";
import { type Sent, send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { tuplesFor } from "../../support/tuples.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

/** Folders in folders, which a check follows for one hop. */
const nested = {
  rules: rewriteRules(
    {
      doc: {
        owner: [{ type: "tuple_to_userset", tupleset_relation: "parent", computed_userset_relation: "owner" }],
      },
      folder: {
        owner: [{ type: "tuple_to_userset", tupleset_relation: "parent", computed_userset_relation: "owner" }],
      },
    },
    { maxDepth: 1 },
  ),
  writers: { doc: { viewer: "owner" } },
} as const;

export function tupleRefusals(world: HttpWorld, { post, get, as }: RefusalTools): Record<string, Provocations> {
  const path = "/v1/tuples";
  const owned = async () => {
    const person = await world.person();
    const { docId, tupleId } = await tuplesFor(world, person.userId, { path });
    const key = { subject_type: "usr", subject_id: person.userId, object_type: "doc", object_id: docId };
    return { person, tupleId, key, ofObject: `object_type=doc&object_id=${docId}` };
  };
  /** A request about a document that lies too deep in folders. */
  const deep = async (request: (made: { docId: string; tupleId: string; person: Person }) => Sent) => {
    const person = await world.person();
    const { tuples } = world.auth;
    const ends = [
      ["doc", newUuid()],
      ["folder", newUuid()],
      ["folder", newUuid()],
    ] as const;
    const linked = { actor: system, relation: "parent" };
    for (const [index, [subjectType, subjectId]] of ends.entries()) {
      const [objectType, objectId] = ends[index - 1] ?? [];
      if (objectType && objectId) await tuples.create({ ...linked, subjectType, subjectId, objectType, objectId });
    }
    const [, docId] = ends[0];
    const viewed = { subjectType: "usr", subjectId: newUuid(), objectType: "doc", objectId: docId };
    const { id: tupleId } = await tuples.create({ actor: system, relation: "viewer", ...viewed });
    return await send(applicationOf(world.isolate(nested)), {
      ...request({ docId, tupleId, person }),
      token: person.token,
    });
  };
  const limited = (request: Parameters<typeof deep>[0]): Provocations => ({
    evaluation_limit_exceeded: () => deep(request),
  });
  const otherKey = (docId: string) => ({
    subject_type: "usr",
    subject_id: newUuid(),
    relation: "viewer",
    object_type: "doc",
    object_id: docId,
  });
  const faults: Readonly<Record<string, readonly [ErrorCode, unknown]>> = {
    subject_type: ["invalid_format.subject_type", "USR"],
    subject_id: ["invalid_format.subject_id", generateId("org")],
    relation: ["invalid_format.relation", "X"],
    object_type: ["invalid_format.object_type", "project"],
    object_id: ["invalid_format.object_id", "1"],
  };
  const malformed = (at: string): Provocations =>
    Object.fromEntries(
      Object.entries(faults).map(([member, [code, value]]) => [
        code,
        async () => {
          const { person, key } = await owned();
          return await post(at, { ...key, relation: "viewer", [member]: value }, as(person));
        },
      ]),
    );

  return {
    createTuple: {
      ...malformed(path),
      ...limited(({ docId }) => ({ method: "POST", path, json: otherKey(docId) })),
      "conflict.duplicate_tuple": async () => {
        const { person, key } = await owned();
        await post(path, { ...key, relation: "viewer" }, as(person));
        return await post(path, { ...key, relation: "viewer" }, as(person));
      },
      "precondition.user_not_active": async () => {
        const { person, key } = await owned();
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await post(path, { ...key, subject_id: userId, relation: "viewer" }, as(person));
      },
    },
    check: {
      ...malformed(`${path}/check`),
      ...limited(({ docId }) => ({ method: "POST", path: `${path}/check`, json: otherKey(docId) })),
      "invalid_format.relations": async () => {
        const { person, key } = await owned();
        return await post(`${path}/check`, { ...key, relations: [] }, as(person));
      },
    },
    listTuplesBySubject: {
      "invalid_format.subject_type": async () =>
        await get(`${path}/by-subject?subject_type=USR&subject_id=${newUuid()}`, as(await world.person())),
      "invalid_format.subject_id": async () =>
        await get(`${path}/by-subject?subject_type=usr&subject_id=1`, as(await world.person())),
      "invalid_format.cursor": async () => {
        const person = await world.person();
        return await get(`${path}/by-subject?subject_type=usr&subject_id=${person.userId}&cursor=1`, as(person));
      },
    },
    listTuplesByObject: {
      ...limited(({ docId }) => ({ method: "GET", path: `${path}/by-object?object_type=doc&object_id=${docId}` })),
      "invalid_format.object_type": async () =>
        await get(`${path}/by-object?object_type=X&object_id=${newUuid()}`, as(await world.person())),
      "invalid_format.object_id": async () =>
        await get(`${path}/by-object?object_type=doc&object_id=1`, as(await world.person())),
      "invalid_format.relation": async () => {
        const { person, ofObject } = await owned();
        return await get(`${path}/by-object?${ofObject}&relation=X`, as(person));
      },
      "invalid_format.cursor": async () => {
        const { person, ofObject } = await owned();
        return await get(`${path}/by-object?${ofObject}&cursor=1`, as(person));
      },
    },
    getTuple: limited(({ tupleId }) => ({ method: "GET", path: `${path}/${tupleId}` })),
    deleteTuple: limited(({ tupleId }) => ({ method: "DELETE", path: `${path}/${tupleId}` })),
  };
}

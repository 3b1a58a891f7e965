import type { GuardedAct } from "../act.ts";
import type { ErrorCode } from "../error.ts";

/** What a question or a tuple can be refused for, by its form. */
const malformed: readonly ErrorCode[] = [
  "invalid_format.subject_type",
  "invalid_format.subject_id",
  "invalid_format.relation",
  "invalid_format.object_type",
  "invalid_format.object_id",
];

export const createTuple: GuardedAct = {
  name: "createTuple",
  action: "authz.tup.create",
  target: "tup",
  who: { writer: "tuple" },
  locks: ["user"],
  refusals: [...malformed, "precondition.user_not_active", "conflict.duplicate_tuple", "evaluation_limit_exceeded"],
};

export const deleteTuple: GuardedAct = {
  name: "deleteTuple",
  action: "authz.tup.delete",
  target: "tup",
  who: { writer: "tuple" },
  locks: ["organization"],
  refusals: ["evaluation_limit_exceeded"],
};

/** All tuples of a subject or of an object at once. */
export const deleteTuples: GuardedAct = {
  name: "deleteTuples",
  action: "authz.tup.delete_all",
  target: "tup",
  who: {},
  locks: ["organization"],
  refusals: malformed.filter((code) => code !== "invalid_format.relation"),
};

export const getTuple: GuardedAct = {
  name: "getTuple",
  action: "authz.tup.read",
  target: "tup",
  who: { owner: true, writer: "object", administrator: true },
  refusals: ["evaluation_limit_exceeded"],
};

export const listTuplesBySubject: GuardedAct = {
  name: "listTuplesBySubject",
  action: "authz.tup.list",
  target: "tup",
  who: { owner: true, administrator: true },
  refusals: ["invalid_format.subject_type", "invalid_format.subject_id", "invalid_format.cursor"],
};

export const listTuplesByObject: GuardedAct = {
  name: "listTuplesByObject",
  action: "authz.tup.list",
  target: "tup",
  who: { writer: "object", administrator: true },
  refusals: [
    "invalid_format.object_type",
    "invalid_format.object_id",
    "invalid_format.relation",
    "invalid_format.cursor",
    "evaluation_limit_exceeded",
  ],
};

/** Whether a subject holds a relation on an object. */
export const check: GuardedAct = {
  name: "check",
  action: "authz.tup.find",
  target: "tup",
  who: { owner: true, writer: "object", administrator: true },
  refusals: [...malformed, "invalid_format.relations", "evaluation_limit_exceeded"],
};

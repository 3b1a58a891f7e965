import type { PlantedFault } from "../planted-faults.ts";

const suite = "test/operations/tuple-writes.test.ts";

/** Who writes tuples, and who asks about them. */
export const tupleFaults: readonly PlantedFault[] = [
  {
    rule: "S07",
    fault: "a link needs no right on its subject",
    file: "src/store/tuple-writers.ts",
    find: "when rule.on_subject <> '' then ${standing(onSubject)}",
    replace: "when rule.on_subject <> '' then 'held'",
    suite,
    title: "S07: a link needs a right on both ends",
  },
  {
    rule: "S07",
    fault: "without a relation on the subject, any subject will do",
    file: "src/store/tuple-writers.ts",
    find: "when ${target}.subject_type = 'usr' then 'held' else 'none' end",
    replace: "else 'held' end",
    suite,
    title: "S07: for a subject that is no user",
  },
  {
    rule: "S07",
    fault: "the writer of one relation writes all",
    file: "src/store/tuple-writers.ts",
    find: "where rule.type = ${target}.object_type and rule.relation = ${target}.relation), 'none')",
    replace: "where rule.type = ${target}.object_type limit 1), 'none')",
    suite,
    title: "S07: a relation that no user writes",
  },
  {
    rule: "S07",
    fault: "a limit of the rules lets a writer pass",
    file: "src/store/access.ts",
    find: "else 'evaluation_limit_exceeded' end end`",
    replace: "else null end end`",
    suite,
    title: "S07: a limit of the rules: evaluation_limit_exceeded",
  },
  {
    rule: "S07",
    fault: "a subject of another type with the caller's id is the caller",
    file: "src/store/tuples.ts",
    find: "sql`case when target.subject_type = 'usr' then target.subject_id end`",
    replace: "sql`target.subject_id`",
    suite,
    title: "S07: questions of users > about themselves: answered",
  },
  {
    rule: "S07",
    fault: "the tuple of a membership can be deleted",
    file: "src/store/tuples.ts",
    find: "when ${isCompanion(sql`target`)} then 'precondition.companion_tuple' end",
    replace: "end",
    suite,
    title: "S07: the tuple of a membership or an administrator: precondition.companion_tuple",
  },
  {
    rule: "S07",
    fault: "a tuple is written without a lock on its subject",
    file: "src/operations/tuples.ts",
    find: 'key.subjectType === "usr" ? lockUser(key.subjectId)',
    replace: 'key.subjectType === "" ? lockUser(key.subjectId)',
    suite: "test/operations/tuples.races.test.ts",
    title: "S07: a user is revoked while a tuple is written for them",
  },
];

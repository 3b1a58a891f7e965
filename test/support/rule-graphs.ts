import { newUuid } from "../../src/domain/id.ts";
import type { RewriteRules } from "../../src/domain/rewrite-rule.ts";
import { type RuleOptions, rewriteRules } from "../../src/engine/rule-set.ts";
import type { CheckResult } from "../../src/operations/tuple-checks.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, type World } from "./auth.ts";

/** An entity by a short name, such as `usr:ada`. Each graph has ids of its own, so graphs share a database. */
export type Name = `${string}:${string}`;

/** A tuple: `["usr:ada", "editor", "doc:plan"]`. */
export type Edge = readonly [subject: Name, relation: string, object: Name];

export interface Graph {
  idOf(name: Name): string;
  /** The answer of a check: the tuple that allowed, as `usr:ada editor doc:plan`, false, or the code of the error. */
  ask(
    rules: unknown,
    question: Edge | readonly [Name, readonly string[], Name],
    options?: RuleOptions,
  ): Promise<string | false>;
}

/** Stores a graph. */
export async function storeGraph(world: World, edges: readonly Edge[]): Promise<Graph> {
  const ids = new Map<Name, string>();
  const idOf = (name: Name): string => {
    const id = ids.get(name) ?? newUuid();
    ids.set(name, id);
    return id;
  };
  const typeOf = (name: Name): string => name.split(":")[0]!;
  const tuples = new Map(edges.map((edge) => [newUuid(), edge]));
  const column = (read: (edge: Edge) => string) => [...tuples.values()].map(read);
  await world.rows(sql`
    insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
    select * from unnest(${[...tuples.keys()]}::uuid[], ${column(([by]) => typeOf(by))}::text[],
      ${column(([by]) => idOf(by))}::uuid[], ${column(([, relation]) => relation)}::text[],
      ${column(([, , on]) => typeOf(on))}::text[], ${column(([, , on]) => idOf(on))}::uuid[])`);
  const nameOf = ({ matchedTupleId }: CheckResult & { allowed: true }): string => {
    const id = [...tuples.keys()].find((one) => `tup_${one.replaceAll("-", "")}` === matchedTupleId);
    return id === undefined ? `an unknown tuple ${matchedTupleId}` : tuples.get(id)!.join(" ");
  };
  return {
    idOf,
    async ask(rules, [subject, relation, object], options) {
      const auth = world.isolate({ database: world.counting, rules: rewriteRules(rules as RewriteRules, options) });
      const question = {
        subjectType: typeOf(subject),
        subjectId: idOf(subject),
        objectType: typeOf(object),
        objectId: idOf(object),
      };
      const asking =
        typeof relation === "string"
          ? auth.tuples.check({ ...question, relation })
          : auth.tuples.checkAny({ ...question, relations: relation });
      const code = await outcome(asking);
      if (code !== "done") return code;
      const found = await asking;
      return found.allowed && nameOf(found);
    },
  };
}

/** A chain of objects, each the parent of the one before it: `node:0` is at its beginning. */
export function chain(length: number, holder: Edge): readonly Edge[] {
  const links = Array.from({ length }, (_, at): Edge => [`node:${at + 1}`, "parent", `node:${at}`]);
  return [...links, holder];
}

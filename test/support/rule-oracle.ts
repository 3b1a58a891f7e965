/**
 * Rewrite rules, evaluated as naively as possible: the text of the specification line by line, and the definition of the default
 * mode as a set of frames. It shares nothing with the statements but the form of the rules.
 *
 * @module
 */
import type { RewriteNode } from "../../src/domain/rewrite-rule.ts";

export interface OracleTuple {
  readonly id: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly relation: string;
  readonly objectType: string;
  readonly objectId: string;
}

/** Rules as a list, so that no name can be a key of an object. */
export type OracleRules = readonly {
  readonly type: string;
  readonly relation: string;
  readonly nodes: readonly RewriteNode[];
}[];

export interface OracleWorld {
  readonly tuples: readonly OracleTuple[];
  readonly rules: OracleRules;
  /** The ids of the organizations that are suspended or have ended. */
  readonly inactive: readonly string[];
  readonly maxDepth: number;
  readonly maxFanOut: number;
}

export interface OracleQuestion {
  readonly subjectType: string;
  readonly subjectId: string;
  readonly relations: readonly string[];
  readonly objectType: string;
  readonly objectId: string;
}

/** `limited`: an error and no answer. `tuples`: those that may be named as the one that allowed. */
export type OracleVerdict =
  | { readonly kind: "allowed"; readonly tuples: readonly string[] }
  | { readonly kind: "denied" | "limited" };

/** The question “who holds this relation on this object?”. */
interface Frame {
  readonly relation: string;
  readonly type: string;
  readonly id: string;
}

class LimitExceeded extends Error {}

const sameFrame = (a: Frame, b: Frame): boolean => a.relation === b.relation && a.type === b.type && a.id === b.id;

const nodesOf = (world: OracleWorld, { type, relation }: Frame): readonly RewriteNode[] | undefined =>
  world.rules.find((rule) => rule.type === type && rule.relation === relation)?.nodes;

const directTuple = (world: OracleWorld, asked: OracleQuestion, frame: Frame): OracleTuple | undefined =>
  world.tuples.find(
    (tuple) =>
      tuple.subjectType === asked.subjectType &&
      tuple.subjectId === asked.subjectId &&
      tuple.relation === frame.relation &&
      tuple.objectType === frame.type &&
      tuple.objectId === frame.id,
  );

/** The frames behind a node, in the order of the tuples' ids. @throws {LimitExceeded} */
function framesBehind(world: OracleWorld, node: RewriteNode, frame: Frame): readonly Frame[] {
  if (node.type === "this") return [];
  if (node.type === "computed_userset") return [{ ...frame, relation: node.relation }];
  const linking = world.tuples
    .filter((tuple) => tuple.objectType === frame.type && tuple.objectId === frame.id)
    .filter((tuple) => tuple.relation === node.tupleset_relation)
    .filter((tuple) => node.subject_type === undefined || tuple.subjectType === node.subject_type)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (linking.length > world.maxFanOut) throw new LimitExceeded();
  return linking.map(({ subjectType, subjectId }) => ({
    relation: node.computed_userset_relation,
    type: subjectType,
    id: subjectId,
  }));
}

const isInactive = (world: OracleWorld, { type, id }: Frame): boolean => type === "org" && world.inactive.includes(id);

/** Specification, chapter "authorization", evaluation of `go`: the comments are its lines. */
export function literalVerdict(world: OracleWorld, asked: OracleQuestion): OracleVerdict {
  const go = (frame: Frame, stack: readonly Frame[], depth: number): string | undefined => {
    // Not of the specification: an organization that is not active grants nothing.
    if (isInactive(world, frame)) return undefined;
    // 1. Direct lookup: hit, allowed, return that tuple id.
    const hit = directTuple(world, asked, frame);
    if (hit) return hit.id;
    // 2. No rule for (object_type, relation): denied.
    const nodes = nodesOf(world, frame);
    if (!nodes) return undefined;
    // 3. Frame already on the stack: denied for this branch.
    if (stack.some((earlier) => sameFrame(earlier, frame))) return undefined;
    // 4. depth >= max_depth: error.
    if (depth >= world.maxDepth) throw new LimitExceeded();
    // 5. Nodes in order with the frame pushed. 6. The first allowed result wins.
    for (const node of nodes) {
      for (const next of framesBehind(world, node, frame)) {
        const found = go(next, [...stack, frame], depth + 1);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  try {
    // checkAny: relations in order until one allows.
    for (const relation of asked.relations) {
      const found = go({ relation, type: asked.objectType, id: asked.objectId }, [], 0);
      if (found !== undefined) return { kind: "allowed", tuples: [found] };
    }
    return { kind: "denied" };
  } catch (error) {
    if (error instanceof LimitExceeded) return { kind: "limited" };
    throw error;
  }
}

/**
 * The default mode: yes if any way within the limits allows; otherwise an error if a limit cut anything off; otherwise no. A frame
 * that is reached in fewer hops has been followed, so a longer way to it cuts nothing off.
 */
export function anyWayVerdict(world: OracleWorld, asked: OracleQuestion): OracleVerdict {
  let level: Frame[] = asked.relations
    .map((relation) => ({ relation, type: asked.objectType, id: asked.objectId }))
    .filter((frame) => !isInactive(world, frame));
  const seen: Frame[] = [];
  let isCutOff = false;
  for (let depth = 0; level.length > 0; depth++) {
    const hits = level.flatMap((frame) => directTuple(world, asked, frame)?.id ?? []);
    if (hits.length > 0) return { kind: "allowed", tuples: hits };
    const fresh = level.filter(
      (frame, index) =>
        !seen.some((earlier) => sameFrame(earlier, frame)) && level.findIndex((one) => sameFrame(one, frame)) === index,
    );
    seen.push(...fresh);
    level = [];
    for (const frame of fresh) {
      for (const node of nodesOf(world, frame) ?? []) {
        if (node.type === "this") continue;
        if (depth >= world.maxDepth) {
          isCutOff = true;
          continue;
        }
        try {
          level.push(...framesBehind(world, node, frame).filter((next) => !isInactive(world, next)));
        } catch (error) {
          if (!(error instanceof LimitExceeded)) throw error;
          isCutOff = true;
        }
      }
    }
  }
  return { kind: isCutOff ? "limited" : "denied" };
}

/**
 * How much work the literal evaluation is if it does not stop at the first way that allows, where a hop over the limit counts for
 * the tuples that are read to notice it. `entered`: without the frames that end at once, because they stand on the stack or their
 * organization is not active. `met`: with them. Stops counting past `most`.
 */
export function literalWork(
  world: OracleWorld,
  asked: OracleQuestion,
  most: number,
): { readonly entered: number; readonly met: number } {
  const work = { entered: 0, met: 0 };
  const meet = (frame: Frame, stack: readonly Frame[]): void => {
    work.met += 1;
    if (isInactive(world, frame) || stack.some((earlier) => sameFrame(earlier, frame))) return;
    work.entered += 1;
    if (directTuple(world, asked, frame) || stack.length >= world.maxDepth) return;
    for (const node of nodesOf(world, frame) ?? []) {
      try {
        for (const next of framesBehind(world, node, frame)) if (work.entered <= most) meet(next, [...stack, frame]);
      } catch (error) {
        if (!(error instanceof LimitExceeded)) throw error;
        work.met += world.maxFanOut + 1;
        work.entered += world.maxFanOut + 1;
      }
    }
  };
  for (const relation of asked.relations) meet({ relation, type: asked.objectType, id: asked.objectId }, []);
  return work;
}

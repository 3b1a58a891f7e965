import { parseAst } from "vitest/node";

/** A node of a script's syntax tree (ESTree), with its place in the text. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A part of a text, and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Visits every node of a script, parents first. */
export function visitNodes(script: string, visit: (node: Node) => void): void {
  const descend = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    if (typeof node.type === "string") visit(node);
    for (const child of Object.values(node)) descend(child);
  };
  descend(parseAst(script));
}

/** The script with its edits, none of which overlap. They are applied from the end, so that earlier places stay valid. */
export function edited(script: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), script);
}

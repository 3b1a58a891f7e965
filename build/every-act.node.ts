/**
 * Every act and every audit event. Only tests and documents need the whole list; a Worker carries only the rows that it uses.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import type { Act, Audited } from "../src/domain/act.ts";

const folder = new URL("../src/domain/acts/", import.meta.url);

const modules: readonly Record<string, Act | Audited>[] = await Promise.all(
  readdirSync(folder)
    .sort()
    .map((file) => import(new URL(file, folder).href)),
);

export const everyAudited: readonly (Act | Audited)[] = modules.flatMap((rows) => Object.values(rows));

export const everyAct: readonly Act[] = everyAudited.filter((row) => "name" in row);

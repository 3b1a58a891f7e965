/**
 * `npm run test:faults -- [--rule S55,S57] [--seconds 300]`: plants each fault of the table in a copy of the checkout, and runs
 * the test of its rule. The test must fail with the fault and pass without it.
 *
 * `--table` takes another file than `planted-faults.ts`. Exit code 1: a fault survives, another test than the row's notices it,
 * or a row no longer fits the source or the suite.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openLaboratory, type Verdict } from "./laboratory.node.ts";
import { notPlanted, type PlantedFault, withFault } from "./planted-faults.ts";

const root = process.cwd();
const { values } = parseArgs({
  options: {
    rule: { type: "string" },
    seconds: { type: "string", default: "300" },
    table: { type: "string", default: "test/mutation/planted-faults.ts" },
  },
});
const { plantedFaults } = (await import(pathToFileURL(resolve(root, values.table)).href)) as {
  plantedFaults: readonly PlantedFault[];
};
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1) throw new Error("--seconds is a whole number from 1.");
const rows = plantedFaults.filter(({ rule }) => values.rule === undefined || values.rule.split(",").includes(rule));
if (rows.length === 0) throw new Error("--rule is a rule of the table, or several with commas.");

const needsBrowser = rows.some(({ suite }) => suite.startsWith("test/browser/"));
const projects = ["unit", "node", "alone", ...(needsBrowser ? ["browser"] : [])];
const counts: Record<string, number> = {};
const laboratory = await openLaboratory(root, { projects, never: [] });
try {
  for (const [index, row] of rows.entries()) {
    const started = performance.now();
    const { fate, test = "", says = "" } = await tryRow(row);
    counts[fate] = (counts[fate] ?? 0) + 1;
    const taken = Math.round((performance.now() - started) / 1000);
    console.log(`${index + 1}/${rows.length} ${fate} ${taken} s  ${row.rule}: ${row.fault}  [${row.suite}: ${test}]`);
    console.log(`    ${says}`);
  }
} finally {
  await laboratory.close();
}
for (const { rule, part, why } of notPlanted) console.log(`not planted: ${rule}, ${part}: ${why}`);
const summary = Object.entries(counts).map(([fate, count]) => `${count} ${fate}`);
console.log(`${rows.length} faults: ${summary.join(", ")}`);
process.exit(counts.killed === rows.length ? 0 : 1);

async function tryRow(row: PlantedFault): Promise<Omit<Verdict, "fate"> & { fate: string }> {
  const { suite, title, within = title } = row;
  try {
    const verdict = await laboratory.tryFault(
      { path: row.file, text: withFault(root, row) },
      { suite, within },
      seconds,
    );
    return verdict.fate === "killed" && !verdict.test?.includes(title) ? { ...verdict, fate: "another test" } : verdict;
  } catch (error) {
    return { fate: "invalid", says: String(error) };
  }
}

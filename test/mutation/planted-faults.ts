/**
 * The faults that Sallyport once had, by the rule that each breaks: a row says what stands in the source today, and what stands
 * there with the fault. `npm run test:faults` plants each one and sees the test of its rule fail.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clientFaults } from "./planted/clients.ts";
import { databaseFaults } from "./planted/databases.ts";
import { domainFaults } from "./planted/domains.ts";
import { newcomerFaults } from "./planted/newcomers.ts";
import { ownershipFaults } from "./planted/ownership.ts";
import { policyFaults } from "./planted/policies.ts";
import { ruleFaults } from "./planted/rules.ts";
import { securityFaults } from "./planted/security.ts";
import { tupleFaults } from "./planted/tuples.ts";

/** One fault, and the test that must fail with it. */
export interface PlantedFault {
  /** Its number, or its subject if it has none. */
  readonly rule: string;
  /** What goes wrong, in a sentence. */
  readonly fault: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly suite: string;
  /** A part of the test's full name: the titles of its suites and its own, with ` > ` between them. */
  readonly title: string;
  /** A part of the names of the tests to run, if the test needs those before it. Default: `title`. */
  readonly within?: string;
}

export const plantedFaults: readonly PlantedFault[] = [
  ...securityFaults,
  ...databaseFaults,
  ...clientFaults,
  ...newcomerFaults,
  ...policyFaults,
  ...domainFaults,
  ...ownershipFaults,
  ...ruleFaults,
  ...tupleFaults,
];

/** What a rule also demands, which no edit of a source breaks: a document says it, or another command proves it. */
export const notPlanted: readonly { readonly rule: string; readonly part: string; readonly why: string }[] = [
  { rule: "S58", part: "the statistic over 2,000 pairs", why: "`npm run bench -- timing:2000` prints it" },
  { rule: "S67", part: "the cost of sealing in mixed use", why: "docs/shared-database.md says it" },
  { rule: "S71", part: "the order of migrating and deploying", why: "README.md says it" },
  { rule: "S73", part: "types that fit SimpleWebAuthn's without a cast", why: "`npm run typecheck` proves it" },
];

/** The source with the fault. @throws {Error} If `find` does not stand in the file exactly once. */
export function withFault(root: string, { file, find, replace }: PlantedFault): string {
  const parts = readFileSync(join(root, file), "utf8").split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
  return parts.join(replace);
}

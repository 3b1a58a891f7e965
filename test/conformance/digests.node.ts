/**
 * `node test/conformance/digests.node.ts`: records the corpus beside the project. Run it after reviewing the corpus's changes.
 */
import { writeFileSync } from "node:fs";
import { corpusFolder, digestsFile, digestsOf } from "./digests.ts";

const digests = digestsOf(corpusFolder);
if (Object.keys(digests).length === 0) throw new Error("There is no corpus beside the project.");
writeFileSync(digestsFile, `${JSON.stringify(digests, undefined, 2)}\n`);

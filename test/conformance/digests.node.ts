/** `node test/conformance/digests.node.ts`: records the corpus that is beside the project, once its changes were looked at. */
import { writeFileSync } from "node:fs";
import { corpusFolder, digestsFile, digestsOf } from "./digests.ts";

const digests = digestsOf(corpusFolder);
if (Object.keys(digests).length === 0) throw new Error("There is no corpus beside the project.");
writeFileSync(digestsFile, `${JSON.stringify(digests, undefined, 2)}\n`);

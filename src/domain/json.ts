/** For the layers that know the domain alone. @module */
export { parseStrictJson, partsOf, type StrictJson } from "../crypto/json.ts";

/** For the layers that know the domain alone. @module */
export { given, OptionError, requireOption } from "../crypto/option-error.ts";

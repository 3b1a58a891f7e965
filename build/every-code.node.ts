import { commonRefusals, type ErrorCode } from "../src/domain/error.ts";
import { featureRefusals } from "../src/domain/feature-refusals.ts";

/** Every code of a refusal, for documents and tests. */
export const everyCode: readonly ErrorCode[] = Object.keys({ ...commonRefusals, ...featureRefusals }) as ErrorCode[];

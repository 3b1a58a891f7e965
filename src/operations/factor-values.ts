import { anyFactor, type Factor, type FactorRow, factorTypes } from "../domain/factor.ts";
import { type Prefixed, type RecordTable, toValue } from "../domain/record.ts";

/** The factor that a row holds. */
export function toFactor(row: FactorRow): Factor {
  const own: RecordTable = factorTypes[row.type];
  return { ...toValue(anyFactor, row), ...toValue(own, row) } as Factor;
}

/** The factor of a row that holds one beside something else. */
export function factorOf(row: Prefixed<FactorRow, "factor">): Factor {
  const own: RecordTable = factorTypes[row["factor.type"]];
  return { ...toValue(anyFactor, row, "factor."), ...toValue(own, row, "factor.") } as Factor;
}

/** The reason why a database cannot be migrated or used. */
export type DatabaseStateCode =
  | "migration_changed"
  | "migration_unknown"
  | "migration_order"
  | "name_taken"
  | "reference_differs"
  | "not_permitted"
  | "wrong_encoding"
  | "schema_behind"
  | "schema_ahead"
  | "clock_missing"
  | "clock_replaced"
  | "stale_reads";

/** The database is in a state that this release cannot work with. Only an operator can decide what to do. */
export class DatabaseStateError extends Error {
  override readonly name = "DatabaseStateError";
  readonly code: DatabaseStateCode;

  constructor(code: DatabaseStateCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The pairs of a row and a way that one of several databases tests. Each pair is in the share of exactly one database.
 *
 * From row to row and from way to way, the next database has its turn. So each row is tested on every database if there are as
 * many ways as databases, and each way if there are as many rows.
 *
 * @throws {RangeError} If `database` is not one of the databases.
 */
export function shareOf<Database, Row, Way>(
  database: Database,
  databases: readonly Database[],
  rows: readonly Row[],
  ways: readonly Way[],
): [row: Row, way: Way][] {
  const turn = databases.indexOf(database);
  if (turn < 0) throw new RangeError("There is no share for this database.");
  return rows.flatMap((row, rowIndex) =>
    ways
      .filter((_way, wayIndex) => (rowIndex + wayIndex) % databases.length === turn)
      .map((way): [Row, Way] => [row, way]),
  );
}

/** The pattern of `ilike` for texts that contain a query, in which a backslash escapes. Null for all texts. */
export function containing(query: string | undefined): string | null {
  return query ? `%${query.replace(/[\\%_]/g, "\\$&")}%` : null;
}

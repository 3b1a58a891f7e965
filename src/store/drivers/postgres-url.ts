/** What a database URL looks like, for messages: they never quote one. */
export const postgresUrlForm = "postgres://user:password@host/database";

/** True if the text is a URL for Postgres. Its driver may ask for more. */
export function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
}

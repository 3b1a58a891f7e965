import { isValidId, uuidFor } from "../domain/id.ts";
import { cleanText } from "../domain/request-context.ts";
import { type EventRow, selectEvents } from "../store/audit-log.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

const pageSize = 200;

/** `sallyport audit`: reads the audit log, newest first. */
export const auditCommand: Command = {
  summary: "Print the audit log, newest first: of everyone, or of what one user has done and what was done to them.",
  usage: `<list> [--user USER_ID] [--action ACTION] [--limit NUMBER] ${databaseUsage}`,
  options: {
    ...databaseOptions,
    user: { type: "string" },
    action: { type: "string" },
    limit: { type: "string", default: "100" },
  },
  async run(values, [verb, ...rest]) {
    if (verb !== "list" || rest.length > 0) throw new UsageError("Give list.");
    const { user, action, limit } = values;
    if (user !== undefined && (typeof user !== "string" || !isValidId(user, "usr"))) {
      throw new UsageError("--user is the id of a user, such as `sallyport users find` prints.");
    }
    if (action !== undefined && typeof action !== "string") throw new UsageError("Give --action once.");
    if (typeof limit !== "string" || !/^[1-9]\d{0,5}$/.test(limit)) throw new UsageError("--limit is 1 to 999999.");
    await withDatabase(values, async (database) => {
      let before: string | undefined;
      for (let left = Number(limit); left > 0; left -= pageSize) {
        const size = Math.min(left, pageSize);
        const asked = { userId: user === undefined ? undefined : uuidFor("usr", user), action, before, limit: size };
        const events = await database.run(selectEvents(asked));
        for (const event of events) console.log(lineOf(event));
        before = events.at(-1)?.id;
        if (events.length < size) break;
      }
    });
  },
};

/** Time, action, outcome, who did it, and to what; then the reason, if there is one. */
function lineOf({ at, action, outcome, actor, target, reason }: EventRow): string {
  const parts = [at.toISOString(), action, outcome, actor ?? "-", target, ...(reason === null ? [] : [reason])];
  // Another system may have stored characters that a terminal obeys.
  return parts.map((part) => cleanText(part)).join("  ");
}

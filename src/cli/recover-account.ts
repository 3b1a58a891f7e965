import { isValidId, type UserId } from "../domain/id.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import { handOutRecovery } from "../operations/recovery.ts";
import { accountsOn, actor, findUser, identifierOptions, identifierUsage } from "./accounts.ts";
import { type Command, UsageError } from "./command.ts";
import { withDatabase } from "./database.ts";

/**
 * `sallyport recover-account`: a link for a user who has lost every way in, and for administrators the only one. Access to the
 * database is the proof (S40).
 */
export const recoverAccountCommand: Command = {
  summary:
    "Print a link with which a user who has lost every way in sets a password for a new address. It ends everything else of the account.",
  usage: `<usr_…|identifier> --to <new address> --page <https://example.com/recover> ${identifierUsage}`,
  options: { ...identifierOptions, to: { type: "string" }, page: { type: "string" } },
  async run(values, [user, ...rest]) {
    const { to, page } = values;
    if (user === undefined || typeof to !== "string" || typeof page !== "string" || rest.length > 0) {
      throw new UsageError(
        "Give the user's id or identifier, --to with the new address, and --page with the page of the link.",
      );
    }
    const identifier = normalizeIdentifier(to, { allowNonAscii: values["allow-non-ascii"] === true });
    if (identifier === undefined) throw new UsageError("The new address is malformed.");
    if (!URL.canParse(page))
      throw new UsageError("--page is the address of a page, such as https://example.com/recover.");
    await withDatabase(values, async (database) => {
      const core = { database, onError: (error: unknown) => console.error(String(error)) };
      const auth = accountsOn(database, values);
      const userId = isValidId(user, "usr") ? (user as UserId) : await findUser(auth, user);
      const holder = await auth.credentials.findByIdentifier({ actor, type: "password", identifier });
      if (holder?.userId === userId) {
        throw new UsageError(
          "The account has this address already. Give --to another address of the user, who can change it back later.",
        );
      }
      const token = await handOutRecovery(core, { actor, userId, identifier });
      const link = new URL(page);
      link.searchParams.set("token", token);
      console.log(link.href);
      console.error("Give this link to the user alone. It works once, for an hour.");
    });
  },
};

import { createAuth } from "../core.ts";
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import type { DeploymentInvitation } from "../domain/deployment-invitation.ts";
import { type DeploymentInvitationId, isValidShape } from "../domain/id.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import { cleanText } from "../domain/request-context.ts";
import type { Feature } from "../engine/feature.ts";
import { type InvitationAuth, type InvitationOperations, invitationParts } from "../operations/invitations.ts";
import type { Database } from "../store/sql.ts";
import { actor, identifierOptions, identifierUsage } from "./accounts.ts";
import { type Command, type OptionValues, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

/** `sallyport invite`: makes an invitation, and prints the link to copy. Nothing else prints one. */
export const inviteCommand: Command = {
  summary:
    "Invite someone to make an account, and print the link to copy. With --mail, the deployment also mails a link, for which " +
    "SALLYPORT_SECRET must be the deployment's.",
  usage: `<address|name> [--mail] [--origin ORIGIN] [--link-path PATH] [--name TEXT] [--days NUMBER] ${identifierUsage}`,
  options: {
    ...identifierOptions,
    mail: { type: "boolean", default: false },
    origin: { type: "string" },
    "link-path": { type: "string" },
    name: { type: "string" },
    days: { type: "string" },
  },
  async run(values, [identifier, ...rest]) {
    if (identifier === undefined || rest.length > 0) throw new UsageError("Give the address or name to invite.");
    const [baseUrl, ttlSeconds, secrets] = [baseUrlOf(values), secondsOf(values.days), secretFor(values)];
    await withDatabase(values, async (database) => {
      const invitations = invitationsOn(database, { ...values, secrets, baseUrl });
      const displayName = typeof values.name === "string" ? values.name : null;
      const { url, invitation } = await invitations.create({ actor, identifier, displayName, ttlSeconds });
      console.log(url);
      console.log(lineOf(invitation));
      console.log(
        "Anyone who has the link can create the account, and its address is not verified: hand it over with care.",
      );
      if (invitation.mailed)
        console.log("A message to the address is owed. The deployment sends it if it has a mailer.");
      else if (values.mail) console.log("No message is owed: this is not the address of one mailbox.");
    });
  },
};

/** `sallyport invitations`: lists what is open or has expired, and revokes. */
export const invitationsCommand: Command = {
  summary: "List the invitations that are open or have expired, or revoke one.",
  usage: `<list|revoke> [join_…|address|name] ${databaseUsage}`,
  options: databaseOptions,
  async run(values, [verb, which, ...rest]) {
    const isRight = verb === "list" ? which === undefined : verb === "revoke" && which !== undefined;
    if (!isRight || rest.length > 0) throw new UsageError("Give list, or revoke and an invitation's id or address.");
    await withDatabase(values, async (database) => {
      const invitations = invitationsOn(database, values);
      if (verb === "list") {
        for await (const one of allOf(invitations)) console.log(lineOf(one));
        return;
      }
      const invitationId = isValidShape(which!, "join")
        ? (which as DeploymentInvitationId)
        : await idOf(invitations, which!);
      const { status } = await invitations.revoke({ actor, invitationId });
      console.log(status === "revoked" ? "The invitation is revoked." : `The invitation was ${status} already.`);
    });
  },
};

async function* allOf(invitations: InvitationOperations): AsyncGenerator<DeploymentInvitation> {
  let cursor: string | undefined;
  do {
    const page = await invitations.list({ actor, cursor, limit: 200 });
    yield* page.data;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

async function idOf(invitations: InvitationOperations, identifier: string): Promise<DeploymentInvitationId> {
  const normal = normalizeIdentifier(identifier, { allowNonAscii: true });
  for await (const one of allOf(invitations)) if (one.identifier === normal) return one.id;
  throw new Error("There is no invitation of this address.");
}

function lineOf({ id, identifier, status, mailed, invitedBy, expiresAt }: DeploymentInvitation): string {
  const until = `${status === "expired" ? "since" : "until"} ${expiresAt.toISOString()}`;
  const by = `by ${invitedBy ?? "the application"}`;
  return [id, cleanText(identifier), `${status} ${until}`, mailed ? "mailed" : "not mailed", by].join("  ");
}

function baseUrlOf(values: OptionValues): string {
  const url = values.origin ?? process.env.BASE_URL;
  if (typeof url !== "string" || url === "") {
    throw new UsageError("Give the deployment's origin with --origin, or in the environment's BASE_URL.");
  }
  return url;
}

function secondsOf(days: OptionValues[string]): number | undefined {
  if (days === undefined) return undefined;
  if (typeof days !== "string" || !/^([1-9]|[12]\d|30)$/.test(days)) throw new UsageError("--days is 1 to 30.");
  return Number(days) * 86_400;
}

/** The secret in a message is derived from the deployment's own; the link to copy needs none. */
function secretFor({ mail }: OptionValues): string {
  if (!mail) return unusedSecret();
  const secrets = process.env.SALLYPORT_SECRET;
  if (!secrets)
    throw new UsageError("--mail needs the deployment's root secret in the environment's SALLYPORT_SECRET.");
  return secrets;
}

const unusedSecret = () => toBase64Url(randomBytes(32));

function invitationsOn(
  database: Database,
  values: OptionValues & { readonly secrets?: string; readonly baseUrl?: string },
): InvitationOperations {
  const { mail, "link-path": linkPath, secrets = unusedSecret(), baseUrl = "http://localhost" } = values;
  const isMailed: readonly Feature[] = mail ? [{ name: "mail", make: () => ({ operations: {} }) }] : [];
  const feature: Feature<InvitationAuth> = {
    name: "invitations",
    make: (core) => invitationParts(core, typeof linkPath === "string" ? { linkPath } : {}, isMailed),
    // Whether the deployment lets anyone accept is its own affair.
    signUp: () => "invited",
  };
  const auth = createAuth({
    database,
    secrets,
    origins: [baseUrl],
    clientAddress: () => undefined,
    features: [feature],
    // No page waits for a command.
    timeouts: { requestMilliseconds: 60_000, firstMilliseconds: 60_000 },
    allowNonAsciiIdentifiers: values["allow-non-ascii"] === true,
    onError: (error) => console.error(String(error)),
  });
  return auth.invitations;
}

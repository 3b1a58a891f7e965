import { createAuth } from "../core.ts";
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import type { Limit } from "../domain/limit.ts";
import { type LimitOperations, type LimitsOf, limitParts } from "../operations/limits.ts";
import type { Database } from "../store/sql.ts";
import { actor, identifierOptions, identifierUsage } from "./accounts.ts";
import { type Command, type OptionValues, UsageError } from "./command.ts";
import { withDatabase } from "./database.ts";

const subjects = ["identifier", "address", "subject", "name"] as const;

/** `sallyport limits`: shows which attempts are refused, and lets them begin again. */
export const limitsCommand: Command = {
  summary:
    "List limits on attempts that are used up, or those of an account, an address or a subject of `rateLimit`; or lift them.",
  usage: `<list|lift> [--identifier TEXT | --address ADDRESS | --subject TEXT | --name NAME] ${identifierUsage}`,
  options: {
    ...identifierOptions,
    identifier: { type: "string" },
    address: { type: "string" },
    subject: { type: "string" },
    name: { type: "string" },
  },
  async run(values, [verb, ...rest]) {
    if ((verb !== "list" && verb !== "lift") || rest.length > 0) throw new UsageError("Give list or lift.");
    const of = subjectOf(values);
    if (verb === "lift" && !of) throw new UsageError("Give --identifier, --address, --subject or --name.");
    const secrets = secretFor(of);
    await withDatabase(values, async (database) => {
      const operations = limitsOn(database, secrets, values);
      if (verb === "lift") {
        const { lifted } = await operations.lift({ actor, of: of! });
        console.log(lifted === 1 ? "1 limit was lifted." : `${lifted} limits were lifted.`);
        return;
      }
      const { data } = await operations.list({ actor, of });
      for (const limit of data) console.log(lineOf(limit));
      if (data.length === 0) console.log(of ? "No attempts are counted." : "No limit is used up.");
    });
  },
};

function subjectOf(values: OptionValues): LimitsOf | undefined {
  const given = subjects.flatMap((name) =>
    // Not `--key`: an application's key may be a secret, which is told by the counter's name (S64).
    typeof values[name] === "string" ? [{ [name === "subject" ? "key" : name]: values[name] }] : [],
  );
  if (given.length > 1) throw new UsageError("Give one of --identifier, --address, --subject and --name.");
  return given[0] as LimitsOf | undefined;
}

/** Counters of identifiers, addresses and keys are named by digests, for which the deployment's own secret is needed. */
function secretFor(of: LimitsOf | undefined): string {
  if (!of || "name" in of) return toBase64Url(randomBytes(32));
  const secrets = process.env.SALLYPORT_SECRET;
  if (!secrets) throw new UsageError("Give the deployment's root secret in the environment's SALLYPORT_SECRET.");
  return secrets;
}

function limitsOn(database: Database, secrets: string, values: OptionValues): LimitOperations {
  const auth = createAuth({
    database,
    secrets,
    // Admits a development secret too.
    origins: ["http://localhost"],
    clientAddress: () => undefined,
    features: [{ name: "limits", make: limitParts }],
    timeouts: { requestMilliseconds: 60_000, firstMilliseconds: 60_000 },
    allowNonAsciiIdentifiers: values["allow-non-ascii"] === true,
    onError: (error) => console.error(String(error)),
  });
  return auth.limits;
}

function lineOf({ name, count, maximum, failures, usedUp, closed, resetsAt }: Limit): string {
  const state = closed ? "closed until it is lifted" : `until ${resetsAt.toISOString()}`;
  return [name, `${count} of ${maximum}`, `${failures} failures in a row`, usedUp ? `refused, ${state}` : state].join(
    "  ",
  );
}

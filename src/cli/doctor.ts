import { parseRootSecrets, versionsOf } from "../crypto/root-secrets.ts";
import { probeDatabase } from "../engine/probe.ts";
import { countSealedSecrets, countUnsealedSecrets } from "../operations/reseal.ts";
import { countForsaken } from "../store/deployment-invitations.ts";
import { type Backlog, selectBacklog } from "../store/mail.ts";
import { selectIsAdopted } from "../store/stored-accounts.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";
import { examineAccounts } from "./doctor-accounts.ts";
import { examineDeployment } from "./doctor-deployment.ts";

/** A message that was tried several times has waited for about this long. */
const longestWaitMinutes = 30;

/** `sallyport doctor`: reports what would go wrong with this database, before it does. */
export const doctorCommand: Command = {
  summary:
    "Check a database: its clock, caches in front of it, messages that wait, and stored accounts that Sallyport cannot open. With --origin, check the deployment too.",
  usage: `${databaseUsage} [--origin ORIGIN] [--allow-non-ascii] [--rp-id DOMAIN] [--shared-database]`,
  options: {
    ...databaseOptions,
    origin: { type: "string" },
    "allow-non-ascii": { type: "boolean", default: false },
    "rp-id": { type: "string" },
    "shared-database": { type: "boolean", default: false },
  },
  async run(values) {
    const rpId = values["rp-id"];
    if (rpId !== undefined && typeof rpId !== "string") throw new UsageError("Give --rp-id once.");
    const { origin } = values;
    if (origin !== undefined && typeof origin !== "string") throw new UsageError("Give --origin once.");
    await withDatabase(values, async (database) => {
      const { newer } = await probeDatabase(database);
      console.log("The clock is the database's own, and no cache answers for it.");
      if (newer.length > 0) console.log(`The schema is newer than this release, and serves it: ${newer.join(", ")}.`);
      const core = { database, onError: (error: unknown) => console.error(String(error)) };
      console.log(`${await countUnsealedSecrets(core)} authenticator app secrets are not encrypted.`);
      for (const { version, count } of await countSealedSecrets(core)) {
        console.log(`${count} are encrypted with version ${version} of the sealing keys.`);
      }
      for (const name of ["SALLYPORT_SECRET", "SALLYPORT_SEALING_KEYS"]) describeKeys(name, process.env[name]);
      const [{ owed, overdueMinutes, refused, late }] = (await database.run(selectBacklog())) as [Backlog];
      if (refused > 0)
        console.log(
          `${refused} messages of the last 30 days were refused by the mail provider for good. If the provider is Cloudflare's Email Service on its free plan: it sends to verified addresses only.`,
        );
      if (late > 0)
        console.log(`${late} messages of the last 30 days were given up, because they could not be sent in time.`);
      if (owed > 0) console.log(`${owed} messages are owed; the oldest has waited ${overdueMinutes} minutes.`);
      const [{ forsaken }] = (await database.run(countForsaken())) as [{ forsaken: number }];
      if (forsaken > 0)
        console.log(`Open invitations that do not count, because their inviter is not an administrator: ${forsaken}.`);
      const [{ adopted }] = (await database.run(selectIsAdopted())) as [{ adopted: boolean }];
      let faults = 0;
      for await (const { id, finding, fault } of examineAccounts(database, {
        allowNonAscii: values["allow-non-ascii"] === true,
        rpId,
        shared: adopted || values["shared-database"] === true,
      })) {
        console.log(`${id} ${finding}`);
        if (fault) faults += 1;
      }
      const wrong: string[] = [];
      if (origin !== undefined) for await (const finding of examineDeployment(origin)) wrong.push(finding);
      for (const finding of wrong) console.log(`The deployment: ${finding}`);
      if (origin !== undefined && wrong.length === 0) {
        console.log("The deployment can serve, and accepts requests from its own pages.");
      }
      if (faults > 0) throw new Error(`${faults} stored rows cannot be used: see the ids above.`);
      if (overdueMinutes > longestWaitMinutes) {
        throw new Error(
          "messages are not sent: look at the mailer, and at the schedule that calls `auth.mail.deliver()`.",
        );
      }
      if (wrong.length > 0) throw new Error("the deployment is not ready: see above.");
      console.log("Every active password, factor, passkey and token can be used.");
    });
  },
};

/** Prints which versions of a variable's keys are used, if it is set here. */
function describeKeys(name: string, text: string | undefined): void {
  if (text === undefined) return;
  const { writes, reads } = versionsOf(parseRootSecrets(text));
  console.log(`${name}: version ${writes} writes; ${reads.join(" and ")} ${reads.length > 1 ? "are" : "is"} read.`);
}

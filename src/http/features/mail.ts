import type { Feature } from "../../engine/feature.ts";
import { createMailCore, type MailOptions, mailLanguageFor } from "../../engine/mail-settings.ts";
import { type MailAuth, mailParts, noticing } from "../../operations/mail.ts";
import type { MailApi } from "../generated/api.ts";
import type { RouteTable } from "../route.ts";
import { identifierChangeRoutes } from "../routes/identifier-changes.ts";
import { mailedLinkRoutes } from "../routes/mailed-links.ts";
import { recoveryRoutes } from "../routes/recovery.ts";
import { verificationRoutes } from "../routes/verifications.ts";

/** The feature for messages: it sends what is owed, proves addresses, and lets users back in who have forgotten their password. */
export function mail(options: MailOptions): Feature<MailAuth, MailApi> {
  const { notices = true } = options;
  return {
    ...(notices && { database: noticing }),
    name: "mail",
    make: (core, features) => mailParts(core, options, features),
    mailLanguage: (core, acceptLanguage) => mailLanguageFor(createMailCore(core, options), acceptLanguage),
    routes: mailRoutes,
  };
}

const mailRoutes: RouteTable<MailAuth> = () => [
  ...verificationRoutes(),
  ...identifierChangeRoutes(),
  ...mailedLinkRoutes(),
  ...recoveryRoutes(),
];

import type { Feature } from "../../engine/feature.ts";
import type { MailOptions } from "../../engine/mail-settings.ts";
import { type MailAuth, mailParts } from "../../operations/mail.ts";
import type { MailApi } from "../generated/api.ts";
import { mailRoutes } from "../routes/verifications.ts";

/** The feature for messages: it sends what is owed, and proves addresses. */
export function mail(options: MailOptions): Feature<MailAuth, MailApi> {
  return { name: "mail", make: (core) => mailParts(core, options), routes: mailRoutes };
}

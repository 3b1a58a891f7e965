/** For workerd: makes the attempt of a request. @module */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { MailMessage } from "../../../src/domain/mail.ts";
import { type CloudflareEmailBinding, cloudflareMailer } from "../../../src/mailers/cloudflare.ts";
import { attempt } from "./attempt.ts";

/** Fails with the code that is a message's subject, as Email Service does. miniflare's binding knows none of its codes. */
export class StandIn extends WorkerEntrypoint {
  async send({ to, subject }: { to: string; subject: string }): Promise<{ messageId: string }> {
    if (subject === "SILENCE") await scheduler.wait(600_000);
    throw Object.assign(new Error(`quoted-reply ${to}`), { code: subject });
  }
}

type Env = Readonly<Record<string, CloudflareEmailBinding>>;
interface BindingAttempt {
  readonly binding: string;
  readonly message: MailMessage;
  readonly limit?: number;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { binding, message, limit } = (await request.json()) as BindingAttempt;
    return Response.json(await attempt(cloudflareMailer(env[binding]!), message, limit));
  },
};

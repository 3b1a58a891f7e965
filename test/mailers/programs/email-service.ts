/** For workerd: keeps what a Worker sends through its binding `EMAIL`, and shows it. @module */
import { WorkerEntrypoint } from "cloudflare:workers";

interface KeptMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const kept: KeptMessage[] = [];

export default class EmailService extends WorkerEntrypoint {
  async send(message: KeptMessage): Promise<{ messageId: string }> {
    kept.push(message);
    return { messageId: String(kept.length) };
  }

  override async fetch(): Promise<Response> {
    return Response.json(kept);
  }
}

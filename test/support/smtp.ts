import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { developmentCertificate } from "../../worker/development/certificate.node.ts";

/** A message that a server has accepted. */
export interface Accepted {
  readonly from: string;
  readonly to: readonly string[];
  /** As it travelled, after the dots of SMTP were removed. */
  readonly raw: string;
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
}

/** An SMTP server on this machine. */
export interface SmtpSink {
  readonly port: number;
  readonly accepted: Accepted[];
  /** What clients have sent in plain text, as lines without their ends. */
  lines(): readonly string[];
  /** Forgets what has arrived. */
  clear(): void;
  /** Ends the newest connection, without a reply. */
  drop(): void;
  /** Resolves once the newest connection is closed. */
  closed(): Promise<void>;
  close(): Promise<void>;
}

/** A reply of the server: a code and its text. */
export const reply = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

/** Opens a server without accounts, STARTTLS or enhanced codes of its own, on every address of this machine. */
export async function openSmtp(options: SMTPServerOptions = {}): Promise<SmtpSink> {
  const accepted: Accepted[] = [];
  let text = "";
  let newest: Socket | undefined;
  let closing: Promise<void> = Promise.resolve();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: true,
    closeTimeout: 1,
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        const raw = Buffer.concat(chunks).toString("latin1");
        const to = rcptTo.map(({ address }) => address);
        accepted.push({ from, to, raw, user: session.user, isEncrypted: session.secure });
        callback();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  server.server.on("connection", (socket: Socket) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    newest = socket;
    closing = new Promise((resolve) => socket.once("close", () => resolve()));
  });
  server.listen(0, "0.0.0.0");
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    accepted,
    lines: () => text.split("\r\n"),
    clear() {
      accepted.length = 0;
      text = "";
    },
    drop: () => newest?.destroy(),
    closed: () => closing,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A certificate for a host and its key, as PEM. Nothing trusts it unless it is told to. */
export async function certificateFor(host: string): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-smtp-"));
  try {
    const files = developmentCertificate(folder, host, new Date());
    return { cert: await readFile(files.certificate, "utf8"), key: await readFile(files.key, "utf8") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

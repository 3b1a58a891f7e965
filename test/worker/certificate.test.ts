/** The certificate of `npm start -- --https`, judged by Node's TLS. */
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentCertificate } from "../../worker/development/certificate.node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-certificate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const now = new Date();
const read = async (path: string) => await readFile(path, "utf8");

/** The status of a request that trusts the certificate and expects the host, or the code of the error. */
async function reach(files: { certificate: string; key: string }, host: string): Promise<unknown> {
  const server = createServer(
    { cert: await read(files.certificate), key: await read(files.key) },
    (_request, response) => response.end("reached"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ca = await read(files.certificate);
  try {
    return await new Promise((resolve) => {
      const lookup = {
        lookup: (_name: string, _options: unknown, found: (...found: unknown[]) => void) =>
          found(null, [{ address: "127.0.0.1", family: 4 }]),
      };
      get({ host, port, ca, agent: false, ...(lookup as object) }, (response) =>
        resolve(response.resume().statusCode),
      ).on("error", (error) => resolve((error as { code?: string }).code));
    });
  } finally {
    server.close();
  }
}

test.each(["localhost", "127.0.0.1", "laptop.local"])("%s: a client accepts it for that host alone", async (host) => {
  const files = developmentCertificate(join(folder, host), host, now);
  expect(await reach(files, host)).toBe(200);
  expect(await reach(files, "other.local")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("a new certificate for another host or near its end; otherwise the same, readable by its owner alone", async () => {
  const own = join(folder, "own");
  const { certificate, key } = developmentCertificate(own, "localhost", now);
  const first = await read(certificate);
  expect((await stat(key)).mode & 0o077).toBe(0);
  const parsed = new X509Certificate(first);
  expect([parsed.ca, parsed.subjectAltName]).toEqual([false, "DNS:localhost"]);
  developmentCertificate(own, "localhost", new Date(now.getTime() + 80 * 86_400_000));
  expect(await read(certificate)).toBe(first);
  developmentCertificate(own, "localhost", new Date(now.getTime() + 84 * 86_400_000));
  const second = await read(certificate);
  expect(second).not.toBe(first);
  developmentCertificate(own, "10.0.0.7", now);
  expect(new X509Certificate(await read(certificate)).subjectAltName).toBe("IP Address:10.0.0.7");
});

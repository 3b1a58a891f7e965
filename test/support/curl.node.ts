/**
 * A stand-in for curl on machines without it, with the few options that the printed lines of `npm start` use.
 *
 * @module
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { request as requestSecurely } from "node:https";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

// Strict: an unknown option is an error.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cacert: { type: "string" },
    "cookie-jar": { type: "string", short: "c" },
    cookie: { type: "string", short: "b" },
    data: { type: "string", short: "d" },
    header: { type: "string", short: "H", multiple: true, default: [] },
    silent: { type: "boolean", short: "s" },
    "write-out": { type: "string", short: "w", default: "" },
  },
});
const [url] = positionals;
if (positionals.length !== 1) throw new Error("Give one URL.");

const headers: Record<string, string> = { Accept: "*/*", "User-Agent": "curl" };
if (values.data !== undefined) headers["Content-Type"] = "application/x-www-form-urlencoded";
for (const header of values.header) {
  const [, name, value] = /^([^:]+): *(.*)$/.exec(header)!;
  headers[name!] = value!;
}
if (values.cookie !== undefined) headers.Cookie = readFileSync(values.cookie, "utf8");

const method = values.data === undefined ? "GET" : "POST";
const sent =
  values.cacert === undefined
    ? request(url!, { method, headers })
    : requestSecurely(url!, { method, headers, ca: readFileSync(values.cacert) });
sent.end(values.data);
const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
process.stdout.write(await text(response));
process.stdout.write(values["write-out"].replace("\\n", "\n").replace("%{http_code}", String(response.statusCode)));
if (values["cookie-jar"] !== undefined) {
  const cookies = (response.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]);
  writeFileSync(values["cookie-jar"], cookies.join("; "));
}

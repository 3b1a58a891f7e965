/**
 * Three applications that find out who the user is: bare Hono, the least code written by hand for the same work, and Sallyport.
 * `/<variant>?n=…` asks one of them n times.
 */
import { Hono } from "hono/tiny";
import { argon2id } from "sallyport/argon2id";
import { createAuth, passwords } from "sallyport/core";
import { cloudflareAddress, requireUser } from "sallyport/hono";
import { cannedDatabase, type cannedRow, cannedSecret, cannedToken } from "./canned.ts";

const bare = new Hono();
bare.get("/me", (c) => c.json({ id: "usr_1" }));

const floor = new Hono<{ Variables: { row: typeof cannedRow } }>();
const statement = { text: "select … from ses join usr …", params: [] as string[] };
floor.use(async (c, next) => {
  const token = c.req.header("authorization")?.slice(7) ?? "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  let hex = "";
  for (const byte of digest) hex += byte.toString(16).padStart(2, "0");
  const [row] = await cannedDatabase.run<typeof cannedRow>({ ...statement, params: [hex] });
  if (!row || row.refusal !== null) return c.json({ code: "unauthorized" }, 401);
  c.set("row", row);
  return await next();
});
floor.get("/me", (c) => c.json({ id: c.var.row.userId }));

const auth = createAuth({
  database: cannedDatabase,
  secrets: cannedSecret,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
  features: [passwords({ hasher: argon2id() })],
});
const sallyport = new Hono();
sallyport.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));

const variants = new Map<string, { fetch(request: Request): Response | Promise<Response> }>([
  ["/bare", bare],
  ["/floor", floor],
  ["/sallyport", sallyport],
]);

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const app = variants.get(url.pathname);
    if (!app) return new Response("ready");
    const count = Number(url.searchParams.get("n"));
    let accepted = 0;
    for (let index = 0; index < count; index++) {
      const headers = { authorization: `Bearer ${cannedToken}` };
      const answer = await app.fetch(new Request("https://app.example.com/me", { headers }));
      if (answer.status === 200) accepted += 1;
    }
    return new Response(String(accepted));
  },
};

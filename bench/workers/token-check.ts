/**
 * A request with a personal access token. `/first?n=…` sends it to isolates that have not seen the token, `/repeated?n=…` to
 * one that has, and `/session?n=…` sends a session to the same route.
 */
import { Hono } from "hono/tiny";
import { createAuth, type Database, passwords } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { cloudflareAddress, requireUser } from "sallyport/hono";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { cannedRow, cannedSecret, cannedToken } from "./canned.ts";

const passwordHasher = argon2id();
const secret = "B".repeat(43);
const token = `pat_${"01a201cf78e9765db3bb7710b1fd390a"}_${secret}`;
let secretHash = "";

/** Answers at once, so that only Sallyport is measured. */
const database: Database = {
  run: async <Row>({ text }: { text: string }) => [
    (text.includes("from ses join") ? cannedRow : tokenRow()) as unknown as Row,
  ],
  batch: async (statements) => statements.map(() => [cannedRow]),
};

const tokenRow = () => ({
  ...cannedRow,
  ...{
    allowed: true,
    retryAfterSeconds: null,
    scope: ["docs:read"],
    secretHash,
    now: cannedRow.createdAt,
    proved: true,
  },
});

function application(): Hono {
  const auth = createAuth({
    database,
    secrets: cannedSecret,
    origins: ["https://app.example.com"],
    clientAddress: cloudflareAddress,
    features: [passwords({ hasher: passwordHasher }), personalAccessTokens()],
  });
  const app = new Hono();
  app.get("/docs", requireUser(auth, { scope: "docs:read" }), (c) => c.json({ id: c.var.user.id }));
  return app;
}

let known: Hono | undefined;

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const variant = url.pathname.slice(1);
    const count = Number(url.searchParams.get("n"));
    secretHash ||= await passwordHasher.hash(secret);
    let accepted = 0;
    for (let index = 0; index < count; index++) {
      known ??= application();
      const app = variant === "first" ? application() : known;
      const authorization = `Bearer ${variant === "session" ? cannedToken : token}`;
      const answer = await app.fetch(new Request("https://app.example.com/docs", { headers: { authorization } }));
      if (answer.status === 200) accepted += 1;
    }
    return new Response(String(accepted));
  },
};

/**
 * Creates a user with a password, for a server that refuses sign-up. The password comes from standard input, so that it
 * stays out of the shell's history:
 *
 *     node examples/create-user.ts ada@example.com < password.txt
 *
 * `DATABASE_URL`, `SALLYPORT_SECRET` and `BASE_URL` are those of the server.
 */
import { text } from "node:stream/consumers";
import pg from "pg";
import { accounts, createAuth, passwords, systemActor } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { postgres } from "sallyport/postgres";

const [identifier] = process.argv.slice(2);
const { DATABASE_URL, SALLYPORT_SECRET, BASE_URL } = process.env;
if (!identifier || !DATABASE_URL || !BASE_URL) throw new Error("Give an identifier, DATABASE_URL and BASE_URL.");

const pool = new pg.Pool({ connectionString: DATABASE_URL });
const auth = createAuth({
  database: postgres(pool),
  secrets: SALLYPORT_SECRET,
  origins: [BASE_URL],
  clientAddress: sharedByAllClients,
  features: [passwords({ hasher: argon2id() }), accounts()],
});

const actor = systemActor("create-user");
const user = await auth.users.create.plan({ actor });
const { userId } = user.known;
const password = (await text(process.stdin)).replace(/\r?\n$/, "");
await auth.batch([user, await auth.credentials.createPassword.plan({ actor, userId, identifier, password })]);
console.log(userId);
await pool.end();

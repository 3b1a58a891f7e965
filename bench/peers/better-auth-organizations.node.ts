/**
 * The peer of `npm run bench -- organizations`: better-auth's organizations with Drizzle on PGlite. Counts each statement.
 *
 * @module
 */
import type { PGlite } from "@electric-sql/pglite";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import { organization as organizations } from "better-auth/plugins/organization";
import { pgTable, text } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/pglite";
import { account, sessionColumns, time, user, verification } from "./better-auth-tables.ts";

const session = pgTable("session", { ...sessionColumns, activeOrganizationId: text("activeOrganizationId") });
const organization = pgTable("organization", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  slug: text("slug").notNull().unique(),
  logo: text("logo"),
  metadata: text("metadata"),
  createdAt: time("createdAt").notNull(),
});
const member = pgTable("member", {
  id: text("id").primaryKey(),
  organizationId: text("organizationId").notNull(),
  userId: text("userId").notNull(),
  role: text("role").notNull(),
  createdAt: time("createdAt").notNull(),
});
const invitation = pgTable("invitation", {
  id: text("id").primaryKey(),
  organizationId: text("organizationId").notNull(),
  email: text("email").notNull(),
  role: text("role"),
  status: text("status").notNull(),
  expiresAt: time("expiresAt").notNull(),
  createdAt: time("createdAt").notNull(),
  inviterId: text("inviterId").notNull(),
});
const schema = { user, session, account, verification, organization, member, invitation };

const tables = `
  create table organization (id text primary key, name text not null, slug text not null unique, logo text, metadata text,
    "createdAt" timestamptz not null);
  create table member (id text primary key, "organizationId" text not null, "userId" text not null, role text not null,
    "createdAt" timestamptz not null);
  create table invitation (id text primary key, "organizationId" text not null, email text not null, role text, status text not null,
    "expiresAt" timestamptz not null, "createdAt" timestamptz not null, "inviterId" text not null);
  alter table session add column "activeOrganizationId" text;`;

/** What each operation costs, in statements. */
export async function measureBetterAuth(embedded: PGlite, baseTables: string): Promise<readonly [string, number][]> {
  await embedded.exec(`${baseTables};${tables}`);
  let statements = 0;
  const logger = {
    logQuery: () => {
      statements += 1;
    },
  };
  const auth = betterAuth({
    baseURL: "https://app.example.com",
    secret: crypto.getRandomValues(Buffer.alloc(32)).toString("base64url"),
    telemetry: { enabled: false },
    database: drizzleAdapter(drizzle(embedded, { schema, logger }), { provider: "pg", schema }),
    emailAndPassword: { enabled: true },
    plugins: [organizations({ sendInvitationEmail: async () => undefined })],
  });
  const person = async (email: string): Promise<Headers> => {
    const body = { email, name: email, password: "correct horse battery staple" };
    const { token } = await auth.api.signUpEmail({ body });
    if (!token) throw new Error("No session was made.");
    const { headers } = await auth.api.signInEmail({ body, returnHeaders: true });
    await embedded.query(`update "user" set "emailVerified" = true`);
    return new Headers({
      cookie: headers
        .getSetCookie()
        .map((one) => one.split(";")[0])
        .join("; "),
    });
  };
  const [owner, invited] = [await person("ada@example.com"), await person("ben@example.com")];
  const counts: [string, number][] = [];
  const counted = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    statements = 0;
    const result = await work();
    counts.push([name, statements]);
    return result;
  };
  const formed = await counted("form an organization", () =>
    auth.api.createOrganization({ body: { name: "Acme", slug: "acme" }, headers: owner }),
  );
  if (!formed) throw new Error("No organization was made.");
  const sent = await counted("invite", () =>
    auth.api.createInvitation({
      body: { email: "ben@example.com", role: "member", organizationId: formed.id },
      headers: owner,
    }),
  );
  const { member: joined } = (await counted("accept", () =>
    auth.api.acceptInvitation({ body: { invitationId: sent.id }, headers: invited }),
  ))!;
  if (joined.role !== "member") throw new Error("The invitation was not accepted.");
  const listed = await counted("list members", () =>
    auth.api.listMembers({ query: { organizationId: formed.id }, headers: owner }),
  );
  if (listed.members.length !== 2) throw new Error("Two members were expected.");
  return counts;
}

/** The tables of better-auth without plugins, for Drizzle. @module */
import { boolean, pgTable, text, timestamp } from "drizzle-orm/pg-core";

export const time = (name: string) => timestamp(name, { withTimezone: true });
const made = { createdAt: time("createdAt").notNull(), updatedAt: time("updatedAt").notNull() };

export const user = pgTable("user", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  email: text("email").notNull().unique(),
  emailVerified: boolean("emailVerified").notNull(),
  image: text("image"),
  ...made,
});
/** The columns of a session. The plugin for organizations adds one. */
export const sessionColumns = {
  id: text("id").primaryKey(),
  expiresAt: time("expiresAt").notNull(),
  token: text("token").notNull().unique(),
  ipAddress: text("ipAddress"),
  userAgent: text("userAgent"),
  userId: text("userId").notNull(),
  ...made,
};
export const session = pgTable("session", sessionColumns);
export const account = pgTable("account", {
  id: text("id").primaryKey(),
  accountId: text("accountId").notNull(),
  providerId: text("providerId").notNull(),
  userId: text("userId").notNull(),
  accessToken: text("accessToken"),
  refreshToken: text("refreshToken"),
  idToken: text("idToken"),
  accessTokenExpiresAt: time("accessTokenExpiresAt"),
  refreshTokenExpiresAt: time("refreshTokenExpiresAt"),
  scope: text("scope"),
  password: text("password"),
  ...made,
});
export const verification = pgTable("verification", {
  id: text("id").primaryKey(),
  identifier: text("identifier").notNull(),
  value: text("value").notNull(),
  expiresAt: time("expiresAt").notNull(),
  ...made,
});

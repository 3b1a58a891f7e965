/** What each entry is configured with, so that they differ by their feature alone. */
import type { AuthOptions } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { neon } from "sallyport/neon";

export interface Bindings {
  DATABASE_URL: string;
  SALLYPORT_SECRET: string;
}

export const optionsOf = ({ DATABASE_URL, SALLYPORT_SECRET }: Bindings): AuthOptions => ({
  database: neon(DATABASE_URL),
  passwordHasher: argon2id(),
  secrets: SALLYPORT_SECRET,
  origins: ["https://app.example.com"],
});

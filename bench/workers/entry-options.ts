/** The options of each entry, so that the entries differ only in their features. */
import type { AuthOptions } from "sallyport";
import { cloudflareAddress } from "sallyport/hono";
import { neon } from "sallyport/neon";

export interface Bindings {
  DATABASE_URL: string;
  SALLYPORT_SECRET: string;
}

export const optionsOf = ({ DATABASE_URL, SALLYPORT_SECRET }: Bindings): Omit<AuthOptions, "features"> => ({
  database: neon(DATABASE_URL),
  secrets: SALLYPORT_SECRET,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
});

/** Writes what the sources import and no repository keeps: the Argon2id binaries and the migrations as strings. */
import { extractArgon2 } from "./extract-argon2.node.ts";
import { generateMigrations } from "./generate-migrations.node.ts";

await extractArgon2(new URL("./generated/", import.meta.url));
await generateMigrations();
